# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.decommission."""

from __future__ import annotations

DOCUMENTATION = r"""
name: decommission_plan
short_description: Who is concerned when a storage node is taken out
version_added: 0.1.0
description:
  - Returns the other nodes and the vminserts of the region of a vmstorage host.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, node
options:
  node:
    description: The vmstorage host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show who takes over
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.decommission_plan(hostvars, inventory_hostname, 'storage-3') }}
"""

RETURN = r"""
_value:
  description: Whether the host is in the node's region, C(address:port) of the other nodes for
    vmselect, and base URLs of the vminserts.
  type: dict
  sample:
    concerned: true
    others: [10.20.1.11:8401, 10.20.1.12:8401]
    writers: ["http://10.20.1.21:8480"]
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.decommission import (
    decommission_plan,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter


class FilterModule:
    """Who is concerned when a storage node is taken out."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"decommission_plan": fleet_filter(decommission_plan)}
