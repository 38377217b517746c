"""Run Ansible's programs as a user does, on inventories whose hosts must not be contacted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
WRONG = ROOT / "tests" / "inventories" / "wrong"


@dataclass(frozen=True)
class Run:
    """What a run printed, its exit code, and whether it tried to reach a host."""

    output: str
    code: int
    contacted: bool


def run(program: str, arguments: list[str], place: Path) -> Run:
    """Run one of Ansible's programs with a trap in the place of ssh."""
    place.mkdir()
    trace = place / "contacted"
    trap = place / "ssh"
    trap.write_text(f'#!/bin/sh\necho "$@" >> {trace}\nexit 255\n', encoding="utf-8")
    trap.chmod(0o755)
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_EXECUTABLE": str(trap),
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return Run(done.stdout + done.stderr, done.returncode, trace.exists())
