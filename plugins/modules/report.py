# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the report action, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Print lines for people
version_added: 0.1.0
description:
  - Prints each line as it is, whatever the result format of the output is.
  - Runs on the controller alone. No host is connected to.
options:
  lines:
    description: Lines to print.
    type: list
    elements: str
    default: []
  warnings:
    description: Warnings to print, one line each.
    type: list
    elements: str
    default: []
  errors:
    description: Errors to print, one line each. The task fails when there is one.
    type: list
    elements: str
    default: []
author:
  - Meridian contributors (@meridian-metrics)
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Stop at what is wrong with the inventory
  meridian.metrics.report:
    errors: "{{ problems.errors }}"
    warnings: "{{ problems.warnings }}"
  vars:
    problems: "{{ groups | meridian.metrics.fleet_problems(hostvars, inventory_hostname) }}"
  run_once: true
"""

RETURN = r"""
"""
