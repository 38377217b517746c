# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.view_links."""

from __future__ import annotations

DOCUMENTATION = r"""
name: view_linked_nodes
short_description: Where a global vmselect finds its links to the regions
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the end of each region's link on the host of the global vmselect itself.
positional: _input, port
options:
  _input:
    description: The regions' vmselects, as P(meridian.metrics.view_nodes#filter) returns them.
    type: list
    elements: str
    required: true
  port:
    description: Port of the links, each on an address of its own.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the ends of the links
  ansible.builtin.debug:
    msg: "{{ ['us-east-1/10.20.1.16:8411'] | meridian.metrics.view_linked_nodes(8492) }}"
"""

RETURN = r"""
_value:
  description: C(region/address:port), one for each region.
  type: list
  elements: str
  sample:
  - us-east-1/127.9.0.1:8492
"""

from collections.abc import Callable, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_links import linked_nodes


def _filter(nodes: Sequence[str], port: int) -> list[str]:
    try:
        return linked_nodes(nodes, port)
    except TopologyError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Where a global vmselect finds its links to the regions."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"view_linked_nodes": _filter}
