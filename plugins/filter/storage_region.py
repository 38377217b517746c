# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: storage_region
short_description: The region that stores a host's metrics
version_added: 0.1.0
description:
  - Returns the fleet's storage region, or the host's own region in a federated fleet.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the region that stores a host's metrics
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.storage_region(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Name of the storage region.
  type: str
  sample: us-east-1
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import storage_region


class FilterModule:
    """The region that stores a host's metrics."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"storage_region": fleet_filter(storage_region)}
