# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.tunnel."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tunnel_peers
short_description: The other ends of a host's tunnel
version_added: 0.1.0
description:
  - Returns the hosts of other regions in the group C(wireguard).
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show who is at the other ends
  ansible.builtin.debug:
    msg: "{{ groups | meridian.metrics.tunnel_peers(hostvars, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - By host, C(endpoint) where it is found, and C(addresses) that packets of it may come from.
  type: dict
  sample:
    eu-west-1-select-1:
      endpoint: 10.30.2.31:51820
      addresses: [10.255.83.7/32]
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel import tunnel_peers


class FilterModule:
    """The other ends of a host's tunnel."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"tunnel_peers": fleet_filter(tunnel_peers)}
