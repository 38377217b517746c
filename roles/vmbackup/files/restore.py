# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a backup back as this host's storage; run as the storage's user, the storage stopped.

restore.py SETTINGS check     whether the backup that is asked for can be restored; changes nothing
restore.py SETTINGS restore   restore it beside the data, compare it with its manifest, and only
                              then put it in the place of the data
restore.py SETTINGS verify    compare what the running storage answers with the manifest of what was
                              restored last
restore.py SETTINGS discard   remove what a restore replaced

Each prints what it found as JSON. A restore that was interrupted while it changed places is
finished by the next one; until then the storage refuses to start.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backup import alone
from counting import (
    count,
    days_of,
    differences,
    months,
    part_differences,
    parts_of,
    serving_copy,
    serving_storage,
)
from destination import (
    DAY,
    Failure,
    Settings,
    choose,
    date_of,
    read_manifests,
    read_settings,
    run,
    slot_url,
)

# The storage does not start where this file is; vmrestore uses it in the same way.
_LOCK = "restore-in-progress"
_OWN = {"vmbackup", "flock.lock", _LOCK, "lost+found"}
_ALWAYS = 100 * 365 * DAY


def find(settings: Settings, asked: argparse.Namespace) -> dict[str, Any]:
    """The manifest of the backup that is asked for; raises Failure."""
    host = asked.source_host or settings.host
    place = f"{settings.destination.rstrip('/')}/{host}"
    manifest = choose(read_manifests(settings, host), asked.backup, place)
    if manifest["storage"] != settings.storage:
        raise Failure(
            f"the backup in {place} is of a {manifest['storage']}, and this host has a "
            f"{settings.storage}; their backups do not fit each other"
        )
    return manifest


def check(settings: Settings, asked: argparse.Namespace) -> dict[str, Any]:
    """Find the backup and refuse what must not or cannot be replaced."""
    manifest = find(settings, asked)
    if _swap_file(settings).exists():
        return manifest  # everything is there, only the change of places has to be finished
    held = months(settings.data)
    if held and not asked.replace:
        raise Failure(
            f"{settings.data} holds samples of {', '.join(held)}; a restore would replace them. "
            "Set restore_replace=true if that is wanted"
        )
    free = shutil.disk_usage(settings.data).free
    if free < manifest["bytes"] * 1.05:
        raise Failure(
            f"the backup has {manifest['bytes']} bytes, and the disk of {settings.data} only "
            f"{free} free; make room: the data is kept until the restored one is proven"
        )
    return manifest


@contextmanager
def stopped(settings: Settings) -> Iterator[None]:
    """Hold the storage's own lock; raises Failure while the storage runs."""
    with (settings.data / "flock.lock").open("w", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(
                f"{settings.storage} runs on {settings.data}; stop it before the restore"
            ) from None
        yield


def restore(settings: Settings, asked: argparse.Namespace) -> dict[str, Any]:
    """Restore beside the data, prove it, swap."""
    manifest = check(settings, asked)
    with alone(settings), stopped(settings):
        if not _swap_file(settings).exists():
            folder = _restored(settings)
            shutil.rmtree(folder, ignore_errors=True)
            source = slot_url(settings, manifest["slot"], "backup", asked.source_host)
            run(settings, "restore", src=source, storageDataPath=folder)
            manifest = {**manifest, "restored_days": prove(settings, folder, manifest)}
            _write_json(_restored_file(settings), manifest)
            into = f"replaced-{int(time.time())}"
            _write_json(_swap_file(settings), {"phase": "out", "into": into})
        swap(settings)
    return last_restored(settings)


def last_restored(settings: Settings) -> dict[str, Any]:
    """The manifest of what was restored last; raises Failure."""
    path = _restored_file(settings)
    if not path.exists():
        raise Failure(f"nothing was restored to {settings.data} yet")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def prove(settings: Settings, folder: Path, manifest: Mapping[str, Any]) -> dict[str, int]:
    """Count a restored folder; raises Failure that lists each part and day that is not the same."""
    with serving_copy(settings, folder) as base:
        found = count(base, _days(folder, manifest))
    wrong = part_differences(manifest["parts"], parts_of(folder))
    wanted = {day: manifest["days"].get(day, 0) for day in manifest["counted"]}
    wrong += differences(wanted, {day: found.get(day, 0) for day in wanted}, more_is_fine=False)
    if wrong:
        raise Failure(
            "the restored samples are not those of the backup, so nothing was replaced: "
            + "; ".join(wrong)
        )
    return found


def _days(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """The days that the manifest knows the samples of, and those between them."""
    known = {*manifest["days"], *manifest["counted"]}
    there = days_of(folder, manifest["time"], _ALWAYS)
    between = {day for day in there if min(known, default="") <= day <= max(known, default="")}
    return sorted((known | between) - set(manifest["days_to_count"]))


def _restored(settings: Settings) -> Path:
    return settings.work / "restored"


def _restored_file(settings: Settings) -> Path:
    return settings.work / "restored.json"


def _swap_file(settings: Settings) -> Path:
    return settings.work / "swap.json"


def _write_json(path: Path, value: Any) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        json.dump(value, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def swap(settings: Settings) -> None:
    """Put the restored folder in the place of the data, one rename after another.

    The storage refuses to start in between. The file that says how far it is lets another run
    finish it, wherever this one was interrupted.
    """
    state = json.loads(_swap_file(settings).read_text(encoding="utf-8"))
    lock = settings.data / _LOCK
    replaced = settings.work / state["into"]
    lock.touch()
    replaced.mkdir(mode=0o700, exist_ok=True)
    if state["phase"] == "out":
        _move_all(settings.data, replaced)
        _write_json(_swap_file(settings), {**state, "phase": "in"})
    _move_all(_restored(settings), settings.data)
    lock.unlink()
    _swap_file(settings).unlink()
    shutil.rmtree(_restored(settings))


def _move_all(source: Path, target: Path) -> None:
    for path in sorted(source.iterdir()):
        if path.name not in _OWN:
            path.rename(target / path.name)


def verify(settings: Settings, _asked: argparse.Namespace) -> dict[str, Any]:
    """Compare the running storage with the manifest; it may have taken more samples since."""
    manifest = last_restored(settings)
    with serving_storage(settings) as base:
        found = count(base, sorted(manifest["restored_days"]))
    wrong = differences(manifest["restored_days"], found, more_is_fine=True)
    return {**manifest, "answered_days": found, "differences": wrong}


def discard(settings: Settings, _asked: argparse.Namespace) -> dict[str, Any]:
    """Remove the folders that restores have replaced."""
    folders = sorted(settings.work.glob("replaced-*"))
    for folder in folders:
        shutil.rmtree(folder)
    return {"discarded": [folder.name for folder in folders]}


ACTIONS = {"check": check, "restore": restore, "verify": verify, "discard": discard}


def main(arguments: list[str]) -> int:
    """Carry out one action and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings")
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--backup", default="latest", help="latest, or a day such as 2026-11-21")
    parser.add_argument("--source-host", default="", help="whose backup; this host's by default")
    parser.add_argument("--replace", action="store_true", help="replace samples that are there")
    asked = parser.parse_args(arguments)
    try:
        settings = read_settings(asked.settings)
        found = ACTIONS[asked.action](settings, asked)
    except (Failure, OSError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    if "time" in found:
        found["date"] = date_of(found["time"])
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
