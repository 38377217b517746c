# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.receiver."""

from __future__ import annotations

DOCUMENTATION = r"""
name: receiver_layout
short_description: Which programs of a receiver listen where
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns where the agent, the Prometheus and the guard of a receiver listen, which of them is the
    door that legacy senders talk to, and in which order to bring them up.
  - The door listens on the receiver's port, what stands behind it on ports of its own. Behind a
    guard the others only listen on the host itself.
  - Fails when one of the settings cannot work.
positional: _input, ports
options:
  _input:
    description: How samples are passed on, V(direct) or V(federate).
    type: str
    required: true
  ports:
    description: Ports by C(door), C(agent), C(prometheus) and C(guard).
    type: dict
    required: true
  address:
    description: Address on which the programs listen; empty is every address of the host.
    type: str
    default: ""
  senders:
    description: User names of the senders; with one or more there is a guard.
    type: list
    elements: str
    default: []
  passwords:
    description: Passwords by user name; every sender needs one.
    type: dict
    default: {}
  allowed_addresses:
    description: Networks of the senders; with one or more there is a guard.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show who listens where
  ansible.builtin.debug:
    msg: "{{ 'direct' | meridian.metrics.receiver_layout(ports) }}"
  vars:
    ports: {door: 9091, agent: 9092, prometheus: 9090, guard: 8405}
"""

RETURN = r"""
_value:
  description:
    - C(guarded), whether there is a guard; C(order), the names of the programs.
    - C(agent) and C(prometheus), C(door), which the senders talk to, and C(metrics), the guard's
      second port, each with C(address), C(port) and C(url).
    - C(writes), the URL of the program that takes what the senders write.
    - C(local_urls), where the agent writes to the local Prometheus.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import (
    ReceiverError,
    layout,
)


def _filter(forward: str, ports: Mapping[str, int], **options: Any) -> dict[str, object]:
    try:
        return layout(forward, ports, **options)
    except ReceiverError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Which programs of a receiver listen where."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"receiver_layout": _filter}
