#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: which days of a region's history have to be copied."""

from __future__ import annotations

DOCUMENTATION = r"""
module: history_days
short_description: List the days of a region's history that are not copied yet
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Looks through the gateways of a storage on which days of UTC it has samples of a region, and
    leaves out those that M(meridian.metrics.history_copy) has finished.
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
  user:
    description: User of the gateways.
    type: str
    default: migration
  password:
    description: Password of that user.
    type: str
    required: true
  retention:
    description: How far the storage looks back, as it takes it.
    type: str
  since:
    description: Day to begin with, such as V(2026-05-01), or a Unix time, in place of O(retention).
    type: str
  folder:
    description: Where the note of M(meridian.metrics.migration_state) is.
    type: path
    default: /var/lib/meridian_migration
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: List what has to be copied
  meridian.metrics.history_days:
    region: eu-west-1
    origin: us-east-1
    source: [http://10.20.1.21:8427]
    password: "{{ password }}"
    retention: 1y
  register: found
"""

RETURN = r"""
days:
  description: The days, oldest first, each as M(meridian.metrics.history_copy) takes it.
  returned: always
  type: list
  elements: dict
  sample: [{day: "2026-05-01", start: 1777593600, end: 1777680000, until: 1777680000, place: 1}]
finished:
  description: How many days were finished before.
  returned: always
  type: int
"""

import calendar
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.history import (
    HistoryError,
    Store,
    has_samples,
    spans,
)
from ansible_collections.meridian.metrics.plugins.module_utils.migration_state import (
    DIRECTIONS,
    FOLDER,
    State,
)
from ansible_collections.meridian.metrics.plugins.module_utils.samples import (
    SamplesError,
    retention_seconds,
)

# The retention moves on while it is asked for.
EDGE = 3600
# What is younger is copied with the last day and not counted: what rules record comes half a minute
# late. On the way back all counts that the source alone has, up to what is not readable yet.
SETTLED = {"forward": 60, "back": 5}


def moment(text: str) -> float:
    """Unix time of a day, or of Unix time as text. Raises HistoryError."""
    if text.isdecimal():
        return float(text)
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d"))
    except ValueError:
        raise HistoryError(f"'{text}' is no day; write one such as 2026-05-01") from None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "region": {"type": "str", "required": True},
            "origin": {"type": "str", "required": True},
            "direction": {"type": "str", "choices": list(DIRECTIONS), "default": "forward"},
            "source": {"type": "list", "elements": "str", "required": True},
            "user": {"type": "str", "default": "migration"},
            "password": {"type": "str", "required": True, "no_log": True},
            "retention": {"type": "str"},
            "since": {"type": "str"},
            "folder": {"type": "path", "default": FOLDER},
        },
        supports_check_mode=True,
    )
    given = module.params
    state = State(given["folder"], given["region"], given["origin"])
    store = Store(given["source"], given["user"], given["password"])
    now = time.time() - SETTLED[given["direction"]]
    try:
        if given["since"]:
            since = moment(given["since"])
        else:
            since = now - retention_seconds(given["retention"] or "") + EDGE
        found = [
            each
            for each in spans(max(0.0, since), now)
            if f"{each.start}" not in state.days(given["direction"])
            if has_samples(store, given["region"], each)
        ]
    except (HistoryError, SamplesError) as error:
        module.fail_json(msg=f"{given['region']}: {error}")
    days = [
        {**each._asdict(), "day": each.day, "place": place} for place, each in enumerate(found, 1)
    ]
    module.exit_json(changed=False, days=days, finished=len(state.days(given["direction"])))


if __name__ == "__main__":
    main()
