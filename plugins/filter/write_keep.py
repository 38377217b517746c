# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.copies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: write_keep
short_description: Which series a host sends to each of its destinations
version_added: 0.1.0
description:
  - Returns a list of series selectors for each URL of P(meridian.metrics.write_urls#filter), an
    empty one for a URL that gets every sample.
  - Empty where no regions are declared.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Show which series go where
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.write_keep(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Selectors by URL.
  type: list
  elements: list
  sample:
    - []
    - ['{__name__=~"slo_.*"}']
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.copies import write_keep
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import (
    fleet_filter,
    has_topology,
)


def _filter(
    groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Mapping[str, Any]], host: str
) -> object:
    if not has_topology(hostvars[host]):
        return []
    return fleet_filter(write_keep)(groups, hostvars, host)


class FilterModule:
    """Which series a host sends to each of its destinations."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"write_keep": _filter}
