# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs on the host: each version in its own folder, so an upgrade is a change of the unit.

A folder ``/opt/meridian/<archive>/<version>/`` holds what was installed and, in ``.manifest.json``,
the SHA-256 of each file and of the archive it came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Callable

from ansible_collections.meridian.metrics.plugins.module_utils.files import about
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import quietly

PROGRAMS = "/opt/meridian"
_MANIFEST = ".manifest.json"
_UNPACKED = ".unpack-"
_UNITS = "/etc/systemd/system"


def sha256_of(path: str) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def _fingerprint(path: str) -> list[int]:
    """What changes with every write to a file: the kernel sets ctime, nobody can set it back."""
    found = os.lstat(path)
    return [found.st_size, found.st_ino, found.st_ctime_ns, found.st_mode & 0o7777]


def _unchanged(path: str, recorded: Mapping[str, Any]) -> bool:
    try:
        found = _fingerprint(path)
        if found == recorded["fingerprint"]:
            return True
        same_mode: bool = found[-1] == recorded["fingerprint"][-1]
        return same_mode and sha256_of(path) == str(recorded["sha256"])
    except OSError:
        return False


def read_manifest(root: str) -> dict[str, Any]:
    """The manifest of a version's folder, without entries where there is none."""
    try:
        with open(os.path.join(root, _MANIFEST), encoding="utf-8") as stream:
            manifest: dict[str, Any] = json.load(stream)
    except (OSError, ValueError):
        return {"archive_sha256": "", "files": {}}
    return manifest


def _write_manifest(root: str, archive_sha256: str, files: Mapping[str, Any]) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".meridian-", dir=root)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"archive_sha256": archive_sha256, "files": files}, stream)
        os.fchmod(stream.fileno(), 0o644)
    os.replace(temporary, os.path.join(root, _MANIFEST))


def intact(root: str, members: Sequence[str] | None, archive_sha256: str | None) -> bool:
    """Whether a folder holds these members (None: its whole tree) as they were installed.

    A file whose fingerprint is the recorded one is not read again; any other is hashed.
    """
    manifest = read_manifest(root)
    files = manifest["files"]
    if archive_sha256 and manifest["archive_sha256"] != archive_sha256:
        return False
    names = list(files) if members is None else list(members)
    return bool(names) and all(
        name in files and _unchanged(os.path.join(root, name), files[name]) for name in names
    )


def digest(root: str, members: Sequence[str] | None) -> str:
    """One SHA-256 over the installed members (None: the whole tree)."""
    files = read_manifest(root)["files"]
    names = sorted(files) if members is None else list(members)
    text = json.dumps([[name, files[name]["sha256"]] for name in names])
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def runnable(text: str) -> Iterator[str]:
    """The path of a copy of a script, where programs can be run: many a /run forbids it."""
    with _new_folder(os.path.join(PROGRAMS, "script")) as folder:
        path = os.path.join(folder, "script")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
        os.chmod(path, 0o755)
        yield path
        shutil.rmtree(folder)


