# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.arguments."""

from __future__ import annotations

DOCUMENTATION = r"""
name: argument_problems
short_description: What is wrong with the role variables of an inventory
version_added: 0.1.0
description:
  - Checks the variables that an inventory states for the roles of its hosts against the roles'
    argument specifications, on the controller and for all hosts at once.
  - Also finds a variable whose name is nearly that of a role's variable.
positional: _input, hostvars
options:
  _input:
    description: The magic variable C(groups).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
author:
  - Meridian contributors (@meridian-metrics)
"""

EXAMPLES = r"""
- name: Show what is wrong with the variables of roles
  ansible.builtin.debug:
    msg: "{{ groups | meridian.metrics.argument_problems(hostvars) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: One line for each problem, with the hosts that have it.
  type: list
  elements: str
  sample: ["variable 'vmagent_prot' is unknown; write 'vmagent_port' (host 'us-east-1-agent-1')"]
"""

from collections.abc import Callable

from ansible.errors import AnsibleError
from ansible_collections.meridian.metrics.plugins.plugin_utils.arguments import argument_filter
from jinja2.exceptions import UndefinedError


class FilterModule:
    """What is wrong with the role variables of an inventory."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"argument_problems": argument_filter((AnsibleError, UndefinedError))}
