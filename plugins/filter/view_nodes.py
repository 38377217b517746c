# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.global_view."""

from __future__ import annotations

DOCUMENTATION = r"""
name: view_nodes
short_description: The vmselects that a global vmselect asks
version_added: 0.1.0
description:
  - Returns every vmselect of every region, at the port that it has for the vmselect of all regions.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the vmselects that it asks
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.view_nodes(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Sorted C(region/address:port).
  type: list
  elements: str
  sample:
  - us-east-1/10.20.1.16:8411
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import view_nodes


class FilterModule:
    """The vmselects that a global vmselect asks."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"view_nodes": fleet_filter(view_nodes)}
