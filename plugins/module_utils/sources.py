# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a daemon's program is on this host, or what is missing to run it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.meridian.metrics.plugins.module_utils import (
    program as programs,
)
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import (
    Failure,
    digest_of,
)
from ansible_collections.meridian.metrics.plugins.module_utils.files import File


class Needs(Exception):
    """The program is not on this host; the controller has to bring it."""


class Program(NamedTuple):
    """The program to run. ``folder`` holds it unpacked when it is not yet in its place ``root``."""

    path: str
    sha256: str
    version: str
    root: str = ""
    folder: str = ""
    files: Mapping[str, str] = {}
    archive_sha256: str = ""

    @property
    def path_for_checks(self) -> str:
        """Where it can be run before it is in its place."""
        if not self.folder:
            return self.path
        return os.path.join(self.folder, os.path.relpath(self.path, self.root))


def from_files(
    params: Mapping[str, Any], files: Sequence[File], version: str, *, check_mode: bool
) -> Program:
    """A program that is one of the daemon's own files, or already on the host."""
    path = params["program"]
    own = next((file for file in files if file.path == path), None)
    if own is not None:
        return Program(path, digest_of(own.content), version)
    if not os.path.isfile(path) and not check_mode:
        raise Failure(f"the program {path} is neither on this host nor among its files")
    return Program(path, programs.sha256_of(path) if os.path.isfile(path) else "", version)


def from_archive(params: Mapping[str, Any], *, check_mode: bool) -> Program:
    """A program of a release archive; raises Needs where the controller has to bring it."""
    archive = params["archive"]
    version = params["version"]
    root = os.path.join(programs.PROGRAMS, archive["name"], version)
    member = archive["program"]
    members = None if archive["tree"] else [member]
    path = os.path.join(root, member)
    payload = params["payload"]
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
    if programs.intact(root, members, (archive["sha256"] or {}).get(arch)):
        return Program(path, programs.digest(root, members), version, root)
    if payload:
        folder = programs.unpack(payload["path"], payload["files"], root)
        names = sorted(payload["files"])
        digest = digest_of([[name, payload["files"][name]] for name in names])
        return Program(
            path, digest, version, root, folder, payload["files"], payload["archive_sha256"]
        )
    if check_mode:
        return Program(path, "", version, root)
    raise Needs(path)


def from_package(params: Mapping[str, Any], version: str, *, check_mode: bool) -> Program:
    """A copy of an installed package's program, in a folder of that version."""
    package = params["package"]
    root = os.path.join(programs.PROGRAMS, f"{package['names'][0]}.deb", version or "unknown")
    member = os.path.basename(package["program"])
    path = os.path.join(root, member)
    if programs.intact(root, [member], None):
        return Program(path, programs.digest(root, [member]), version, root)
    if check_mode:
        return Program(path, "", version, root)
    folder, held = programs.copy_to_version_folder(package["program"], root)
    return Program(path, digest_of([[member, held[member]]]), version, root, folder, held)
