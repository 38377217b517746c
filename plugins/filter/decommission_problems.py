# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.decommission."""

from __future__ import annotations

DOCUMENTATION = r"""
name: decommission_problems
short_description: Why a storage node cannot be taken out
version_added: 0.1.0
description:
  - Returns what speaks against taking a vmstorage host out of its cluster, beside what
    P(meridian.metrics.fleet_problems#filter) finds.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, node, limit
options:
  node:
    description: The vmstorage host.
    type: str
  limit:
    description: What C(--limit) was given.
    type: str
"""

EXAMPLES = r"""
- name: Stop at what speaks against taking a node out
  meridian.metrics.report:
    errors: >-
      {{ groups
         | meridian.metrics.decommission_problems(hostvars, inventory_hostname, 'storage-3') }}
"""

RETURN = r"""
_value:
  description: One line per problem.
  type: list
  elements: str
  sample:
  - >-
    host 'storage-3' is still written to; state 'vmstorage_writes: false' among its variables in
    the inventory, and run this again
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.decommission import (
    decommission_problems,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter


class FilterModule:
    """Why a storage node cannot be taken out."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"decommission_problems": fleet_filter(decommission_problems)}
