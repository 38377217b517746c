# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seam between filters and the topology: reads the fleet, and reports errors as Ansible's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    TopologyError,
    read_fleet,
)


def fleet_filter(derive: Callable[..., object]) -> Callable[..., object]:
    """Make a filter of `derive(fleet, host, ...)`: `groups | filter(hostvars, host, ...)`."""

    @wraps(derive)
    def filter_groups(
        groups: Mapping[str, Sequence[str]],
        hostvars: Mapping[str, Mapping[str, Any]],
        host: str,
        *arguments: object,
        **options: object,
    ) -> object:
        try:
            fleet: Fleet = read_fleet(groups, hostvars, host)
            return derive(fleet, f"{host}", *arguments, **options)
        except TopologyError as error:
            raise AnsibleFilterError(f"{error}") from error

    return filter_groups
