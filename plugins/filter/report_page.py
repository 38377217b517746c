# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.report_data and report_page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_page
short_description: The report on a fleet as one HTML file
version_added: 0.1.0
description:
  - Returns the text of a file that shows the fleet as the gateways' answers describe it. The file
    loads nothing, runs no script, and escapes every value.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, tried, asked
options:
  tried:
    description:
      - What M(meridian.metrics.http_requests) returned in a loop over the result of
        P(meridian.metrics.report_candidates#filter).
    type: list
    elements: dict
    required: true
  asked:
    description: The same, over the result of P(meridian.metrics.report_queries#filter).
    type: list
    elements: dict
    required: true
  name:
    description: The title, usually the inventory's name.
    type: str
    required: true
  runbook_base:
    description: Address of the folder that holds the pages on the collection's own alerts.
    type: str
    required: true
  now:
    description: When the fleet was asked, in seconds of the Unix epoch; by default the present.
    type: float
"""

EXAMPLES = r"""
- name: Write the report
  ansible.builtin.copy:
    content: >-
      {{ (groups | meridian.metrics.report_page(hostvars, inventory_hostname,
                                                tried.results, asked.results, name='mine',
                                                runbook_base='https://wiki.example')).html }}
    dest: report.html
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: The file's text as C(html), and in C(problems) what was asked and not answered.
  type: dict
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_data import (
    read_report,
    runbooks,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_page import page
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet


def report_page(
    fleet: Fleet,
    host: str,
    tried: Sequence[dict[str, Any]],
    asked: Sequence[dict[str, Any]],
    *,
    name: str,
    runbook_base: str,
    now: float | None = None,
) -> dict[str, object]:
    report = read_report(fleet, host, tried, asked, runbooks=runbooks(f"{runbook_base}"))
    html = page(report, name=f"{name}", now=time.time() if now is None else float(now))
    return {"html": html, "problems": list(report.problems)}


class FilterModule:
    """The report on a fleet as one HTML file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"report_page": fleet_filter(report_page)}
