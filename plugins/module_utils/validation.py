# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let the program check its own flags and configuration, on copies, before anything is staged."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.files import File, about

_CHECK_SECONDS = 120
# Memory: a full disk does not matter to a check, and no secret reaches the disk.
_FOLDER = "/run"


def _identity(user: str) -> dict[str, Any]:
    """Run the check as the daemon's user; before that user exists, as root."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return {}
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _give(folder: str, uid: int, gid: int) -> None:
    for directory, _names, names in os.walk(folder):
        for path in [directory, *(os.path.join(directory, name) for name in names)]:
            os.chown(path, uid, gid)


class _Copies:
    """Copies of files in a folder of their own, and the words that lead a command to them."""

    def __init__(self, files: Sequence[File], *, config_dir: str, folder: str) -> None:
        self.files = [file for file in files if file.block is None]
        self.config_dir = config_dir
        self.inside = self._path(config_dir, folder)
        self._mention = re.compile(re.escape(config_dir) + r"(?![\w.-])")
        self.by_path = {file.path: self._path(file.path, folder) for file in self.files}

    @staticmethod
    def _path(path: str, folder: str) -> str:
        return os.path.join(folder, os.path.relpath(path, "/"))

    def redirected(self, text: str) -> str:
        """The text with every mention of the config dir led to the copies."""
        return self._mention.sub(self.inside, text)

    def original(self, text: str) -> str:
        """What a check said, about the files as they will be."""
        for path, copy in self.by_path.items():
            text = text.replace(copy, path)
        return text.replace(self.inside, self.config_dir)

    def write(self) -> None:
        """Bring the copies to the disk."""
        for file in self.files:
            copy = self.by_path[file.path]
            os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
            with about(copy), open(copy, "w", encoding="utf-8", errors="surrogateescape") as stream:
                os.fchmod(stream.fileno(), file.mode)
                stream.write(self.redirected(file.content))


def _command(
    declared: Sequence[str], copies: _Copies, program: str, args: Sequence[str], path: str = ""
) -> list[str]:
    words: list[str] = []
    for word in declared:
        words.extend(args if word == "{args}" else [word])
    return [
        copies.redirected(word)
        .replace("{program}", program)
        .replace("{folder}", os.path.dirname(program))
        .replace("{path}", path)
        for word in words
    ]


def _run(command: Sequence[str], folder: str, identity: Mapping[str, Any]) -> tuple[int, str]:
    """Run a check; its status and what it said."""
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
        return -1, f"'{command[0]}' did not end within {_CHECK_SECONDS} s"
    except OSError as error:
        return -1, f"'{command[0]}' cannot be run: {error.strerror}"
    return done.returncode, done.stdout.decode(errors="replace").strip()


def check(
    files: Sequence[File],
    *,
    config_dir: str,
    program: str,
    args: Sequence[str],
    user: str,
    check_args: Sequence[str] = (),
) -> str:
    """Run ``check_args`` and each file's ``validate`` command; '' or the first complaint.

    The copies lie in a folder of their own, and every mention of ``config_dir`` in them and in the
    commands points there, so that files which include each other are checked together.
    """
    checked = [file for file in files if file.validate and file.block is None]
    commands = [
        *([("the flags were refused by their check", check_args, "")] if check_args else []),
        *((f"{file.path} was refused by its check", file.validate, file.path) for file in checked),
    ]
    if not commands:
        return ""
    identity = _identity(user)
    folder = tempfile.mkdtemp(prefix="meridian-check-", dir=_FOLDER)
    try:
        copies = _Copies(files, config_dir=config_dir, folder=folder)
        copies.write()
        if identity:
            _give(folder, identity["user"], identity["group"])
        for refused, declared, path in commands:
            copy = copies.by_path.get(path, "")
            code, said = _run(_command(declared, copies, program, args, copy), folder, identity)
            if code:
                lines = "\n".join(copies.original(said).splitlines()[-10:])
                return f"{refused} (status {code}):\n{lines}"
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)
