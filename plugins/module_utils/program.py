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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Optional

PROGRAMS = "/opt/meridian"
_MANIFEST = ".manifest.json"
_UNITS = "/etc/systemd/system"


def sha256_of(path: str) -> str:
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
        return found[-1] == recorded["fingerprint"][-1] and sha256_of(path) == recorded["sha256"]
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


def unpack(payload: str, files: Mapping[str, str], near: str) -> str:
    """Unpack a payload into a new folder beside ``near`` and verify it; the folder's path.

    Raises ValueError when a file is not what the controller sent.
    """
    import tarfile  # noqa: PLC0415 - only a run that brings a program needs it

    parent = os.path.dirname(near)
    os.makedirs(parent, mode=0o755, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=".unpack-", dir=parent)
    try:
        os.chmod(folder, 0o755)
        with tarfile.open(payload, "r:gz") as archive:
            for member in archive:
                if member.name not in files or not (member.isfile() or member.issym()):
                    raise ValueError(
                        f"the transferred archive holds '{member.name}', which was not sent"
                    )
                target = os.path.join(folder, member.name)
                os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
                if member.issym():
                    os.symlink(member.linkname, target)
                    continue
                source = archive.extractfile(member)
                assert source is not None
                with open(target, "wb") as stream:
                    shutil.copyfileobj(source, stream, 1 << 20)
                    os.fchmod(stream.fileno(), 0o755 if member.mode & 0o111 else 0o644)
                    stream.flush()
                    os.fsync(stream.fileno())
        for name, sha256 in files.items():
            target = os.path.join(folder, name)
            if not os.path.lexists(target) or (
                not os.path.islink(target) and sha256_of(target) != sha256
            ):
                raise ValueError(f"'{name}' was damaged on its way to this host; run again")
        return folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def install(
    folder: str,
    root: str,
    files: Mapping[str, str],
    archive_sha256: str,
    label: Callable[[str], Any],
) -> None:
    """Move an unpacked folder's files to their place in ``root``, each in one step."""
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
    shutil.rmtree(folder, ignore_errors=True)


def prune(root: str, keep: Iterable[str]) -> list[str]:
    """Remove the versions beside ``root`` that no daemon runs or goes back to."""
    parent, kept = os.path.dirname(root), set(keep)
    removed = []
    for name in sorted(os.listdir(parent)) if os.path.isdir(parent) else []:
        folder = os.path.join(parent, name)
        if os.path.isdir(folder) and folder not in kept:
            shutil.rmtree(folder)
            removed.append(folder)
    if os.path.isdir(parent) and not os.listdir(parent):
        os.rmdir(parent)
    return removed


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
    shown = subprocess.run(
        [
            "dpkg-query",
            "--show",
            "--showformat=${Package} ${db:Status-Status} ${Version}\n",
            *names,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    rows = [line.split() for line in shown.stdout.decode().splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and row[1] == "installed"}


def unmasked(units: Sequence[str]) -> list[str]:
    """Those of a package's own units that could still start."""
    return [unit for unit in units if os.path.realpath(os.path.join(_UNITS, unit)) != "/dev/null"]


def install_packages(names: Sequence[str], version: str, units: Sequence[str]) -> None:
    """Install packages, their own units masked before: ours run instead."""
    os.makedirs(_UNITS, exist_ok=True)
    for unit in unmasked(units):
        path = os.path.join(_UNITS, unit)
        subprocess.run(["systemctl", "stop", unit], capture_output=True, check=False)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink("/dev/null", path)
    subprocess.run(["systemctl", "daemon-reload"], capture_output=True, check=False)
    wanted = [f"{name}={version}" if version and i == 0 else name for i, name in enumerate(names)]
    _apt("install", *wanted)


def remove_packages(names: Sequence[str], units: Sequence[str]) -> None:
    """Remove packages, then the masks of their units."""
    _apt("remove", *names)
    for unit in units:
        path = os.path.join(_UNITS, unit)
        if os.path.realpath(path) == "/dev/null":
            os.unlink(path)


def copy_to_version_folder(source: str, near: str) -> tuple[str, dict[str, str]]:
    """Copy a package's program into a new folder beside ``near``; that folder and its files."""
    if not os.path.isfile(source):
        raise RuntimeError(f"the installed packages hold no program {source}")
    parent = os.path.dirname(near)
    os.makedirs(parent, mode=0o755, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=".unpack-", dir=parent)
    os.chmod(folder, 0o755)
    target = os.path.join(folder, os.path.basename(source))
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)
    return folder, {os.path.basename(source): sha256_of(target)}
