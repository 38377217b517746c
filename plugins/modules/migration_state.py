#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: what a host remembers of the move of its region."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_state
short_description: Read and keep how far the move of a region's samples is
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - The note is C(/var/lib/meridian_migration/<region>.json) on the host.
options:
  region:
    description: The region whose samples move.
    type: str
    required: true
  origin:
    description: The region that stored them before.
    type: str
    required: true
  complete:
    description: The phase that was completed now; later ones no longer are.
    type: str
    choices: [build, dual_write, backfill, readers, finish]
  alone:
    description: V(true) when only the new storage gets samples from now on, V(false) when both do.
    type: bool
  folder:
    description: Where the note is.
    type: path
    default: /var/lib/meridian_migration
attributes:
  check_mode:
    description: In check mode nothing is written.
    support: full
"""

EXAMPLES = r"""
- name: Keep that both storages get all samples
  meridian.metrics.migration_state:
    region: eu-west-1
    origin: us-east-1
    complete: dual_write
"""

RETURN = r"""
phases:
  description: Phases that are complete, in their order.
  returned: always
  type: list
  elements: str
  sample: [build, dual_write]
alone:
  description: Unix time since which only the new storage gets samples; 0 when both do.
  returned: always
  type: int
days:
  description: How many whole days were copied.
  returned: always
  type: int
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.migration_state import (
    FOLDER,
    PHASES,
    State,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "region": {"type": "str", "required": True},
            "origin": {"type": "str", "required": True},
            "complete": {"type": "str", "choices": list(PHASES)},
            "alone": {"type": "bool"},
            "folder": {"type": "path", "default": FOLDER},
        },
        supports_check_mode=True,
    )
    given = module.params
    state = State(given["folder"], given["region"], given["origin"])
    changed = False
    now = int(time.time())
    try:
        if given["alone"] is not None and not module.check_mode:
            changed = given["alone"] != bool(state.alone)
            state.leave(now if given["alone"] else 0)
        if given["complete"] and not module.check_mode:
            changed = state.complete(given["complete"], now) or changed
    except OSError as error:
        module.fail_json(msg=f"{error}")
    module.exit_json(
        changed=changed, phases=state.phases, alone=state.alone, days=len(state.days("forward"))
    )


if __name__ == "__main__":
    main()
