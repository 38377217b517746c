# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make one long-running program on this host be exactly as declared: activate, roll back, remove.

The truth is the running process: its unit exports a generation, the SHA-256 over unit text, program
and the files that need a restart, and the kernel tells which generation the main process has.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from ansible_collections.meridian.metrics.plugins.module_utils import (
    files as disk,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    program as programs,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    record as records,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    systemd,
)
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import (
    CONFIG,
    Failure,
    signal_named,
)
from ansible_collections.meridian.metrics.plugins.module_utils.files import File, Write
from ansible_collections.meridian.metrics.plugins.module_utils.staging import Staged, Staging

# `gate`, `readiness` and `validation` are imported where they are used: the run that finds nothing
# to do is the common one, and the HTTP client alone would double its imports.
if TYPE_CHECKING:
    from ansible_collections.meridian.metrics.plugins.module_utils.gate import Gate


def explain(error: Exception) -> str:
    """One sentence on an error, with the path and the reason where the system refused one."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _remove_tree(folder: str) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _remove_if_empty(folder: str) -> None:
    with suppress(OSError):
        os.rmdir(folder)


class Daemon(Staging):
    """A declared daemon on this host, from what is staged to what runs."""

    def __init__(
        self, params: Mapping[str, Any], *, check_mode: bool, label: Callable[[str], Any]
    ) -> None:
        super().__init__(params, check_mode=check_mode, label=label)
        self.passed: dict[str, Any] = {}  # how the gate was passed

    # Activation

    def pending(self, generation: str) -> tuple[str, systemd.Status]:
        """What the running process is owed: none, start, reload or restart."""
        now = systemd.status(self.unit)
        if not now.running:
            return "start", now
        if now.generation != generation or self.record["pending"] == "restart":
            return "restart", now
        if self.record["pending"] == "reload" or (
            self.record["reload_hash"] and self.record["reload_hash"] != self.reload_hash()
        ):
            return "reload", now
        return self.owed(), now

    def owed(self) -> str:
        """What is owed once the process is as declared: none, or the gate of its last change."""
        return "gate" if self.record["gate"] else "none"

    def activate(self, staged: Staged, pending: str, now: systemd.Status) -> None:
        """Make the staged state the running one, or go back to the last that served.

        A change that interrupts a running process passes its gate, if it has one, before and after.
        """
        interrupts = pending == "restart" or (pending == "reload" and not self.params["reload"])
        gate = self._gate() if interrupts or self.record["gate"] else None
        if gate and interrupts:
            self._ask_before(gate)
        if pending != "gate":
            self._make_run(staged, pending, now)
        if gate:
            self._ask_after(gate, served=time.time() if pending != "gate" else None)
        elif self.params["state"] == "started" and self.record["gate"]:
            self.record["gate"] = {}
            records.save(self.name, self.record)

    def _gate(self) -> Gate | None:
        declared = self.params["gate"]
        if not declared or not declared["timeout"] or not declared["checks"]:
            return None
        from ansible_collections.meridian.metrics.plugins.module_utils.gate import (  # noqa: PLC0415
            Gate,
        )

        return Gate(declared)

    def _ask_before(self, gate: Gate) -> None:
        owed = self.record["gate"].get("baseline") or {}
        baseline = gate.before(owed)
        self.passed["skipped"] = gate.skipped
        # On record before the process is touched: an interrupted run leaves the question open.
        self.record["gate"] = {"baseline": baseline, "since": time.time()}
        records.save(self.name, self.record)

    def _ask_after(self, gate: Gate, *, served: float | None) -> None:
        """Wait for what held before; ``served`` is when the process began to serve, if just now."""
        owed = self.record["gate"]
        if served:
            owed["since"] = served
            records.save(self.name, self.record)
        self.passed["seconds"] = round(gate.after(owed["baseline"], owed["since"]), 1)
        self.record["gate"] = {}
        records.save(self.name, self.record)

    def _make_run(self, staged: Staged, pending: str, now: systemd.Status) -> None:
        since = time.time()
        good = records.load_good(self.name)
        ready, reload = self.params["ready"], self.params["reload"]
        complaint = self._bring_up(pending, staged.generation, now, ready=ready, reload=reload)
        if complaint:
            self._give_up(complaint, staged, good, pending, since, now.pid)
        try:
            self._remember(staged, good)
        except OSError as error:
            raise Failure(f"it runs as declared, but {explain(error)}") from error

    def _remember(self, staged: Staged, good: Mapping[str, Any] | None) -> None:
        """Record the state that serves as the one to go back to; remove what none goes back to."""
        before = records.roots(self.name)
        root = staged.program.root
        if good and good["root"] != root:
            self.record["previous_root"] = good["root"]
        records.save_good(
            self.name,
            {
                "generation": staged.generation,
                "reload_hash": self.reload_hash(),
                "unit_text": staged.unit_text,
                "files": [file._asdict() for file in self.files],
                "root": root,
                "version": staged.program.version,
                "ready": self.params["ready"],
                "reload": self.params["reload"],
            },
        )
        self.record.update(pending="none", reload_hash=self.reload_hash())
        records.save(self.name, self.record)
        programs.prune(before | records.roots(self.name), self._kept_roots(self.name))

    def _kept_roots(self, *own: str) -> set[str]:
        names = [*records.others(self.name), *own]
        return {root for name in names for root in records.roots(name)}

    def _bring_up(
        self,
        pending: str,
        generation: str,
        now: systemd.Status,
        *,
        ready: Mapping[str, Any],
        reload: Mapping[str, Any] | None,
    ) -> str:
        """Start, restart or reload, and wait; '' or what went wrong."""
        from ansible_collections.meridian.metrics.plugins.module_utils.readiness import (  # noqa: PLC0415
            wait_until_ready,
        )

        try:
            if pending == "reload" and reload:
                self._reload(now.pid, reload)
                return wait_until_ready(self.unit, ready, generation=generation, pid=now.pid)
            systemd.systemctl("daemon-reload")
            systemd.quietly("reset-failed", self.unit)
            systemd.systemctl("restart", self.unit)
            return wait_until_ready(self.unit, ready, generation=generation)
        except (RuntimeError, OSError) as error:
            return explain(error)

    def _reload(self, pid: int, how: Mapping[str, Any]) -> None:
        from ansible_collections.meridian.metrics.plugins.module_utils.readiness import (  # noqa: PLC0415
            request,
        )

        if how.get("url"):
            code, body = request(how["url"], timeout=30, method=how["method"])
            if code >= 300:
                raise RuntimeError(
                    f"{how['url']} refused the reload ({code}): {body[:300].strip()}"
                )
        else:
            os.kill(pid, signal_named(how["signal"]) or signal.SIGHUP)

    def _give_up(
        self,
        complaint: str,
        staged: Staged,
        good: Mapping[str, Any] | None,
        pending: str,
        since: float,
        pid: int,
    ) -> NoReturn:
        log = [self.redact(line) for line in systemd.journal(self.unit, since)]
        title = f"version {staged.program.version}" if staged.program.version else "it"
        message = f"{title} is not ready after its {pending}: {self.redact(complaint)}. "
        rolled_back = False
        if good is None:
            self._disable()
            systemd.quietly("daemon-reload")
            systemd.quietly("stop", self.unit)
            systemd.quietly("reset-failed", self.unit)
            message += (
                "There is no earlier state to go back to, so it was stopped and is not started "
                "again until a run succeeds."
            )
        elif good["generation"] == staged.generation and (
            good["reload_hash"] == self.reload_hash()
        ):
            message += "Nothing was changed that could be put back; systemd goes on trying."
        else:
            name = f"The previous state ({good['version'] or good['generation'][:12]})"
            problem = self._roll_back(good, pending, pid)
            rolled_back = not problem
            message += (
                f"{name} could not be put back: {self.redact(problem)}."
                if problem
                else f"{name} was put back and serves."
            )
        if log:
            message += "\nIts last log lines:\n" + "\n".join(f"  {line}" for line in log)
        raise Failure(message, log=log, rolled_back=rolled_back)

    def _roll_back(self, good: Mapping[str, Any], pending: str, pid: int) -> str:
        """Put the last state that served back and start it; '' or what went wrong.

        ``pid`` is the process that was asked to reload; if it lives it is asked again.
        """
        files = [File(**{**held, "validate": tuple(held["validate"])}) for held in good["files"]]
        keys = {file.key for file in files}
        try:
            for file in self.files:
                if file.key not in keys:
                    disk.remove(file.path, file.block, self.label)
            writes = [disk.to_write(change) for change in map(disk.compare, files) if change]
            if disk.read_text(self.unit_path) != good["unit_text"]:
                writes.append(Write(self.unit_path, good["unit_text"].encode(), 0o644))
            disk.write_all(writes, self.label)
            self.record.update(
                pending="restart",
                files=[[file.path, file.block] for file in files],
                root=good["root"],
            )
            records.save(self.name, self.record)
            now = systemd.status(self.unit)
            again = (
                "reload" if pending == "reload" and now.running and now.pid == pid else "restart"
            )
            problem = self._bring_up(
                again, good["generation"], now, ready=good["ready"], reload=good["reload"]
            )
            if not problem:
                self.record.update(pending="none", reload_hash=good["reload_hash"])
                records.save(self.name, self.record)
        except (OSError, RuntimeError, ValueError) as error:
            return explain(error)
        return problem

    # Removal

    def remove(self) -> bool:
        """Remove all but the data, and the data too with ``purge_data``; true if there was any."""
        now = systemd.status(self.unit)
        purge = self.params["purge_data"] and (os.path.exists(self.state_dir) or self._made_user())
        ours = os.path.join(records.RECORDS, self.name)
        there = not now.exited or any(
            map(os.path.lexists, [self.unit_path, self.config_dir, ours, *self._links_on_disk()])
        )
        if self.check_mode or not (there or purge):
            return bool(there or purge)
        if not now.exited or os.path.exists(self.unit_path):
            systemd.systemctl("stop", self.unit)
        self._disable()
        if os.path.lexists(self.unit_path):
            os.unlink(self.unit_path)
        systemd.systemctl("daemon-reload")
        systemd.quietly("reset-failed", self.unit)
        self._remove_files()
        programs.prune(records.roots(self.name), self._kept_roots())
        self._remove_packages()
        _remove_tree(ours)
        if self.params["purge_data"]:
            _remove_tree(self.state_dir)
            if self._made_user():
                subprocess.run(["userdel", self.user], capture_output=True, check=False)
        for folder in (CONFIG, programs.PROGRAMS, records.RECORDS):
            _remove_if_empty(folder)
        return True

    def _remove_files(self) -> None:
        declared = [[file.path, file.block] for file in self.files]
        for path, block in [*declared, *self.record["files"]]:
            disk.remove(path, block, self.label)
            if path.startswith(f"{programs.PROGRAMS}/"):
                _remove_if_empty(os.path.dirname(path))
        _remove_tree(self.config_dir)

    def _remove_packages(self) -> None:
        others = [records.load(other) for other in records.others(self.name)]
        for key, undo in (
            ("packages", programs.remove_packages),
            ("package_units", programs.unmask),
        ):
            used = {name for other in others for name in other[key]}
            rest = [name for name in self.record[key] if name not in used]
            if rest:
                undo(rest)
