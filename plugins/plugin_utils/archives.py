# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Release archives on the controller: find or download, verify, and cut out what a host needs.

The archive folder holds upstream's files under upstream's names. A checksum file whose upstream
name is the same in every release is kept as ``<archive>-<version>_<its name>``, for example
``prometheus-3.14.0_sha256sums.txt``; a mirror uses the names of the folder. ``.payloads/`` in the
folder is a cache and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .downloads import DownloadError, discard, download, read_text
from .releases import Archive
from .unpacking import UnpackError, repack

ARCHITECTURES: Mapping[str, str] = {"aarch64": "arm64", "x86_64": "amd64"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~-]*")


class ArchiveError(ValueError):
    """An archive cannot be had, cannot be trusted, or does not hold what is wanted."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A ``.tar.gz`` ready for a host, and the SHA-256 of each file in it by relative path."""

    path: Path
    archive_sha256: str
    files: Mapping[str, str]


def arch_of(machine: str) -> str:
    """Return the release architecture of a machine type as ``uname -m`` prints it."""
    try:
        return ARCHITECTURES[machine]
    except KeyError:
        known = ", ".join(f"{key} ({value})" for key, value in ARCHITECTURES.items())
        raise ArchiveError(
            f"machine type '{machine}' has no release architecture; supported: {known}"
        ) from None


def obtain(
    archive: Archive,
    member: str | None,
    *,
    version: str,
    arch: str,
    archive_dir: Path,
    mirror: str | None,
    sha256: str | None = None,
    timeout: float = 30.0,
) -> Payload:
    """Return the payload with ``member`` (``None``: the whole tree) of a verified archive.

    The archive comes from ``archive_dir``, else is downloaded into it from ``mirror`` or the
    vendor. ``sha256`` (else the archive's own for ``arch``) replaces the release's checksum file.
    ``timeout`` is the longest silence of the network in seconds. Raises ``ArchiveError``.
    """
    wanted = _resolve(archive, member, version=version, arch=arch, mirror=mirror, sha256=sha256)
    folder = archive_dir.expanduser()
    cache = folder / ".payloads" / wanted.file
    try:
        known = wanted.pinned or _checksum_in_folder(wanted, folder)
        ready = _cached(wanted, folder, cache, known) if known else None
        if ready:
            return ready
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "lock"):
            return _obtain_locked(wanted, folder, cache, timeout)
    except OSError as error:
        raise ArchiveError(
            f"archive folder '{folder}' cannot be used: {error.strerror or error}"
            f" ({error.filename or wanted.file}); free or permit it, or set meridian_archive_dir"
        ) from error


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One archive of one release with every placeholder filled in."""

    file: str
    member: str | None
    url: str
    checksums: str  # its name in the folder
    checksums_url: str
    pinned: str | None


def _resolve(
    archive: Archive,
    member: str | None,
    *,
    version: str,
    arch: str,
    mirror: str | None,
    sha256: str | None,
) -> _Wanted:
    if arch not in archive.architectures:
        raise ArchiveError(
            f"{archive.name} has no release for architecture '{arch}'; "
            f"it has: {', '.join(archive.architectures)}"
        )
    if not _VERSION.fullmatch(version):
        raise ArchiveError(
            f"version '{version}' of {archive.name} is not a version; "
            f"write it as in {archive.version}"
        )

    def fill(template: str, file: str = "") -> str:
        values = {"version": version, "arch": arch, "file": file}
        return re.sub(r"\{(version|arch|file)\}", lambda match: values[match[1]], template)

    file, upstream_checksums = fill(archive.file), fill(archive.checksums)
    checksums = upstream_checksums
    if version not in upstream_checksums:
        checksums = f"{archive.name}-{version}_{upstream_checksums}"
    pinned = sha256 or archive.sha256.get(arch)
    if pinned and not _SHA256.fullmatch(pinned.lower()):
        raise ArchiveError(f"SHA-256 '{pinned}' of {file} is not 64 hexadecimal digits")
    return _Wanted(
        file=_plain_name(file),
        member=member,
        url=_mirrored(mirror, file) if mirror else fill(archive.url, file),
        checksums=_plain_name(checksums),
        checksums_url=(
            _mirrored(mirror, checksums) if mirror else fill(archive.url, upstream_checksums)
        ),
        pinned=pinned.lower() if pinned else None,
    )


def _plain_name(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise ArchiveError(f"archive file name '{name}' must be a plain file name")
    return name


def _mirrored(mirror: str, file: str) -> str:
    parts = urllib.parse.urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArchiveError(f"mirror '{mirror}' must be a URL that starts with http:// or https://")
    if "@" in parts.netloc:
        raise ArchiveError(f"mirror '{parts.hostname}': a URL with a password is not supported")
    return f"{mirror.rstrip('/')}/{urllib.parse.quote(file)}"


def _obtain_locked(wanted: _Wanted, folder: Path, cache: Path, timeout: float) -> Payload:
    path = folder / wanted.file
    present = path.exists()
    expected = wanted.pinned or _checksum_in_folder(wanted, folder)
    if expected is None:
        expected = _checksum_from_release(wanted, folder, timeout, present=present)
    if not present:
        _download(wanted, path, expected, timeout)
    ready = _cached(wanted, folder, cache, expected)
    if ready:
        return ready
    with path.open("rb") as file:
        if (actual := _sha256(file)) != expected:
            raise ArchiveError(
                f"'{path}' has the SHA-256 {actual}, but {_source(wanted)} {expected}; "
                f"delete it to download it again, or put the release's own file there"
            )
        file.seek(0)
        return _build(wanted, file, cache, expected)


def _source(wanted: _Wanted) -> str:
    return "the pinned one is" if wanted.pinned else f"{wanted.checksums} says"


def _checksum_in_folder(wanted: _Wanted, folder: Path) -> str | None:
    """Return what the checksum file in the folder says of the archive, ``None`` without one."""
    try:
        text = (folder / wanted.checksums).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    found = _checksum_line(text, wanted.file)
    if found is None:
        raise ArchiveError(
            f"'{folder / wanted.checksums}' has no SHA-256 for {wanted.file}; "
            f"delete it to download it again, or put the release's own file there"
        )
    return found


def _checksum_from_release(wanted: _Wanted, folder: Path, timeout: float, *, present: bool) -> str:
    reason = ""
    try:
        text = read_text(wanted.checksums_url, timeout=timeout)
        found = _checksum_line(text, wanted.file)
        reason = f"it has no SHA-256 for {wanted.file}"
    except DownloadError as error:
        found, reason = None, str(error)
    if found is not None:
        with _replacing(folder / wanted.checksums) as file:
            file.write(text.encode())
        return found
    if present:
        raise ArchiveError(
            f"no checksum for '{folder / wanted.file}': {wanted.checksums} is not beside it and "
            f"{wanted.checksums_url} cannot be used: {reason}; "
            f"put that file into the folder, or pin the archive's SHA-256"
        )
    raise ArchiveError(
        f"{wanted.file} is not in '{folder}' and not downloaded from {wanted.url}, because its "
        f"checksum file {wanted.checksums_url} cannot be used: {reason}; "
        f"put {wanted.file} and {wanted.checksums} into the folder, "
        f"or set meridian_mirror to a URL that serves both"
    )


def _checksum_line(text: str, file: str) -> str | None:
    """Find the SHA-256 of ``file`` in the output of sha256sum, or a file that holds it alone."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    for words in lines:
        named = len(words) == 2 and words[1].removeprefix("*").removeprefix("./") == file
        if (named or len(words) == len(lines) == 1) and _SHA256.fullmatch(words[0].lower()):
            return words[0].lower()
    return None


