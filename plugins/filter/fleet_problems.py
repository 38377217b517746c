# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.preflight."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_problems
short_description: What is wrong with an inventory
version_added: 0.1.0
description:
  - Returns every problem at once, one line each, with its place and what to write instead.
  - An error would make a run fail, lose samples or mix up series. A warning works and is probably
    not wanted.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show what is wrong with the inventory
  ansible.builtin.debug:
    msg: "{{ groups | meridian.metrics.fleet_problems(hostvars, inventory_hostname) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: Lists of C(errors) and C(warnings).
  type: dict
  sample:
    errors:
      - "storage region 'us-east1' is not declared; declared: eu-west-1, us-east-1"
    warnings: []
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems


class FilterModule:
    """What is wrong with an inventory."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"fleet_problems": fleet_problems}
