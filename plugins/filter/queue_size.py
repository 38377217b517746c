# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.queue_size."""

from __future__ import annotations

DOCUMENTATION = r"""
name: queue_size
short_description: Size of an agent's queue from the outage it has to survive
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the value for vmagent's C(-remoteWrite.maxDiskUsagePerURL), in MB.
  - It is rounded up to the queue's chunks of 500 MB and is never below 1000 MB.
positional: _input, samples_per_second
options:
  _input:
    description: Hours for which the destination may be away.
    type: float
    required: true
  samples_per_second:
    description: Samples that the agent sends in a second.
    type: float
    required: true
  bytes_per_sample:
    description: Bytes that a compressed sample takes in the queue.
    type: float
    default: 6.0
"""

EXAMPLES = r"""
# 5500MB
- ansible.builtin.debug:
    msg: "{{ 24 | meridian.metrics.queue_size(10000) }}"
"""

RETURN = r"""
_value:
  description: The size with its unit.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.queue_size import (
    BYTES_PER_SAMPLE,
    queue_size,
)


def _filter(
    outage_hours: float, samples_per_second: float, *, bytes_per_sample: float = BYTES_PER_SAMPLE
) -> str:
    try:
        return queue_size(outage_hours, samples_per_second, bytes_per_sample=bytes_per_sample)
    except ValueError as error:
        raise AnsibleFilterError(f"queue_size: {error}") from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"queue_size": _filter}
