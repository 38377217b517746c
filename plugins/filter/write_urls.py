# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: write_urls
short_description: The remote-write URLs of a host
version_added: 0.1.0
description:
  - Returns the URLs of the gateway of the host's storage region, or of the operator's own balancer.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, dns_discovery
options:
  dns_discovery:
    description: Whether the client resolves C(dns+) names itself and balances (vmagent 1.149).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the remote-write URLs of a host
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.write_urls(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The URLs.
  type: list
  elements: str
  sample:
  - http://gateway.us-east-1.meridian.internal:8427/api/v1/write
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import write_urls


class FilterModule:
    """The remote-write URLs of a host."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"write_urls": fleet_filter(write_urls)}
