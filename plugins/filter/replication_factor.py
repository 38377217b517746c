# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: replication_factor
short_description: The replication factor of a host's region
version_added: 0.1.0
description:
  - Returns in how many storage nodes every sample is kept.
  - It comes from the region's settings, else from C(meridian_replication_factor), else it is 2.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the replication factor of a host's region
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.replication_factor(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The replication factor.
  type: int
  sample: 2
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import replication_factor


class FilterModule:
    """The replication factor of a host's region."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"replication_factor": fleet_filter(replication_factor)}
