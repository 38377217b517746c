# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: memory_percent
short_description: A program's share of its host's memory
version_added: 0.1.0
description:
  - Returns the value for C(-memory.allowedPercent).
  - The shares of all programs on a host sum to 60 or less, what one program takes when it is alone.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, component
options:
  component:
    description: The program's component.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a program's share of its host's memory
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.memory_percent(hostvars, inventory_hostname, 'vmagent') }}
"""

RETURN = r"""
_value:
  description: Percent of the host's memory.
  type: int
  sample: 60
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import memory_percent


class FilterModule:
    """A program's share of its host's memory."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"memory_percent": fleet_filter(memory_percent)}
