# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.report_queries."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_queries
short_description: What is asked for the report, and by which hosts
version_added: 0.1.0
description:
  - Returns, for each storage region, the first candidate that got through, and what it has to ask.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, tried
options:
  tried:
    description:
      - What M(meridian.metrics.http_requests) returned in a loop over the result of
        P(meridian.metrics.report_candidates#filter).
    type: list
    elements: dict
    required: true
  window:
    description:
      - How old the sample may be that says that a program is up, with its unit. It has to hold two
        scrapes.
    type: str
    default: 2m
"""

EXAMPLES = r"""
- name: Show what is asked
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.report_queries(hostvars, inventory_hostname, tried.results) }}
  run_once: true
"""

RETURN = r"""
_value:
  description: One entry for each storage region that can be asked, in the form of a candidate.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    report_queries,
)


class FilterModule:
    """What is asked for the report, and by which hosts."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"report_queries": fleet_filter(report_queries)}
