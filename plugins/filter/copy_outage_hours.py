# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.copies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: copy_outage_hours
short_description: How long the region may be away that gets copies of a host's samples
version_added: 0.1.0
description:
  - Returns C(queue_hours) of the region's C(replication), else the default.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, default
options:
  default:
    description: Hours where the inventory states none.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show how long the region that gets copies may be away
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.copy_outage_hours(hostvars, inventory_hostname, 24) }}
"""

RETURN = r"""
_value:
  description: The hours.
  type: float
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.copies import copy_outage_hours
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import (
    fleet_filter,
    has_topology,
)


def _filter(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    host: str,
    default: float,
) -> object:
    if not has_topology(hostvars[host]):
        return default
    return fleet_filter(copy_outage_hours)(groups, hostvars, host, default)


class FilterModule:
    """How long the region may be away that gets copies of a host's samples."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"copy_outage_hours": _filter}
