# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let the program itself check its configuration, on copies, before anything is staged."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.files import File

_CHECK_SECONDS = 120


def _identity(user: str) -> dict[str, Any]:
    """Run the check as the daemon's user; before that user exists, as root."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return {}
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def check(
    files: Sequence[File], *, config_dir: str, program: str, args: Sequence[str], user: str
) -> str:
    """Run each file's ``validate`` command; '' or the first complaint.

    The copies lie in a folder of their own, and every mention of ``config_dir`` in them and in the
    commands points there, so that files which include each other are checked together.
    """
    if not any(file.validate for file in files):
        return ""
    identity = _identity(user)
    folder = tempfile.mkdtemp(prefix="meridian-check-", dir="/run")
    try:
        copies = {}
        for file in files:
            if file.block is None:
                copies[file.key] = os.path.join(folder, os.path.relpath(file.path, "/"))
        inside = os.path.join(folder, os.path.relpath(config_dir, "/"))
        for file in files:
            if file.block is not None:
                continue
            copy = copies[file.key]
            os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
            with open(copy, "w", encoding="utf-8", errors="surrogateescape") as stream:
                os.fchmod(stream.fileno(), file.mode)
                stream.write(file.content.replace(config_dir, inside))
        if identity:
            for directory, _names, names in os.walk(folder):
                for path in [directory, *(os.path.join(directory, name) for name in names)]:
                    os.chown(path, identity["user"], identity["group"])
        for file in files:
            if not file.validate:
                continue
            words: list[str] = []
            for word in file.validate:
                words.extend(args if word == "{args}" else [word])
            command = [
                word.replace(config_dir, inside)
                .replace("{program}", program)
                .replace("{path}", copies[file.key])
                for word in words
            ]
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=_CHECK_SECONDS,
                    cwd=folder,
                    check=False,
                    **identity,
                )
            except subprocess.TimeoutExpired:
                return f"{file.path}: the check by '{command[0]}' did not end within {_CHECK_SECONDS} s"
            if done.returncode:
                said = done.stdout.decode(errors="replace").replace(inside, config_dir).strip()
                lines = "\n".join(said.splitlines()[-10:])
                return f"{file.path} was refused by its check (status {done.returncode}):\n{lines}"
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)
