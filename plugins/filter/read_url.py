# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: read_url
short_description: The base URL for a host's queries
version_added: 0.1.0
description:
  - Returns the base URL of the gateway of the host's storage region, without a slash at its end.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the base URL for a host's queries
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.read_url(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The base URL.
  type: str
  sample: http://gateway.us-east-1.meridian.internal:8427
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import read_url


class FilterModule:
    """The base URL for a host's queries."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"read_url": fleet_filter(read_url)}
