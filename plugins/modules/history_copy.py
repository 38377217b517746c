#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: bring a day of a region's history to another storage, and compare the two."""

from __future__ import annotations

DOCUMENTATION = r"""
module: history_copy
short_description: Bring a day of a region's samples to another storage, by vmctl
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Counts the samples of a region's day at both storages through their gateways, metric by metric.
    Where the destination lacks some, it copies the day by C(vmctl vm-native) and counts again.
  - Copied samples keep their times and labels. Those that were there already are one sample to
    readers.
  - Where the source gets more of the day while that is counted, the day is copied again.
  - A whole day that is the same at both is noted, so that M(meridian.metrics.history_days) does not
    list it again.
options:
  region:
    description: The region whose samples move.
    type: str
    required: true
  origin:
    description: The region that stored them before.
    type: str
    required: true
  direction:
    description: V(forward) to the region's own storage, V(back) to the one before.
    type: str
    choices: [forward, back]
    default: forward
  source:
    description: Base URLs of the gateways of the storage that has the samples.
    type: list
    elements: str
    required: true
  destination:
    description: Base URLs of the gateways of the storage that gets them.
    type: list
    elements: str
    required: true
  user:
    description: User of both.
    type: str
    default: migration
  password:
    description: Password of that user.
    type: str
    required: true
  start:
    description: Unix time at which the day begins.
    type: int
    required: true
  end:
    description: Unix time up to which is counted.
    type: int
    required: true
  until:
    description: Unix time up to which is copied; later than O(end) on a day that is not over.
    type: int
    required: true
  program:
    description: Path of vmctl.
    type: path
    default: /usr/bin/vmctl
  rate_limit:
    description: Bytes per second that each of vmctl's two workers copies at most; V(0) is no limit.
    type: int
    default: 0
  timeout:
    description: How long to wait for copied samples to be readable, in seconds.
    type: int
    default: 120
  folder:
    description: Where the note of M(meridian.metrics.migration_state) is.
    type: path
    default: /var/lib/meridian_migration
attributes:
  check_mode:
    description: It only counts, and says whether it would copy.
    support: full
"""

EXAMPLES = r"""
- name: Bring the first of May to its region
  meridian.metrics.history_copy:
    region: eu-west-1
    origin: us-east-1
    source: [http://10.20.1.21:8427]
    destination: [http://10.20.2.21:8427]
    password: "{{ password }}"
    start: 1777593600
    end: 1777680000
    until: 1777680000
"""

RETURN = r"""
samples:
  description: How many samples of the day the source has.
  returned: always
  type: int
copied:
  description: How many of them the destination lacked before.
  returned: always
  type: int
difference:
  description: What the destination lacks still, in one line; empty when nothing.
  returned: always
  type: str
  sample: "eu-west-1, 2026-05-01: up 12 of 5760"
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.history import (
    HistoryError,
    Span,
    Store,
    copy,
    count,
    missing,
    told,
)
from ansible_collections.meridian.metrics.plugins.module_utils.migration_state import (
    DIRECTIONS,
    FOLDER,
    State,
)

PATIENCE = 10
# The source gets samples of a day that is over, or of a time that is, for a while at most.
ATTEMPTS = 5
Counts = dict[str, int]


def settled(
    source: Store,
    destination: Store,
    region: str,
    span: Span,
    timeout: int,
    known: Counts | None = None,
) -> tuple[Counts, Counts]:
    """What the source has and what the destination lacks, when it lacks nothing or time is over.

    Or when the source has got more than was known of it.
    """
    deadline = time.monotonic() + timeout
    while True:
        wanted = count(source, region, span)
        lacking = missing(wanted, count(destination, region, span))
        grown = known is not None and missing(wanted, known)
        if not lacking or grown or time.monotonic() >= deadline:
            return wanted, lacking
        time.sleep(2)


def brought(
    program: str,
    source: Store,
    destination: Store,
    region: str,
    span: Span,
    rate: int,
    timeout: int,
    known: Counts,
) -> tuple[Counts, Counts]:
    """Copy, and once more where the source has got more meanwhile; returns what `settled` does."""
    for _attempt in range(ATTEMPTS):
        copy([program], source, destination, region, span, rate)
        wanted, lacking = settled(source, destination, region, span, timeout, known)
        if not lacking or not missing(wanted, known):
            break
        known = wanted
    return wanted, lacking


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    number = {"type": "int", "required": True}
    urls = {"type": "list", "elements": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            **dict.fromkeys(("region", "origin"), text),
            **dict.fromkeys(("source", "destination"), urls),
            **dict.fromkeys(("start", "end", "until"), number),
            "direction": {"type": "str", "choices": list(DIRECTIONS), "default": "forward"},
            "user": {"type": "str", "default": "migration"},
            "password": {"type": "str", "required": True, "no_log": True},
            "program": {"type": "path", "default": "/usr/bin/vmctl"},
            "rate_limit": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 120},
            "folder": {"type": "path", "default": FOLDER},
        },
        supports_check_mode=True,
    )
    given = module.params
    region, span = given["region"], Span(given["start"], given["end"], given["until"])
    source = Store(given["source"], given["user"], given["password"])
    destination = Store(given["destination"], given["user"], given["password"])
    try:
        # What both get just now may be readable at one of them a little later.
        patience = 0 if span.until == span.end else PATIENCE
        wanted, lacking = settled(source, destination, region, span, patience)
        lacked = sum(lacking.values())
        if lacked and not module.check_mode:
            wanted, lacking = brought(
                *(given["program"], source, destination, region, span),
                *(given["rate_limit"], given["timeout"], wanted),
            )
        # The day is over when nothing of it is copied that is yet to come.
        if not lacking and span.until == span.end and not module.check_mode:
            state = State(given["folder"], region, given["origin"])
            state.finish_day(given["direction"], span.start, sum(wanted.values()))
    except (HistoryError, OSError) as error:
        module.fail_json(msg=f"{region}, {span.day}: {error}")
    module.exit_json(
        changed=bool(lacked),
        samples=sum(wanted.values()),
        copied=lacked,
        difference=f"{region}, {span.day}: {told(lacking, wanted)}" if lacking else "",
    )


if __name__ == "__main__":
    main()
