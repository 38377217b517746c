# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seam between filters and the topology: reads the fleet, and reports errors as Ansible's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
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
            fleet = read_fleet(_unwrapped(groups, hostvars, host), hostvars, host)
            return derive(fleet, f"{host}", *arguments, **options)
        except TopologyError as error:
            raise AnsibleFilterError(f"{error}") from error

    return filter_groups


def _unwrapped(
    groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Mapping[str, Any]], host: str
) -> Mapping[str, Sequence[str]]:
    """The same groups without the wrappers of ansible-core 2.19, where it can be seen that they are.

    There every name in a list passes through the template engine when it is looked at. That takes
    20 ms for 1,000 hosts, for each filter of each host. The inventory's own lists are plain.
    """
    raw_get = getattr(hostvars, "raw_get", None)
    variables = raw_get(host) if raw_get else None
    own = variables.get("groups") if isinstance(variables, Mapping) else None
    if own and {name: len(own[name]) for name in own} == {
        name: len(groups[name]) for name in groups
    }:
        return {f"{name}": own[name] for name in own}
    return groups
