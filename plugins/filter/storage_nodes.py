# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: storage_nodes
short_description: The storage nodes of a host's region
version_added: 0.1.0
description:
  - Returns the vmstorage nodes that a vminsert or vmselect of the same region connects to.
  - Hosts with C(vmstorage_writes=false) are read and not written to.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, purpose
options:
  purpose:
    description: Who connects, C(insert) for vminsert, C(select) for vmselect; each has a port.
    type: str
    required: true
    choices: [insert, select]
  without:
    description: A host that is left out.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the storage nodes of a host's region
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.storage_nodes(hostvars, inventory_hostname, 'insert') }}
"""

RETURN = r"""
_value:
  description: Sorted C(address:port) of the nodes.
  type: list
  elements: str
  sample:
  - 10.20.1.11:8400
  - 10.20.1.12:8400
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import storage_nodes


class FilterModule:
    """The storage nodes of a host's region."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"storage_nodes": fleet_filter(storage_nodes)}
