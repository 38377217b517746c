# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.verification."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verification_findings
short_description: What a gateway answered about a region, and what was missing
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Compares answers to what is expected.
positional: _input, plan
options:
  _input:
    description: The answers that M(meridian.metrics.http_requests) returned.
    type: dict
    required: true
  plan:
    description: The result of P(meridian.metrics.verification_plan#filter).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Stop when something is missing
  ansible.builtin.assert:
    that: (asked.answers | meridian.metrics.verification_findings(plan)).problems | length == 0
"""

RETURN = r"""
_value:
  description: What was seen; under C(problems) one sentence for each problem.
  type: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.verification import findings


class FilterModule:
    """What a gateway answered about a region, and what was missing."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"verification_findings": findings}
