# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.topology."""

from __future__ import annotations

DOCUMENTATION = r"""
name: expected_clusters
short_description: Every cluster of the fleet
version_added: 0.1.0
description:
  - Returns the labels that the samples of each cluster must carry.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show every cluster of the fleet
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.expected_clusters(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The labels of each cluster, sorted by region and cluster.
  type: list
  elements: dict
  sample:
  - env: prod
    region: eu-west-1
    storage_region: us-east-1
    cluster: eu-west-1-eks-01-prod
    availability_zone: eu-west-1a
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import expected_clusters


class FilterModule:
    """Every cluster of the fleet."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"expected_clusters": fleet_filter(expected_clusters)}
