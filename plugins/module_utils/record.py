# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the host remembers of a daemon: what is owed to it, and the last state that served.

Two JSON files in ``/var/lib/meridian/<name>/``, readable by root only. ``record.json`` is written
before and after each change, so that an interrupted run is seen by the next one; ``good.json``
holds unit and files of the last generation that became ready, for the way back.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.files import (
    Write,
    about,
    write_all,
)

RECORDS = "/var/lib/meridian"

EMPTY: dict[str, Any] = {
    "pending": "none",  # what the running process is owed: none, reload or restart
    "reload_hash": "",  # the reloadable files as the process last read them
    "files": [],  # [path, block] of each managed file
    "root": "",  # version folder of the program
    "previous_root": "",  # version folder that a rollback needs
    "packages": [],  # packages that this daemon made the host install
    "package_units": [],  # their own units, masked for this daemon
    "gate": {},  # what held before the last change and is not yet known to hold again
    "salt": "",  # makes generations say nothing of secrets
}


def _path(name: str, file: str) -> str:
    return os.path.join(RECORDS, name, file)


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            value: dict[str, Any] = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError:
        raise ValueError(f"{path} is damaged; delete it and run again") from None
    return value


def _write(path: str, value: dict[str, Any]) -> None:
    with about(path):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    data = json.dumps(value, indent=1, sort_keys=True).encode()
    # /var/lib has one security context for all; there is none to restore.
    write_all([Write(path, data, 0o600)], label=lambda _path: None)


def load(name: str) -> dict[str, Any]:
    """The daemon's record, an empty one where there is none."""
    return {**EMPTY, **(_read(_path(name, "record.json")) or {})}


def save(name: str, record: dict[str, Any]) -> None:
    """Write the record in one step."""
    _write(_path(name, "record.json"), record)


def load_good(name: str) -> dict[str, Any] | None:
    """The last state that served, None before the first."""
    return _read(_path(name, "good.json"))


def save_good(name: str, good: dict[str, Any]) -> None:
    """Remember a state that serves."""
    _write(_path(name, "good.json"), good)


def others(name: str) -> list[str]:
    """Names of the host's other daemons."""
    names = os.listdir(RECORDS) if os.path.isdir(RECORDS) else []
    return [other for other in names if other != name and os.path.isdir(_path(other, ""))]


def roots(name: str) -> set[str]:
    """The version folders that a daemon runs from, was staged from, or goes back to."""
    record, good = load(name), load_good(name) or {"root": ""}
    return {record["root"], record["previous_root"], good["root"]} - {""}
