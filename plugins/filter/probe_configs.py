# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.scraping."""

from __future__ import annotations

DOCUMENTATION = r"""
name: probe_configs
short_description: The probes that an agent asks its blackbox exporters for
version_added: 0.1.0
description:
  - Returns the scrape configuration of the probes of every other region.
  - Labels are C(source_region), C(target_region), C(prober) and C(instance), the probed URL.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the probes that an agent asks its blackbox exporters for
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.probe_configs(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Scrape configurations; none where the agent has no blackbox exporter to ask.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import probe_configs


class FilterModule:
    """The probes that an agent asks its blackbox exporters for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"probe_configs": fleet_filter(probe_configs)}
