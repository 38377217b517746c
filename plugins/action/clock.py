# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clock action: compares a host's clock with the controller's; see the module's text."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.meridian.metrics.plugins.plugin_utils.clocks import (
    certain_difference,
    clock_problem,
)


class ActionModule(ActionBase):
    """Asks the host for its time in one round trip, without a module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(
            argument_spec={"tolerance": {"type": "float", "default": 10.0}}
        )
        asked = time.time()
        answer = self._low_level_execute_command("date +%s.%N", sudoable=False)
        answered = time.time()
        try:
            told = float(answer["stdout"])
        except ValueError as error:
            said = f"{answer['stdout']}{answer.get('stderr', '')}".strip()
            raise AnsibleActionFail(f"the host does not tell its time: {said}") from error
        difference = certain_difference(told, asked, answered)
        host = str((task_vars or {})["inventory_hostname"])
        result["changed"] = False
        result["difference"] = round(difference, 3)
        result["problem"] = clock_problem(host, difference, options["tolerance"])
        return result
