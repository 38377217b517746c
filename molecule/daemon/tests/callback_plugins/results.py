"""Write each task's result to a file, one JSON object a line, for the tests to read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: notification
short_description: Results as JSON lines
description: Writes results to the file in the environment variable TESTD_RESULTS.
"""


class CallbackModule(CallbackBase):
    """Results as a user of Ansible would see them: secrets are masked already."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"

    def _write(self, status, result):
        entry = {"host": result.host.name, "task": result.task.get_name(), "status": status}
        with Path(os.environ["TESTD_RESULTS"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({**entry, **result.result}, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: ARG002
        self._write("failed", result)

    def v2_runner_on_skipped(self, result):
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._write("unreachable", result)
