# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seam between filters and the topology: reads the fleet, and reports errors as Ansible's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import REGION_PREFIX
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
            fleet = read_fleet(_unwrapped(groups), hostvars, host)
            return derive(fleet, f"{host}", *arguments, **options)
        except TopologyError as error:
            raise AnsibleFilterError(f"{error}") from error

    return filter_groups


def has_topology(variables: Mapping[str, object]) -> bool:
    """Whether a host's variables declare regions: a role may also be used without a topology."""
    return "meridian_regions" in variables or any(
        f"{name}".startswith(REGION_PREFIX) for name in variables
    )


def _unwrapped(groups: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """The groups without the wrappers of ansible-core 2.19 and later.

    There a dict holds its values wrapped, and every name in a list passes through the template
    engine when it is looked at: 20 ms for 1,000 hosts, for each filter of each host. A list of
    plain names has nothing to template, so it is taken out of its wrapper as it is.
    """
    if not isinstance(groups, dict):
        return groups
    held = {name: dict.__getitem__(groups, name) for name in groups}
    found = {name: getattr(value, "value", value) for name, value in held.items()}
    return {name: hosts if _is_plain(hosts) else groups[name] for name, hosts in found.items()}


def _is_plain(hosts: Any) -> bool:
    return hosts.__class__ is list and not any("{" in host for host in hosts)
