#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: whether samples came later than the vmselect of this host takes into account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: late_samples
short_description: Find out whether a vmselect may answer with gaps from its cache
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - A vmselect keeps what it has answered, except for the newest C(-search.cacheTimestampOffset).
    Samples that come later than that are not in such answers.
  - They come from an agent that kept samples on its disk for longer than that. The agents' own
    metrics tell when; they were kept and sent like all others, and are asked of the vmselect
    itself, past its cache.
  - Backlogs that were sent before the last reset of the cache do no harm any more.
options:
  instance:
    description: The label C(instance) of this vmselect in its own metrics.
    type: str
    required: true
  window:
    description: How far to look back, as a duration with its unit.
    type: str
    default: 1d
  component:
    description:
      - The program, V(vmselect), or V(vmselect_global) for the one of all regions, which sees the
        agents of all.
      - It is also the label C(job) of its own metrics.
    type: str
    choices: [vmselect, vmselect_global]
    default: vmselect
  tenant:
    description: The tenant that has the agents' metrics.
    type: int
    default: 0
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Find out whether samples came late
  meridian.metrics.late_samples:
    instance: "{{ inventory_hostname }}"
  register: found

- name: Forget what was answered without them
  meridian.metrics.cache_reset:
  when: found.late
"""

RETURN = r"""
late:
  description: Whether samples came late since the last reset of the cache.
  returned: always
  type: bool
newest:
  description: When an agent last had a backlog older than the offset, in unix seconds; 0 for never.
  returned: always
  type: float
reset:
  description: When the cache was last reset, in unix seconds; 0 when that is not known.
  returned: always
  type: float
offset:
  description: The offset of this vmselect.
  returned: always
  type: str
  sample: 5m
"""

import json
from urllib.parse import urlencode

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.process import (
    Program,
    ProgramError,
    flags_of,
    metric,
)
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status

# The unit, and the port where the process does not state one.
COMPONENTS = {
    "vmselect": ("meridian-vmselect.service", 8481),
    "vmselect_global": ("meridian-vmselect-global.service", 8491),
}
# The default of vmselect's own flag.
OFFSET = "5m"
RESETS = "vm_rollup_result_cache_resets_total"
# The file-based queue alone: what is on its way in memory is there all the time.
KEPT = "vm_persistentqueue_bytes_pending"
STEP = "15s"


def newest(program: Program, tenant: int, expression: str) -> float:
    """The value of an instant query past the cache, 0 when it is empty. Raises ProgramError."""
    parameters = urlencode({"query": expression, "nocache": "1"})
    page = program.page(f"/select/{tenant}/prometheus/api/v1/query?{parameters}", timeout=60)
    try:
        content = json.loads(page)
        if content.get("isPartial"):
            raise ProgramError("the answer lacks a storage node; mend that first")
        return max((float(one["value"][1]) for one in content["data"]["result"]), default=0.0)
    except (ValueError, KeyError) as error:
        raise ProgramError(f"not an answer to a query: {page[:200]}") from error


def last_late(program: Program, tenant: int, offset: str, window: str) -> float:
    """When an agent last had a backlog that was older than the offset, in unix seconds."""
    held = f"min_over_time({KEPT}[{offset}]) > 0"
    return newest(program, tenant, f"max(tlast_over_time(({held})[{window}:{STEP}]))")


def last_reset(program: Program, tenant: int, component: str, instance: str, window: str) -> float:
    """When the cache was last reset, as the agents have seen it, in unix seconds."""
    if not metric(program.page("/metrics", "metricsAuthKey"), RESETS):
        # Not since the start; that also changes the counter, but the cache is kept on disk.
        return 0.0
    series = f"{RESETS}{{job={json.dumps(component)},instance={json.dumps(instance)}}}"
    return newest(program, tenant, f"max(tlast_change_over_time({series}[{window}]))")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "instance": {"type": "str", "required": True},
            "window": {"type": "str", "default": "1d"},
            "component": {"type": "str", "choices": sorted(COMPONENTS), "default": "vmselect"},
            "tenant": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    component = wanted["component"]
    unit, port = COMPONENTS[component]
    now = status(unit)
    if not now.running:
        module.fail_json(msg=f"{unit} does not run on this host; start it")
    try:
        program = Program(flags_of(now.pid), port)
        offset = program.flags.get("search.cacheTimestampOffset", OFFSET)
        late = last_late(program, wanted["tenant"], offset, wanted["window"])
        tenant, window = wanted["tenant"], wanted["window"]
        reset = last_reset(program, tenant, component, wanted["instance"], window)
    except (OSError, ProgramError) as error:
        module.fail_json(msg=f"{component}: {error}")
    module.exit_json(changed=False, late=late > reset, newest=late, reset=reset, offset=offset)


if __name__ == "__main__":
    main()
