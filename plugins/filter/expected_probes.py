# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.scraping."""

from __future__ import annotations

DOCUMENTATION = r"""
name: expected_probes
short_description: Every probe of the fleet
version_added: 0.1.0
description:
  - Returns the labels that the series of each probe must carry.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show every probe of the fleet
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.expected_probes(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The labels of each probe.
  type: list
  elements: dict
  sample:
  - source_region: eu-west-1
    target_region: us-east-1
    prober: eu-west-1-agent-1
    instance: http://10.20.1.21:8427/health
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import expected_probes


class FilterModule:
    """Every probe of the fleet."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"expected_probes": fleet_filter(expected_probes)}
