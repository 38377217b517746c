# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tunnel_address
short_description: A host's address inside of the tunnel between regions
version_added: 0.1.0
description:
  - Returns the host's C(meridian_tunnel_address) if it states one; else, for a host of the group
    C(wireguard), an address of C(meridian_tunnel_network) that follows from the host's name alone.
  - Empty for a host without a tunnel.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the address inside of the tunnel
  ansible.builtin.debug:
    msg: "{{ groups | meridian.metrics.tunnel_address(hostvars, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: An IPv4 address.
  type: str
  sample: 10.255.83.7
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import tunnel_address


class FilterModule:
    """A host's address inside of the tunnel between regions."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"tunnel_address": fleet_filter(tunnel_address)}
