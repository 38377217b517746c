# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alerting."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_urls
short_description: The Alertmanagers that a vmalert sends alerts to
version_added: 0.1.0
description:
  - Returns the base URL of every Alertmanager of the fleet.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show where a vmalert sends alerts
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.alertmanager_urls(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Sorted URLs, without a slash at their end.
  type: list
  elements: str
  sample: [http://10.20.1.41:9093, http://10.20.1.42:9093]
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.alerting import alertmanager_urls
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter


class FilterModule:
    """The Alertmanagers that a vmalert sends alerts to."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_urls": fleet_filter(alertmanager_urls)}
