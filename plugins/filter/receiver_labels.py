# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.labels."""

from __future__ import annotations

DOCUMENTATION = r"""
name: receiver_labels
short_description: The labels of what legacy senders push
version_added: 0.1.0
description:
  - Returns the labels that a prometheus_receiver host puts on every sample.
  - The host states C(availability_zone), and C(prometheus_receiver_cluster) and
    C(prometheus_receiver_env) where the defaults do not fit; its groups say the rest.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the labels of a receiver
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.receiver_labels(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The labels by name.
  type: dict
  sample:
    env: prod
    region: eu-west-1
    storage_region: us-east-1
    cluster: eu-west-1-eks-01-prod-legacy
    availability_zone: eu-west-1a
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import receiver_labels
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet


def labels(fleet: Fleet, host: str) -> dict[str, str]:
    """The labels as plain data."""
    return receiver_labels(fleet, host).as_dict()


class FilterModule:
    """The labels of what legacy senders push."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"receiver_labels": fleet_filter(labels)}
