#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: what running programs of this host were started with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: program_flags
short_description: Say with which flags programs of a host run
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Returns the flags of running programs as the kernel has them, not as they were declared.
options:
  names:
    description: Names of daemons.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Find out where the agent writes to
  meridian.metrics.program_flags:
    names: [vmagent]
  register: found
"""

RETURN = r"""
programs:
  description: Flags by name of those daemons that run; each is a list of the values it was given.
  returned: always
  type: dict
  sample:
    vmagent:
      remoteWrite.url: ["http://gateway.us-east-1.meridian.internal:8427/api/v1/write"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.process import all_flags_of
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    programs = {}
    for name in module.params["names"]:
        now = status(f"meridian-{name}.service")
        if not now.running:
            continue
        try:
            programs[name] = all_flags_of(now.pid)
        except OSError:
            # It has ended since.
            continue
    module.exit_json(changed=False, programs=programs)


if __name__ == "__main__":
    main()
