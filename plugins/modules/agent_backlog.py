#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: wait until the vmagent of this host has sent what it kept on disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_backlog
short_description: Wait until the vmagent of a host has sent its backlog
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - A backlog is what the agent wrote to its disk, because it could not send it. What it just sends
    is none.
  - An agent has one for each URL that it sends to; all of them are waited for, except for those of
    programs on its own host, such as the Prometheus of a receiver.
options:
  name:
    description: Name of the agent's daemon.
    type: str
    choices: [prometheus_receiver, vmagent]
    default: vmagent
  timeout:
    description: How long to wait, in seconds. With V(0) it only looks.
    type: int
    default: 0
attributes:
  check_mode:
    description: It changes nothing, and does not wait in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Wait until the agents have sent what they kept
  meridian.metrics.agent_backlog:
    timeout: 1800
"""

RETURN = r"""
bytes:
  description: Size of the backlog for all URLs, compressed as it is sent.
  returned: always
  type: int
urls:
  description: Size by URL, with its place in the list of URLs, of those for which something waits.
  returned: always
  type: dict
  sample:
    2:http://gateway.eu-west-1.meridian.internal:8427/api/v1/write: 300000
waited:
  description: Seconds until it was sent.
  returned: always
  type: int
"""

import re
import time
from collections.abc import Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.process import (
    Program,
    ProgramError,
    flags_of,
    series,
)
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status

PORTS = {"prometheus_receiver": 9091, "vmagent": 8429}
ON_DISK = "vm_persistentqueue_bytes_pending"


# A program on the agent's own host.
LOCAL = re.compile(r"\d+:https?://(?:127\.|localhost\b|\[::1\])")


def backlog(page: str) -> dict[str, int]:
    """Bytes on disk by URL, of those for which there are any, from an agent's page of metrics."""
    held: dict[str, int] = {}
    for labels, value in series(page, ON_DISK):
        url = labels.get("name", "")
        if value and not LOCAL.match(url):
            held[url] = held.get(url, 0) + int(value)
    return held


def wait(program: Program, timeout: int) -> tuple[dict[str, int], int]:
    """The backlog once there is none or the time is over, and the seconds that it took."""
    started = time.monotonic()
    while True:
        held = backlog(program.page("/metrics", "metricsAuthKey"))
        waited = int(time.monotonic() - started)
        if not held or waited >= timeout:
            return held, waited
        time.sleep(1)


def told(held: Mapping[str, int]) -> str:
    """A backlog in words, the largest first."""
    ordered = sorted(held.items(), key=lambda each: -each[1])
    return ", ".join(f"{size / 1e6:.1f} MB for {url}" for url, size in ordered)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "choices": sorted(PORTS), "default": "vmagent"},
            "timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    name = module.params["name"]
    unit = f"meridian-{name}.service"
    now = status(unit)
    if not now.running:
        module.fail_json(msg=f"{unit} does not run on this host, so what it kept stays; start it")
    timeout = 0 if module.check_mode else module.params["timeout"]
    try:
        held, waited = wait(Program(flags_of(now.pid), PORTS[name]), timeout)
    except (OSError, ProgramError) as error:
        module.fail_json(msg=f"{name}: {error}")
    size = sum(held.values())
    result = {"changed": False, "bytes": size, "urls": held, "waited": waited}
    if held and timeout:
        module.fail_json(
            msg=f"{name} still holds back after {waited} s: {told(held)}; see that it "
            f"reaches its gateways (journalctl -u {unit}), then run this again",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
