# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.report_queries."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_candidates
short_description: Which hosts may ask the gateways for the report
version_added: 0.1.0
description:
  - Returns, for each storage region, the few hosts that try its gateway, and what they send.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, hosts
options:
  hosts:
    description: The hosts that can be asked, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show who may ask
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.report_candidates(hostvars, inventory_hostname,
                                                     ansible_play_hosts_all) }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The candidates, those to prefer first, each with C(host), C(storage_region), C(read_url) and
      C(requests), which are of the form that M(meridian.metrics.http_requests) takes.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    report_candidates,
)


class FilterModule:
    """Which hosts may ask the gateways for the report."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"report_candidates": fleet_filter(report_candidates)}
