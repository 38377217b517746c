# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: data_sources
short_description: The data sources that a host reads
version_added: 0.1.0
description:
  - Returns one data source per storage region, that of the host's own region first.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the data sources that a host reads
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.data_sources(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Name, UID, URL, user and whether it is the default one.
  type: list
  elements: dict
  sample:
  - name: us-east-1
    uid: meridian-us-east-1
    url: http://gateway.us-east-1.meridian.internal:8427
    user: grafana
    default: true
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import data_sources


class FilterModule:
    """The data sources that a host reads."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"data_sources": fleet_filter(data_sources)}
