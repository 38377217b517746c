# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_users
short_description: The users that a gateway knows
version_added: 0.1.0
description:
  - Returns one write user per cluster that writes to the gateway's region, and the users who read.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the users that a gateway knows
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.gateway_users(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Sorted user names.
  type: list
  elements: str
  sample:
  - eu-west-1-eks-01-prod
  - grafana
  - operator
  - vmalert
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import gateway_users


class FilterModule:
    """The users that a gateway knows."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"gateway_users": fleet_filter(gateway_users)}
