#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: bring one day of a storage node's samples to the other nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_copy
short_description: Bring a day of the samples of one storage node to the others
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Counts the samples of a tenant's day with and without the node. Where some are only there, it
    copies the day from the node through a vminsert and counts again until none is.
  - Copied samples keep their times. Those that the others had already are one sample to readers.
options:
  node:
    description: Base URL of a vmselect that reads the node alone.
    type: str
    required: true
  others:
    description: Base URL of a vmselect that reads the other nodes.
    type: str
    required: true
  everything:
    description: Base URL of a vmselect that reads the node and the others.
    type: str
    required: true
  writers:
    description: Base URLs of vminserts that write to the others and not to the node; the next one
      is tried where one does not answer.
    type: list
    elements: str
    required: true
  tenant:
    description: The tenant, as C(accountID:projectID).
    type: str
    required: true
  start:
    description: Unix time at which the day begins.
    type: int
    required: true
  end:
    description: Unix time at which it ends.
    type: int
    required: true
  timeout:
    description: How long to wait for the copied samples to be readable, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    description: It only counts, and says whether it would copy.
    support: full
"""

EXAMPLES = r"""
- name: Bring the first of May to the other nodes
  meridian.metrics.storage_copy:
    node: http://127.0.0.1:8491
    others: http://127.0.0.1:8492
    everything: http://127.0.0.1:8493
    writers: [http://10.20.1.21:8480]
    tenant: "0:0"
    start: 1777593600
    end: 1777680000
"""

RETURN = r"""
only_there:
  description: How many samples only the node had before.
  returned: always
  type: int
bytes:
  description: How many bytes were copied.
  returned: always
  type: int
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.samples import (
    SamplesError,
    Window,
    copy,
    only_there,
)


def settled(everything: str, others: str, window: Window, timeout: int, *, at: int) -> int:
    """Compare until not more than `at` samples are only on the node, or until the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        missing = only_there(everything, others, window)
        late = time.monotonic() > deadline
        if missing is not None and (missing <= at or late):
            return missing
        if late:
            raise SamplesError(
                "the other nodes are still written to in this time; run this again when the "
                "agents have no backlog"
            )
        time.sleep(1)


def copy_by_any(source: str, writers: list[str], window: Window) -> int:
    """Copy by the first vminsert that takes it."""
    errors = []
    for writer in writers:
        try:
            return copy(source, writer, window)
        except SamplesError as error:
            errors.append(f"{error}")
    raise SamplesError("; ".join(errors))


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    number = {"type": "int", "required": True}
    module = AnsibleModule(
        argument_spec={
            **dict.fromkeys(("node", "others", "everything", "tenant"), text),
            "writers": {"type": "list", "elements": "str", "required": True},
            **dict.fromkeys(("start", "end"), number),
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    given = module.params
    window = Window(given["tenant"], given["start"], given["end"])
    place = f"tenant {window.tenant}, {time.strftime('%Y-%m-%d', time.gmtime(window.start))}"
    everything, others, timeout = given["everything"], given["others"], given["timeout"]
    try:
        # Any number ends the first comparison.
        before = settled(everything, others, window, timeout, at=1 << 62)
        if before <= 0 or module.check_mode:
            module.exit_json(changed=before > 0, only_there=max(before, 0), bytes=0)
        sent = copy_by_any(given["node"], given["writers"], window)
        left = settled(everything, others, window, timeout, at=0)
    except SamplesError as error:
        module.fail_json(msg=f"{place}: {error}")
    if left > 0:
        module.fail_json(
            msg=f"{place}: {left} samples are only on this node, {timeout} s after they were "
            "copied; run this again, and look at the logs of vminsert if it says the same"
        )
    module.exit_json(changed=True, only_there=before, bytes=sent)


if __name__ == "__main__":
    main()
