# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: carries
short_description: Whether a host carries a component
version_added: 0.1.0
description:
  - Returns whether a host is in the component's group, or the component is one that every host of
    a region carries where the inventory has no such group, as C(node_exporter).
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, component
options:
  component:
    description: The component's name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show whether a host carries a node exporter
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.carries(hostvars, inventory_hostname, 'node_exporter') }}
"""

RETURN = r"""
_value:
  description: Whether it does.
  type: bool
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import carries


class FilterModule:
    """Whether a host carries a component."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"carries": fleet_filter(carries)}
