#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: what a vmstorage of this host is, and who writes to it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_node
short_description: Look at the vmstorage of a host and at who writes to it
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Tells how the running C(meridian-vmstorage) was started and how many vminserts are connected.
  - Its flags are read from the process, and with them the keys and passwords of its pages.
options:
  unwritten_for:
    description:
      - Fail unless no vminsert is connected and no sample arrives for this many seconds. With V(0)
        it only looks.
    type: int
    default: 0
  timeout:
    description: How long to wait for that, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Wait until nothing writes to the node
  meridian.metrics.storage_node:
    unwritten_for: 10
"""

RETURN = r"""
installed:
  description: Whether the host has the service.
  returned: always
  type: bool
running:
  description: Whether it runs. What follows is returned only then.
  returned: always
  type: bool
retention:
  description: The flag C(-retentionPeriod).
  returned: it runs
  type: str
  sample: 1y
future_retention:
  description: The flag C(-futureRetention).
  returned: it runs
  type: str
  sample: 2d
dedup_interval:
  description: The flag C(-dedup.minScrapeInterval).
  returned: it runs
  type: str
  sample: 1ms
select_address:
  description: Where a vmselect on the same host reaches it.
  returned: it runs
  type: str
  sample: 127.0.0.1:8401
vminserts:
  description: Connections of vminserts.
  returned: it runs
  type: int
rows:
  description: Samples that it has taken since its start.
  returned: it runs
  type: int
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.process import (
    Program,
    ProgramError,
    flags_of,
    local_address,
    metric,
)
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status

UNIT = "meridian-vmstorage.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
# The defaults of vmstorage's own flags.
PORT = 8482
SELECT_PORT = 8401
RETENTION = "1"
FUTURE = "2d"
DEDUP = "0s"


def look(program: Program) -> tuple[int, int]:
    """Connections of vminserts, and samples taken since the start."""
    page = program.page("/metrics", "metricsAuthKey")
    return int(metric(page, "vm_vminsert_conns")), int(
        metric(page, "vm_rows_added_to_storage_total")
    )


def wait(program: Program, seconds: int, timeout: int) -> tuple[int, int, bool]:
    """Look until nothing was written for some seconds: connections, samples, whether it came."""
    deadline = time.monotonic() + timeout
    seen, rows = look(program)
    since = time.monotonic()
    while time.monotonic() < deadline:
        if not seen and time.monotonic() - since >= seconds:
            return seen, rows, True
        time.sleep(1)
        seen, found = look(program)
        if seen or found != rows:
            since = time.monotonic()
        rows = found
    return seen, rows, False


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "unwritten_for": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    now = status(UNIT)
    result: dict[str, Any] = {"changed": False, "running": now.running}
    try:
        with open(UNIT_PATH, encoding="utf-8"):
            result["installed"] = True
    except FileNotFoundError:
        result["installed"] = False
    if not now.running:
        if module.params["unwritten_for"]:
            module.fail_json(msg=f"{UNIT} does not run on this host", **result)
        module.exit_json(**result)
    seconds, timeout = module.params["unwritten_for"], module.params["timeout"]
    try:
        flags = flags_of(now.pid)
        program = Program(flags, PORT)
        seen, rows, still = wait(program, seconds, timeout) if seconds else (*look(program), True)
    except (OSError, ProgramError) as error:
        module.fail_json(msg=f"vmstorage: {error}", **result)
    result.update(
        retention=flags.get("retentionPeriod", RETENTION),
        future_retention=flags.get("futureRetention", FUTURE),
        dedup_interval=flags.get("dedup.minScrapeInterval", DEDUP),
        select_address=local_address(flags.get("vmselectAddr", ""), SELECT_PORT),
        vminserts=seen,
        rows=rows,
    )
    if not still:
        module.fail_json(
            msg=f"vmstorage is still written to after {timeout} s, by {seen} connections of "
            "vminserts; one that this inventory does not know has to let go of it first",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
