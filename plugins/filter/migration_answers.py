# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.migration_checks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: migration_answers
short_description: Which gateways do not answer as a phase of a migration needs it
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns one line for each request of the plan that was not answered as it has to be.
positional: plan
options:
  _input:
    description: The answers of M(meridian.metrics.http_requests).
    type: dict
    required: true
  plan:
    description: What P(meridian.metrics.migration_plan#filter) returns.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Stop at gateways that do not answer
  meridian.metrics.report:
    errors: "{{ asked.answers | meridian.metrics.migration_answers(plan) }}"
"""

RETURN = r"""
_value:
  description: The lines; none when all answer.
  type: list
  elements: str
  sample: []
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.migration_checks import (
    answer_problems,
)


class FilterModule:
    """Which gateways do not answer as a phase of a migration needs it."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"migration_answers": answer_problems}
