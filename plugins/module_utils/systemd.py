# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd and the kernel say of a running daemon, and the few orders given to systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

from ansible_collections.meridian.metrics.plugins.module_utils.unit import GENERATION_VARIABLE


class Status(NamedTuple):
    """A unit's state; ``generation`` is read from the main process itself ('' when it has none)."""

    active: str
    sub: str
    result: str
    exit_status: str
    pid: int
    generation: str

    @property
    def running(self) -> bool:
        """The main process is there."""
        return self.active in ("active", "reloading") and self.pid > 0

    @property
    def exited(self) -> bool:
        """The main process ended by itself, whether or not systemd will start it again."""
        return self.active in ("failed", "inactive") or self.sub.startswith("auto-restart")


def booted() -> bool:
    """Whether systemd runs this host, as sd_booted(3) finds out."""
    return os.path.isdir("/run/systemd/system") and shutil.which("systemctl") is not None


def systemctl(*args: str) -> None:
    """Run systemctl; raises RuntimeError with what it said."""
    done = subprocess.run(
        ["systemctl", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        said = " ".join(done.stdout.decode(errors="replace").split())
        raise RuntimeError(f"systemctl {' '.join(args)} failed: {said}")


def quietly(*args: str) -> None:
    """Run systemctl where its failure does not matter."""
    subprocess.run(["systemctl", *args], capture_output=True, check=False)


def _process_generation(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            variables = stream.read().split(b"\0")
    except OSError:
        return ""
    prefix = GENERATION_VARIABLE.encode() + b"="
    return next((v[len(prefix) :].decode() for v in variables if v.startswith(prefix)), "")


def status(unit: str) -> Status:
    """Ask systemd for the unit and the kernel for its main process."""
    names = "ActiveState,SubState,Result,ExecMainStatus,MainPID"
    done = subprocess.run(
        ["systemctl", "show", unit, "--property", names],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"systemd does not answer on this host: {said}")
    shown = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
    pid = int(shown.get("MainPID") or 0)
    return Status(
        active=shown.get("ActiveState", ""),
        sub=shown.get("SubState", ""),
        result=shown.get("Result", ""),
        exit_status=shown.get("ExecMainStatus", ""),
        pid=pid,
        generation=_process_generation(pid) if pid else "",
    )


def journal(unit: str, since: float, lines: int = 15) -> list[str]:
    """The program's own last log lines since a Unix time; empty where there is no journal."""
    if shutil.which("journalctl") is None:
        return []
    # What a program said just before it ended may still be on its way.
    subprocess.run(["journalctl", "--sync"], capture_output=True, check=False)
    command = ["journalctl", f"_SYSTEMD_UNIT={unit}", f"--since=@{since:.6f}", f"--lines={lines}"]
    done = subprocess.run(
        [*command, "--output=cat", "--no-pager", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
