# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible callback: wall time by task, in seconds, as JSON in the file MERIDIAN_TASK_SECONDS."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_seconds
type: aggregate
short_description: wall time by task
description:
  - Writes how long each task took, over all hosts, to the file MERIDIAN_TASK_SECONDS.
"""


class CallbackModule(CallbackBase):
    """Adds up the time from one task's start to the next one's."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._seconds: dict[str, float] = {}
        self._task = ""
        self._since = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        """End the task before."""
        self._end()
        self._task, self._since = task.get_name(), time.monotonic()

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        """End the last task and write the file."""
        self._end()
        Path(os.environ["MERIDIAN_TASK_SECONDS"]).write_text(json.dumps(self._seconds))

    def _end(self) -> None:
        if self._task:
            spent = time.monotonic() - self._since
            self._seconds[self._task] = self._seconds.get(self._task, 0.0) + spent
