# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declared files: compare them with the disk, write them whole or not at all."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Callable, NamedTuple

HIDDEN = "(secret)"


class File(NamedTuple):
    """A file as it is to be; ``block`` makes ``content`` a managed block of an existing file."""

    path: str
    content: str
    mode: int
    owner: str
    group: str
    on_change: str
    secret: bool = False
    block: str | None = None
    validate: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells two declared files apart."""
        return f"{self.path}#{self.block}" if self.block else self.path


class Change(NamedTuple):
    """A file that differs, and its text before and after; both are one if its mode differs."""

    file: File
    before: str | None
    after: str


@contextmanager
def about(path: str) -> Iterator[None]:
    """Let an OSError name this path: a full disk names none, a temporary file means nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), path) from error


def read_text(path: str) -> str | None:
    """The file's text, None where there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _markers(name: str) -> tuple[str, str]:
    return f"# BEGIN meridian {name}", f"# END meridian {name}"


def with_block(text: str, name: str, content: str) -> str:
    """Put a managed block into a text, in its old place or at the end; '' takes it out."""
    begin, end = _markers(name)
    # Not splitlines: it also breaks at characters that are part of a line for everybody else.
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    block = [begin, *content.rstrip("\n").split("\n"), end] if content else []
    last = next((i for i, line in enumerate(lines) if line == end and begin in lines[:i]), None)
    if last is None:
        lines.extend(block)
    else:
        # The nearest one: what follows an orphaned marker is not ours.
        first = last - 1 - lines[:last][::-1].index(begin)
        lines[first : last + 1] = block
    return "".join(f"{line}\n" for line in lines)


def _wanted_text(file: File, current: str | None) -> str:
    if file.block is None:
        return file.content
    return with_block(current or "", file.block, file.content)


def ids_of(owner: str, group: str) -> tuple[int, int]:
    """The numbers of a user and a group; raises ValueError that names the missing one."""
    try:
        uid = pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise ValueError(f"this host has no user '{owner}'") from None
    try:
        return uid, grp.getgrnam(group).gr_gid
    except KeyError:
        raise ValueError(f"this host has no group '{group}'") from None


def _same_owner_and_mode(file: File) -> bool:
    found = os.stat(file.path)
    try:
        wanted = (*ids_of(file.owner, file.group), file.mode)
    except ValueError:
        return False
    return (found.st_uid, found.st_gid, found.st_mode & 0o7777) == wanted


def compare(file: File) -> Change | None:
    """The change that the file needs, None where the disk holds it as declared."""
    with about(file.path):
        current = read_text(file.path)
    wanted = _wanted_text(file, current)
    if file.block is not None and current is None and not file.content:
        return None
    if current == wanted and (file.block is not None or _same_owner_and_mode(file)):
        return None
    return Change(file, current, wanted)


def diff_of(change: Change) -> dict[str, str]:
    """One entry of Ansible's diff; a secret's text is never in it."""
    file = change.file
    if file.secret:
        return {
            "before_header": file.path,
            "after_header": file.path,
            "before": "" if change.before is None else f"{HIDDEN}\n",
            "after": f"{HIDDEN}, changed\n",
        }
    return {
        "before_header": file.path,
        "after_header": file.path,
        "before": change.before or "",
        "after": change.after,
    }


class Write(NamedTuple):
    """Bytes that are to become a file, with its numeric owner and its mode."""

    path: str
    data: bytes
    mode: int
    uid: int = 0
    gid: int = 0


def _write_temporary(write: Write) -> str:
    handle, temporary = tempfile.mkstemp(prefix=".meridian-", dir=os.path.dirname(write.path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(write.data)
            stream.flush()
            os.fchown(stream.fileno(), write.uid, write.gid)
            os.fchmod(stream.fileno(), write.mode)
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _replace(temporary: str, write: Write) -> None:
    try:
        os.replace(temporary, write.path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A bind mount (/etc/hosts in a container) cannot be replaced, only written in place.
        with open(write.path, "r+b") as stream:
            stream.write(write.data)
            stream.truncate()
            os.fsync(stream.fileno())


def write_all(writes: Sequence[Write], label: Callable[[str], Any]) -> None:
    """Replace files: all of them are on the disk before the first takes its place.

    Whoever opens one sees its old or its new text, and a disk that runs full changes none.
    ``label`` restores the security context of a path.
    """
    ready: list[tuple[str, Write]] = []
    try:
        for write in writes:
            with about(write.path):
                os.makedirs(os.path.dirname(write.path), mode=0o755, exist_ok=True)
                ready.append((_write_temporary(write), write))
        for temporary, write in ready:
            with about(write.path):
                _replace(temporary, write)
            label(write.path)
    finally:
        for temporary, _write in ready:
            if os.path.exists(temporary):
                os.unlink(temporary)


def to_write(change: Change) -> Write:
    """What brings one changed file to the disk; a managed block keeps its file's owner and mode."""
    file = change.file
    data = change.after.encode("utf-8", errors="surrogateescape")
    if file.block is not None and change.before is not None:
        found = os.stat(file.path)
        return Write(file.path, data, found.st_mode & 0o7777, found.st_uid, found.st_gid)
    uid, gid = ids_of(file.owner, file.group)
    return Write(file.path, data, file.mode, uid, gid)


def remove(path: str, block: str | None, label: Callable[[str], Any]) -> bool:
    """Remove a file, or just a managed block from it; true where there was something."""
    with about(path):
        current = read_text(path)
        if current is None:
            return False
        if block is None:
            os.unlink(path)
            return True
    rest = with_block(current, block, "")
    if rest == current:
        return False
    found = os.stat(path)
    data = rest.encode("utf-8", errors="surrogateescape")
    write_all([Write(path, data, found.st_mode & 0o7777, found.st_uid, found.st_gid)], label)
    return True