@contextmanager
def _new_folder(near: str) -> Iterator[str]:
    """A new folder beside ``near``, removed when what fills it fails; OSErrors name ``near``."""
    parent = os.path.dirname(near)
    with about(near):
        os.makedirs(parent, mode=0o755, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=_UNPACKED, dir=parent)
        try:
            os.chmod(folder, 0o755)
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _write_program(source: IO[bytes], target: str, *, executable: bool) -> None:
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    with open(target, "wb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
        os.fchmod(stream.fileno(), 0o755 if executable else 0o644)
        stream.flush()
        os.fsync(stream.fileno())


def unpack(payload: str, files: Mapping[str, str], near: str) -> str:
    """Unpack a payload into a new folder beside ``near`` and verify it; the folder's path.

    Raises ValueError when a file is not what the controller sent.
    """
    import tarfile  # noqa: PLC0415 - only a run that brings a program needs it

    with _new_folder(near) as folder:
        with tarfile.open(payload, "r:gz") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.isfile() else None
                if member.name not in files or source is None:
                    raise ValueError(
                        f"'{member.name}' was transferred, but is no part of the program"
                    )
                target = os.path.join(folder, member.name)
                _write_program(source, target, executable=bool(member.mode & 0o111))
        for name, sha256 in files.items():
            target = os.path.join(folder, name)
            if not os.path.isfile(target) or sha256_of(target) != sha256:
                raise ValueError(f"'{name}' was damaged on its way to this host; run again")
        return folder


def install(
    folder: str,
    root: str,
    files: Mapping[str, str],
    archive_sha256: str,
    label: Callable[[str], Any],
) -> None:
    """Move an unpacked folder's files to their place in ``root``, each in one step."""
    with about(root):
        os.makedirs(root, mode=0o755, exist_ok=True)
        before = read_manifest(root)
        recorded = dict(before["files"]) if before["archive_sha256"] == archive_sha256 else {}
        for name in files:
            target = os.path.join(root, name)
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            os.replace(os.path.join(folder, name), target)
            label(target)
            recorded[name] = {"sha256": files[name], "fingerprint": _fingerprint(target)}
        _write_manifest(root, archive_sha256, recorded)


def prune(roots: Iterable[str], keep: Iterable[str]) -> None:
    """Remove the versions beside each of ``roots``, and these, that no daemon is to keep."""
    kept = set(keep)
    for parent in sorted({os.path.dirname(root) for root in roots}):
        for name in os.listdir(parent) if os.path.isdir(parent) else []:
            folder = os.path.join(parent, name)
            if os.path.isdir(folder) and folder not in kept:
                shutil.rmtree(folder)
        with suppress(OSError):  # not empty, or not there
            os.rmdir(parent)


# The distribution's packages


def _run_apt(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    command = [
        "apt-get",
        "--yes",
        "--no-install-recommends",
        "--allow-downgrades",
        "--option=Dpkg::Options::=--force-confold",
        "--option=DPkg::Lock::Timeout=300",
        *arguments,
    ]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        check=False,
    )


def _apt(*arguments: str) -> None:
    """Run apt-get, once more with fresh package lists; RuntimeError with its own error lines."""
    done = _run_apt(arguments)
    if done.returncode:
        _run_apt(["update"])
        done = _run_apt(arguments)
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        errors = [line for line in said if line.startswith("E:")] or said[-5:]
        raise RuntimeError(f"apt-get {' '.join(arguments)} failed: {' '.join(errors)}")


def package_versions(names: Sequence[str]) -> dict[str, str]:
    """Installed versions by package name; raises RuntimeError where there is no dpkg."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise RuntimeError(
            "source 'package' needs apt, which this host does not have; use source 'archive'"
        )
    form = "${Package} ${db:Status-Status} ${Version}\n"
    shown = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    rows = [line.split() for line in shown.stdout.decode().splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and row[1] == "installed"}


def unmasked(units: Sequence[str]) -> list[str]:
    """Those of a package's own units that could still start."""
    return [unit for unit in units if os.path.realpath(os.path.join(_UNITS, unit)) != "/dev/null"]


def mask(units: Sequence[str]) -> None:
    """Keep a package's own units from ever starting: ours run instead."""
    for unit in unmasked(units):
        path = os.path.join(_UNITS, unit)
        quietly("stop", unit)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink("/dev/null", path)
    quietly("daemon-reload")


def unmask(units: Sequence[str]) -> None:
    """Let a package's own units be what they were."""
    for unit in set(units) - set(unmasked(units)):
        os.unlink(os.path.join(_UNITS, unit))
    quietly("daemon-reload")


def install_packages(names: Sequence[str], version: str) -> dict[str, str]:
    """Install packages, the first in this version ('': any); their installed versions."""
    wanted = [f"{name}={version}" if version and i == 0 else name for i, name in enumerate(names)]
    _apt("install", *wanted)
    found = package_versions(names)
    for name in names:
        if name not in found:
            raise RuntimeError(
                f"apt-get installed no package '{name}'; write a real package's name"
            )
    return found


def remove_packages(names: Sequence[str]) -> None:
    """Remove packages, but for those that another package of this host needs by now."""
    for name in package_versions(names):
        simulated = _run_apt(["--simulate", "remove", name]).stdout.decode(errors="replace")
        removed = {line.split()[1] for line in simulated.splitlines() if line.startswith("Remv ")}
        if removed <= set(names):
            _apt("remove", name)


def copy_to_version_folder(source: str, near: str) -> tuple[str, dict[str, str]]:
    """Copy a package's program into a new folder beside ``near``; that folder and its files."""
    if not os.path.isfile(source):
        raise RuntimeError(f"the installed packages hold no program {source}")
    with _new_folder(near) as folder:
        target = os.path.join(folder, os.path.basename(source))
        with open(source, "rb") as stream:
            _write_program(stream, target, executable=True)
        return folder, {os.path.basename(source): sha256_of(target)}
