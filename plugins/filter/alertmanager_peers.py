# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alerting."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_peers
short_description: The other Alertmanagers of a mesh
version_added: 0.1.0
description:
  - Returns where the other Alertmanagers of the fleet listen for their mesh.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the other Alertmanagers
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.alertmanager_peers(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Sorted addresses with their ports.
  type: list
  elements: str
  sample: [10.20.1.42:9094]
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.alerting import alertmanager_peers
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter


class FilterModule:
    """The other Alertmanagers of a mesh."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_peers": fleet_filter(alertmanager_peers)}
