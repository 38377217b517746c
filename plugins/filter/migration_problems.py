# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.migration_checks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: migration_problems
short_description: What speaks against a phase of a migration
version_added: 0.1.0
description:
  - Returns one line for each thing that the phase before must have left and that is not there.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, limit
options:
  limit:
    description: What C(--limit) was given.
    type: str
"""

EXAMPLES = r"""
- name: Stop at what speaks against the phase
  meridian.metrics.report:
    errors: >-
      {{ groups | meridian.metrics.migration_problems(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The lines; none when nothing speaks against it.
  type: list
  elements: str
  sample:
  - phase build is not complete in 'eu-west-1'; run it first
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration_checks import (
    migration_problems,
)


class FilterModule:
    """What speaks against a phase of a migration."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"migration_problems": fleet_filter(migration_problems)}
