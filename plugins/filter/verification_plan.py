# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.verification."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verification_plan
short_description: What to ask a gateway to verify a region, and what to expect
version_added: 0.1.0
description:
  - Returns what the first agent's host of each region has to ask, in the form that
    M(meridian.metrics.http_requests) takes, and what
    P(meridian.metrics.verification_findings#filter) compares the answers to.
  - On every other host the list of requests is empty.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, hosts
options:
  hosts:
    description: The hosts that can be asked, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  window:
    description: How old a sample may be, with its unit. It has to hold two scrapes.
    type: str
    default: 2m
"""

EXAMPLES = r"""
- name: Show what the region's first agent asks
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.verification_plan(hostvars, inventory_hostname,
                                                     ansible_play_hosts_all) }}
"""

RETURN = r"""
_value:
  description: Under C(requests) what to ask, under C(users) as whom, and what is expected.
  type: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.verification import (
    verification_plan,
)


class FilterModule:
    """What to ask a gateway to verify a region."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"verification_plan": fleet_filter(verification_plan)}
