# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alertmanager_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_config
author: Meridian contributors (@meridian-metrics)
short_description: Alertmanager's configuration, and the secrets that it names
version_added: 0.1.0
description:
  - Returns Alertmanager's configuration from receivers and routes.
  - URLs, keys and passwords of receivers are not in it. Each is a file of its own, which the
    configuration names.
  - Fails where a receiver has no URL, key or address, or a route names a receiver or an env that
    does not exist. No error shows a secret.
options:
  _input:
    description: Receivers by name, each with lists of C(webhook), C(slack), C(pagerduty), C(email).
    type: dict
    required: true
  default_receiver:
    description: Receiver of what no route takes; the only one where it is not stated.
    type: str
    default: ""
  env_receivers:
    description: Receiver by env.
    type: dict
  routes:
    description: Routes that are asked before those by env, in the form of Alertmanager's C(routes).
    type: list
    elements: dict
    default: []
  heartbeat_receiver:
    description: Receiver of the alert Watchdog, which always fires; nobody where it is not stated.
    type: str
    default: ""
  heartbeat_interval:
    description: Time between two heartbeats, with its unit.
    type: str
    default: 1m
  grouping:
    description: The settings C(group_by), C(group_wait), C(group_interval), C(repeat_interval).
    type: dict
  inhibit_rules:
    description: Alerts that silence others, in the form of Alertmanager's C(inhibit_rules).
    type: list
    elements: dict
    default: []
  time_intervals:
    description: Times that routes refer to, in the form of Alertmanager's C(time_intervals).
    type: list
    elements: dict
    default: []
  smtp:
    description: The mail server, by the names of Alertmanager's settings without C(smtp_).
    type: dict
  templates:
    description: Whether there are own templates.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show a configuration
  ansible.builtin.debug:
    msg: "{{ receivers | meridian.metrics.alertmanager_config(env_receivers={'prod': 'pager'}) }}"
  vars:
    receivers:
      pager:
        pagerduty:
          - routing_key: "{{ vault_pagerduty_key }}"
"""

RETURN = r"""
_value:
  description: The configuration as C(config), its secrets as C(files) of the daemon.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_config import (
    alertmanager_config,
)


def _filter(receivers: Mapping[str, object], **settings: Any) -> dict[str, object]:
    try:
        return alertmanager_config(receivers, **settings)
    except ValueError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Alertmanager's configuration, and the secrets that it names."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_config": _filter}
