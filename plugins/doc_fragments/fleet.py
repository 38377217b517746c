# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every filter of the topology takes: the inventory's groups, hostvars and a host."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that the filters of the topology share."""

    DOCUMENTATION = r"""
options:
  _input:
    description: The inventory's C(groups).
    type: dict
    required: true
  hostvars:
    description:
      - The variables of the inventory's hosts, C(hostvars).
      - Only those of the hosts that the answer depends on are read.
    type: dict
    required: true
  host:
    description: The inventory name of the host that asks, usually C(inventory_hostname).
    type: str
    required: true
author:
  - Meridian contributors (@meridian-metrics)
"""
