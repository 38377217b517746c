# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alerting."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_advertise_address
short_description: Where the mesh reaches an Alertmanager
version_added: 0.1.0
description:
  - Returns the address and port by which the other Alertmanagers reach the one of a host.
  - Empty where the host is known by a name, because a mesh needs an IP address.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show where the mesh reaches this Alertmanager
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.alertmanager_advertise_address(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Address and port, or nothing.
  type: str
  sample: 10.20.1.41:9094
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.alerting import (
    alertmanager_advertise_address,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter


class FilterModule:
    """Where the mesh reaches an Alertmanager."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_advertise_address": fleet_filter(alertmanager_advertise_address)}
