# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.collector_flags."""

from __future__ import annotations

DOCUMENTATION = r"""
name: collector_flags
author: Meridian contributors (@meridian-metrics)
short_description: Collectors of the node exporter as its flags
version_added: 0.1.0
description:
  - Returns the flag of each collector that is switched on or off.
  - Fails for a collector that is both.
positional: _input, disabled
options:
  _input:
    description: Collectors to switch on.
    type: list
    elements: str
    required: true
  disabled:
    description: Collectors to switch off.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show flags
  ansible.builtin.debug:
    msg: "{{ ['processes'] | meridian.metrics.collector_flags(['zfs']) }}"
"""

RETURN = r"""
_value:
  description: Whether the collector is on, by the name of its flag.
  type: dict
  sample: {collector.processes: true, collector.zfs: false}
"""

from collections.abc import Callable, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.collector_flags import (
    collector_flags,
)


def _filter(enabled: Sequence[str], disabled: Sequence[str] = ()) -> dict[str, bool]:
    try:
        return collector_flags(enabled, disabled)
    except ValueError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Collectors of the node exporter as its flags."""

    def filters(self) -> dict[str, Callable[..., dict[str, bool]]]:
        return {"collector_flags": _filter}
