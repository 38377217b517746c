# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.scraping."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scrape_configs
short_description: The scrape configurations of an agent
version_added: 0.1.0
description:
  - Returns one job per component, for the hosts of the region that this agent scrapes.
  - Exactly one agent of the region scrapes each component. An agent scrapes its own host.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show the scrape configurations of an agent
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.scrape_configs(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Scrape configurations.
  type: list
  elements: dict
  sample:
  - job_name: vmagent
    static_configs:
    - targets:
      - 10.20.2.31:8429
      labels:
        instance: eu-west-1-agent-1
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import scrape_configs


class FilterModule:
    """The scrape configurations of an agent."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"scrape_configs": fleet_filter(scrape_configs)}
