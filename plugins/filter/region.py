# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: region
short_description: The region of a host
version_added: 0.1.0
description:
  - Returns the one declared region whose group the host is in.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the region of a host
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.region(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Name of the region.
  type: str
  sample: us-east-1
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import region_of


class FilterModule:
    """The region of a host."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"region": fleet_filter(region_of)}
