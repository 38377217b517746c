# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report action: prints lines for people, on the controller; see the module's documentation."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):
    """Prints lines, warnings and errors as they are, and fails when there are errors."""

    # Nothing is sent to the host, so none is connected to.
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(
            argument_spec={
                "lines": {"type": "list", "elements": "str", "default": []},
                "warnings": {"type": "list", "elements": "str", "default": []},
                "errors": {"type": "list", "elements": "str", "default": []},
            }
        )
        for line in options["lines"]:
            display.display(line)
        for line in options["warnings"]:
            display.display(f"WARNING: {line}", color=constants.COLOR_WARN)
        for line in options["errors"]:
            display.display(f"ERROR: {line}", color=constants.COLOR_ERROR)
        result["changed"] = False
        if options["errors"]:
            count = len(options["errors"])
            result["failed"] = True
            result["msg"] = f"{count} error{'' if count == 1 else 's'}, listed above"
        return result
