# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.backups."""

from __future__ import annotations

DOCUMENTATION = r"""
name: restore_report
short_description: What a restore brought back
version_added: 0.1.0
description:
  - Returns lines for people about a restored host, and an error for each day that lacks samples.
positional: host
options:
  _input:
    description: What C(restore.py verify) of the role vmbackup printed.
    type: dict
    required: true
  host:
    description: The host's name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say what was restored
  meridian.metrics.report:
    lines: "{{ (verified.stdout | from_json | meridian.metrics.restore_report('s1')).lines }}"
"""

RETURN = r"""
_value:
  description: C(lines) and C(errors), each a list of texts.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.backups import restore_report


class FilterModule:
    """The collection's filter of that name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restore_report": restore_report}
