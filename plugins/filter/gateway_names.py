# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_names
short_description: Lines of /etc/hosts for the gateways that a host talks to
version_added: 0.1.0
description:
  - Returns one line per gateway.
  - Empty where the operator's own balancer is used.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show lines of /etc/hosts for the gateways that a host talks to
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.gateway_names(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Lines, each with its line break.
  type: str
  sample: |
    10.20.1.21 gateway.us-east-1.meridian.internal
    10.20.1.22 gateway.us-east-1.meridian.internal
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import gateway_names


class FilterModule:
    """Lines of /etc/hosts for the gateways that a host talks to."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"gateway_names": fleet_filter(gateway_names)}
