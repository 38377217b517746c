# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.labels."""

from __future__ import annotations

DOCUMENTATION = r"""
name: external_labels
short_description: The external labels of an agent
version_added: 0.1.0
description:
  - Returns the labels that a vmagent host puts on every sample.
  - The host states C(cluster), C(env) and C(availability_zone); its groups say the rest.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the external labels of an agent
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.external_labels(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The labels by name.
  type: dict
  sample:
    env: prod
    region: eu-west-1
    storage_region: us-east-1
    cluster: eu-west-1-eks-01-prod
    availability_zone: eu-west-1a
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import external_labels


class FilterModule:
    """The external labels of an agent."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"external_labels": fleet_filter(external_labels)}
