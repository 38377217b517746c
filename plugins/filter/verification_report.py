# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.verification."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verification_report
short_description: What was seen of every region
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Joins the findings of the regions to one report.
options:
  _input:
    description: Results of P(meridian.metrics.verification_findings#filter).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the latency from one region to the others
  ansible.builtin.debug:
    msg: >-
      {{ (findings | meridian.metrics.verification_report).probe_seconds['eu-west-1'] }}
"""

RETURN = r"""
_value:
  description: What was seen of the fleet.
  type: dict
  contains:
    regions:
      description: Names of the regions.
      type: list
      elements: str
    query_urls:
      description: Base URL for queries by storage region.
      type: dict
    clusters:
      description: For each cluster its region, its series and the samples of the last hour.
      type: dict
    probe_seconds:
      description: Mean probe duration by source and target region.
      type: dict
    problems:
      description: One sentence for each problem.
      type: list
      elements: str
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.verification import fleet_report


class FilterModule:
    """What was seen of every region."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"verification_report": fleet_report}