def _download(wanted: _Wanted, path: Path, expected: str, timeout: float) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        download(wanted.url, part, timeout=timeout)
    except DownloadError as error:
        raise ArchiveError(
            f"{wanted.file} is not in '{path.parent}' and cannot be downloaded from "
            f"{wanted.url}: {error}; put it into the folder, "
            f"or set meridian_mirror to a URL that serves it"
        ) from error
    with part.open("rb") as file:
        actual = _sha256(file)
    if actual != expected:
        discard(part)
        raise ArchiveError(
            f"the download of {wanted.url} has the SHA-256 {actual}, but {_source(wanted)} "
            f"{expected}; it was discarded"
        )
    part.rename(path)


def _cached(wanted: _Wanted, folder: Path, cache: Path, expected: str) -> Payload | None:
    """Return the payload if it was made from exactly the archive that is in the folder."""
    path, record = _cache_paths(wanted, cache, expected)
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        made = json.loads(record.read_text(encoding="utf-8"))
        same_archive = made["archive"] == _identity((folder / wanted.file).stat())
        if same_archive and made["payload_bytes"] == path.stat().st_size:
            return Payload(path, expected, made["files"])
    return None


def _build(wanted: _Wanted, file: IO[bytes], cache: Path, archive_sha256: str) -> Payload:
    path, record = _cache_paths(wanted, cache, archive_sha256)
    try:
        with _replacing(path) as packed:
            files = repack(file, wanted.member, packed)
    except UnpackError as error:
        raise ArchiveError(f"'{file.name}' {error}") from error
    made = {
        "archive": _identity(os.fstat(file.fileno())),
        "payload_bytes": path.stat().st_size,
        "files": files,
    }
    with _replacing(record) as written:
        written.write(json.dumps(made).encode())
    return Payload(path, archive_sha256, files)


def _cache_paths(wanted: _Wanted, cache: Path, archive_sha256: str) -> tuple[Path, Path]:
    # "+" cannot come from a quoted member name.
    part = "+tree" if wanted.member is None else urllib.parse.quote(wanted.member, safe="")
    stem = f"{archive_sha256[:16]}-{part}"
    return cache / f"{stem}.tar.gz", cache / f"{stem}.json"


def _identity(status: os.stat_result) -> list[int]:
    """Return what changes whenever a file's content does, so that it need not be read again."""
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that appears under its name only when it is complete."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
