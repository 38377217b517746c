# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.view_links."""

from __future__ import annotations

DOCUMENTATION = r"""
name: view_links_config
short_description: HAProxy's configuration as the links of a global vmselect
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns a C(haproxy.cfg) with a link to each region, which ends the connections to a vmselect
    that hangs.
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
  metrics_port:
    description: Port of HAProxy's own metrics.
    type: int
    required: true
  patience:
    description: How long a vmselect may take to greet, with its unit.
    type: str
    default: 2s
"""

EXAMPLES = r"""
- name: Show the links
  ansible.builtin.debug:
    msg: >-
      {{ ['us-east-1/10.20.1.16:8411']
         | meridian.metrics.view_links_config(8492, metrics_port=8493) }}
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_links import links_config


def _filter(nodes: Sequence[str], port: int, *, metrics_port: int, patience: str = "2s") -> str:
    try:
        return links_config(nodes, port, metrics_port=metrics_port, patience=patience)
    except TopologyError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """HAProxy's configuration as the links of a global vmselect."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"view_links_config": _filter}
