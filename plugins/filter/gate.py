# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gate."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gate
short_description: What has to hold before and after a host of a component is changed
version_added: 0.1.0
description:
  - Returns the O(meridian.metrics.daemon#module:gate) of M(meridian.metrics.daemon), without its
    password.
  - Empty where there is nobody to ask, as in an inventory without a gateway or without a topology.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, component
options:
  component:
    description: The component that is changed.
    type: str
    required: true
    choices:
      - vmstorage
      - vminsert
      - vmselect
      - vmselect_global
      - vmsingle
      - vmauth
      - vmagent
      - prometheus_receiver
  timeout:
    description: Longest wait in seconds, before and after the change; V(0) is no gate.
    type: int
    default: 300
  metrics_url:
    description: Page of metrics of an agent, which is asked on its own host.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what has to hold before and after a storage node is changed
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.gate(hostvars, inventory_hostname, 'vmstorage') }}
"""

RETURN = r"""
_value:
  description: Whom to ask, how long, and the checks.
  type: dict
  sample:
    timeout: 300
    urls: ["http://10.20.1.21:8427"]
    username: operator
    checks:
      - name: the backlog of agents is no larger
        query: vmagent_remotewrite_pending_data_bytes
        growth: 1000000
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import (
    fleet_filter,
    has_topology,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.gate import gate
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError


def _gate(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    host: str,
    component: str,
    **options: Any,
) -> object:
    if has_topology(hostvars[host]):
        return fleet_filter(gate)(groups, hostvars, host, component, **options)
    try:
        return gate(None, host, component, **options)
    except TopologyError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """What has to hold before and after a host of a component is changed."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"gate": _gate}
