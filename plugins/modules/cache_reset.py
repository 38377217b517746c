#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: let a vmselect or vmsingle of this host forget what it has answered."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_reset
short_description: Reset the cache of answers of a vmselect or vmsingle
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Samples that come late, after an outage or by a copy, are missing in answers that were cached
    before. After a reset they are not.
  - The key that the page may need (C(-search.resetCacheAuthKey)) is read from the process.
options:
  component:
    description: The program; V(vmselect_global) is the vmselect of all regions.
    type: str
    choices: [vmselect, vmselect_global, vmsingle]
    default: vmselect
attributes:
  check_mode:
    description: In check mode nothing is reset.
    support: full
"""

EXAMPLES = r"""
- name: Forget what was answered before the backlog came
  meridian.metrics.cache_reset:
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.process import (
    Program,
    ProgramError,
    flags_of,
)
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status

PORTS = {"vmselect": 8481, "vmselect_global": 8491, "vmsingle": 8428}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "component": {"type": "str", "choices": sorted(PORTS), "default": "vmselect"}
        },
        supports_check_mode=True,
    )
    component = module.params["component"]
    now = status(f"meridian-{component.replace('_', '-')}.service")
    if not now.running:
        # Started anew it reads the cache that it has saved.
        module.fail_json(msg=f"{component} does not run on this host, so its cache stays; start it")
    try:
        program = Program(flags_of(now.pid), PORTS[component])
        if not module.check_mode:
            program.page("/internal/resetRollupResultCache", "search.resetCacheAuthKey")
    except (OSError, ProgramError) as error:
        module.fail_json(msg=f"{component}: {error}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
