# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_config
short_description: The configuration of a gateway
version_added: 0.1.0
description:
  - Returns what vmauth takes as C(-auth.config).
  - A cluster's user can only write, and its samples get its labels whatever the client sends.
  - A reader can only query. Without credentials only C(/health) answers.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host, passwords
options:
  passwords:
    description: Password by user, for all users of P(meridian.metrics.gateway_users#filter).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the configuration of a gateway
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.gateway_config(hostvars, inventory_hostname, passwords) }}
  vars:
    passwords: >-
      {{ lookup('meridian.metrics.credentials',
                groups | meridian.metrics.gateway_users(hostvars, inventory_hostname),
                directory=inventory_dir ~ '/.credentials') }}
"""

RETURN = r"""
_value:
  description: The configuration.
  type: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import gateway_config


class FilterModule:
    """The configuration of a gateway."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"gateway_config": fleet_filter(gateway_config)}
