# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_plan
short_description: Who talks to whom in a fleet
version_added: 0.1.0
description:
  - Returns a table per region that says who scrapes, writes, reads and probes what, and a diagram
    of all regions.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show who talks to whom
  ansible.builtin.debug:
    msg: "{{ (groups | meridian.metrics.fleet_plan(hostvars, inventory_hostname)).lines }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The lines of the tables as C(lines), and a Mermaid flowchart as C(diagram).
  type: dict
  sample:
    lines:
      - "eu-west-1: 1 host, metrics stored in us-east-1"
      - "  host               does       what"
      - "  -----------------  ---------  ----"
      - "  eu-west-1-agent-1  scrapes    vmagent on eu-west-1-agent-1"
    diagram: |
      flowchart LR
        subgraph eu_west_1["eu-west-1"]
          eu_west_1_vmagent["vmagent x 1"]
        end
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan


class FilterModule:
    """Who talks to whom in a fleet."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"fleet_plan": fleet_filter(fleet_plan)}
