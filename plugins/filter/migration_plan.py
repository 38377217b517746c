# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.migration_checks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: migration_plan
short_description: What a host does in a phase of a migration
version_added: 0.1.0
description:
  - Returns the phase, the host's region, which host works for that region, and for that host the
    gateways of the old storage and of the region's own, what to ask them, and as whom.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show what a host does
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.migration_plan(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: What the host does.
  type: dict
  sample:
    phase: backfill
    origin: us-east-1
    region: eu-west-1
    worker: eu-west-1-gateway-1
    works: true
    copies: true
    source: ["http://10.20.1.21:8427"]
    destination: ["http://10.20.2.21:8427"]
    requests: []
    users: [operator]
    retention: 1y
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration_checks import (
    migration_plan,
)


class FilterModule:
    """What a host does in a phase of a migration."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"migration_plan": fleet_filter(migration_plan)}
