#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: which samples a vmselect reads, day by day."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_samples
short_description: List the days and tenants of which a vmselect reads samples
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Counts the samples of every tenant and every day of UTC within the retention.
options:
  url:
    description: Base URL of the vmselect.
    type: str
    required: true
  retention:
    description: The retention of the storage behind it, as vmstorage takes it.
    type: str
    required: true
  future_retention:
    description: How far samples may be ahead of the clock, as vmstorage takes it.
    type: str
    default: 2d
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: List what a storage node holds
  meridian.metrics.storage_samples:
    url: http://127.0.0.1:8481
    retention: 1y
  register: held
"""

RETURN = r"""
windows:
  description: Every day of every tenant that has samples, oldest first.
  returned: always
  type: list
  elements: dict
  contains:
    tenant:
      description: The tenant.
      type: str
      sample: "0:0"
    start:
      description: Unix time at which it begins.
      type: int
    end:
      description: Unix time at which it ends; of the last day the time of the newest sample.
      type: int
    day:
      description: The day.
      type: str
      sample: "2026-05-01"
    samples:
      description: Number of its samples.
      type: int
samples:
  description: Number of all samples.
  returned: always
  type: int
newest:
  description: Time of the newest sample, UTC; empty when there is none.
  returned: always
  type: str
  sample: 2026-05-01 12:00 UTC
kept_until:
  description: Time at which the retention of the newest sample has passed; empty as well.
  returned: always
  type: str
  sample: 2027-05-01 12:00 UTC
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.samples import (
    SamplesError,
    Window,
    newest,
    retention_seconds,
    windows,
)


def moment(seconds: float) -> str:
    """A Unix time for people."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def last(url: str, found: list[Window]) -> float:
    """Unix time of the newest sample of all windows, 0 without any."""
    end = max((window.end for window in found), default=0)
    return max((newest(url, window) for window in found if window.end == end), default=0.0)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "retention": {"type": "str", "required": True},
            "future_retention": {"type": "str", "default": "2d"},
        },
        supports_check_mode=True,
    )
    url, retention = module.params["url"], module.params["retention"]
    try:
        found = windows(url, retention, module.params["future_retention"], time.time())
        final = last(url, [window for window, number in found])
        until = final + retention_seconds(retention) if final else 0.0
    except SamplesError as error:
        module.fail_json(msg=f"{error}")
    module.exit_json(
        changed=False,
        windows=[
            {
                **window._asdict(),
                "day": time.strftime("%Y-%m-%d", time.gmtime(window.start)),
                "samples": number,
            }
            for window, number in found
        ],
        samples=sum(number for window, number in found),
        newest=moment(final) if final else "",
        kept_until=moment(until) if until else "",
    )


if __name__ == "__main__":
    main()
