# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alertmanager_problems."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_problems
author: Meridian contributors (@meridian-metrics)
short_description: What is wrong with receivers and routes of alerts
version_added: 0.1.0
description:
  - Returns what is wrong with the receivers and routes of every Alertmanager of the inventory.
positional: _input, hostvars
options:
  _input:
    description: Ansible's C(groups).
    type: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is wrong with receivers and routes
  ansible.builtin.debug:
    msg: "{{ groups | meridian.metrics.alertmanager_problems(hostvars) }}"
"""

RETURN = r"""
_value:
  description: One line for each problem, with the hosts that have it.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleError
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_problems import (
    problems_filter,
)
from jinja2.exceptions import UndefinedError


class FilterModule:
    """What is wrong with the receivers and routes of an inventory."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_problems": problems_filter((AnsibleError, UndefinedError))}
