# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.global_view."""

from __future__ import annotations

DOCUMENTATION = r"""
name: has_global_view
short_description: Whether the fleet has a global vmselect
version_added: 0.1.0
description:
  - Says whether the fleet has a host in the group C(vmselect_global), whose vmselect asks those of
    all regions.
extends_documentation_fragment: meridian.metrics.fleet
positional: hostvars, host
"""

EXAMPLES = r"""
- name: Say whether the fleet has a global view
  ansible.builtin.debug:
    msg: >-
      {{ groups | meridian.metrics.has_global_view(hostvars, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Whether it has one.
  type: bool
  sample: true
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import has_global_view


class FilterModule:
    """Whether the fleet has a global vmselect."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"has_global_view": fleet_filter(has_global_view)}
