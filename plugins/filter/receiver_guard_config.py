# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.receiver_guard."""

from __future__ import annotations

DOCUMENTATION = r"""
name: receiver_guard_config
short_description: HAProxy's configuration as the guard of a receiver
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns a C(haproxy.cfg) that lets remote writes and queries of known senders through, and
    refuses everything else with a status and a text that say why.
  - The kinds of refusals are backends of their own, by which HAProxy's exporter counts them.
  - The senders' passwords are in a file of their own, that of
    P(meridian.metrics.receiver_guard_users#filter).
positional: _input
options:
  _input:
    description: What P(meridian.metrics.receiver_layout#filter) returned.
    type: dict
    required: true
  senders:
    description: User names of the senders; without one no password is asked for.
    type: list
    elements: str
    default: []
  allowed_addresses:
    description: Networks of the senders; without one any address may send.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show how a guard lets one network through
  ansible.builtin.debug:
    msg: >-
      {{ 'direct' | meridian.metrics.receiver_layout(ports, allowed_addresses=networks)
         | meridian.metrics.receiver_guard_config(allowed_addresses=networks) }}
  vars:
    ports: {door: 9091, agent: 9092, prometheus: 9090, guard: 8405}
    networks: [10.20.0.0/16]
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import ReceiverError
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver_guard import guard_config


def _filter(layout: Mapping[str, Any], **options: Any) -> str:
    try:
        return guard_config(layout, **options)
    except ReceiverError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """HAProxy's configuration as the guard of a receiver."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"receiver_guard_config": _filter}
