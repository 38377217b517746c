# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up this host's storage: the hourly backup, and the daily one when this day has none yet.

backup.py SETTINGS    SETTINGS is settings.json of the role; metrics go to vmbackup/metrics.prom
                      in the storage's folder

One snapshot serves both. The samples of each day are counted in it, so that a restore can be
checked against what the backup really held.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from counting import (
    count,
    days_of,
    parts_of,
    retention_seconds,
    serving_copy,
    touched_days,
)
from destination import (
    DAY,
    Failure,
    Settings,
    Sizes,
    daily_slot,
    date_of,
    hourly_slot,
    read_manifests,
    read_settings,
    write_backup,
    write_manifest,
)

KINDS = ("hourly", "daily")
# A storage that lost its data must not replace the backups of what it held.
_FEWEST = 0.5
_LOOKED_AT_DAYS = 3
_HELP = {
    "meridian_backup_last_run_timestamp_seconds": "When the last backup began.",
    "meridian_backup_last_run_success": "Whether the last backup ended well (1) or not (0).",
    "meridian_backup_last_success_timestamp_seconds": "Of when the last good backup is.",
    "meridian_backup_last_success_duration_seconds": "How long the last good backup took.",
    "meridian_backup_last_success_size_bytes": "How large the last good backup is.",
    "meridian_backup_last_success_sent_bytes": "How much was sent for the last good backup.",
    "meridian_backup_last_success_samples": "How many samples the last good backup holds.",
    "meridian_backup_max_age_seconds": "How old the last good backup may become.",
}


def ask(settings: Settings, path: str, **parameters: str) -> dict[str, Any]:
    """Ask the storage for a snapshot's making or removal; raises Failure."""
    if settings.auth_key_file:
        key = Path(settings.auth_key_file).read_text(encoding="utf-8")
        parameters["authKey"] = key.strip()
    url = f"{settings.url}{path}"
    try:
        with urllib.request.urlopen(
            f"{url}?{urllib.parse.urlencode(parameters)}", timeout=600
        ) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failure(f"{url} answers {error.code}; see the log of {settings.storage}") from error
    except OSError as error:
        raise Failure(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
    if told.get("status") != "ok":
        raise Failure(f"{url} refuses: {told.get('msg', told)}")
    return told


@contextmanager
def snapshot_of(settings: Settings) -> Iterator[str]:
    """Name of a snapshot that is there for the block, without those that a dead run left."""
    kept = settings.work / "snapshot"
    if kept.exists():
        left = kept.read_text(encoding="utf-8")
        if left and (settings.data / "snapshots" / left).is_dir():
            ask(settings, "/snapshot/delete", snapshot=left)
    name = str(ask(settings, "/snapshot/create")["snapshot"])
    kept.write_text(name, encoding="utf-8")
    try:
        yield name
    finally:
        ask(settings, "/snapshot/delete", snapshot=name)
        kept.unlink()


def looked_at(newest: dict[str, Any]) -> str:
    """The first of the days by which a backup is compared with what the storage has now."""
    return date_of(newest["time"] - (_LOOKED_AT_DAYS - 1) * DAY)


def refuse_loss(settings: Settings, newest: dict[str, Any], counted: dict[str, int]) -> None:
    """Raise Failure when the storage lacks most of what its newest backup holds."""
    had = {day: n for day, n in newest["days"].items() if day >= looked_at(newest)}
    before, now = sum(had.values()), sum(counted.get(day, 0) for day in had)
    if now < _FEWEST * before and not settings.accept_fewer_samples:
        raise Failure(
            f"{settings.data} holds {now} samples of the days from {min(had)} to {max(had)}, and "
            f"its newest backup {before}; restore it with restore.yml, or set "
            "vmbackup_accept_fewer_samples if they were removed on purpose"
        )


class Backup:
    """One run: which slots it writes, and what they hold."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.manifests = read_manifests(settings)
        self.done: dict[str, dict[str, Any]] = {}

    def carry_out(self, kinds: list[str]) -> None:
        """Write the hourly slot, and the daily one if the day has none; `kinds` gets each begun.

        Days of which nothing came or went keep the number of the newest backup; those that are
        not recent are counted when the backup is safe.
        """
        settings, newest = self.settings, next(iter(self.manifests), None)
        now = int(time.time())
        with snapshot_of(settings) as snapshot:
            folder = settings.data / "snapshots" / snapshot
            days = days_of(folder, now, retention_seconds(settings))
            parts = parts_of(folder)
            before = newest or {"time": now, "days": {}, "parts": {}, "days_to_count": []}
            touched = touched_days(before["parts"], parts) | set(before["days_to_count"])
            held = {day: n for day, n in before["days"].items() if day in days}
            urgent = [day for day in days if day in touched and day >= looked_at(before)]
            rest = [day for day in days if day in touched and day not in urgent]
            counted = self._count(folder, urgent)
            fresh = {**{day: n for day, n in held.items() if day not in touched}, **counted}
            refuse_loss(settings, before, fresh)
            manifest: dict[str, Any] = {
                "format": 1,
                "host": settings.host,
                "storage": settings.storage,
                "version": storage_version(settings),
                "time": now,
                "parts": parts,
                "days": fresh,
                # Of the others the number is older, and a series may have been deleted since.
                "counted": urgent,
                "days_to_count": rest,
            }
            kinds.append("hourly")
            slot = hourly_slot(self.manifests)
            self._write("hourly", slot, snapshot, manifest, newest["slot"] if newest else "")
            daily = daily_slot(self.manifests, now, settings.keep_days)
            if daily:
                kinds.append("daily")
                self._write("daily", daily, snapshot, manifest, slot)
            if rest:
                manifest["days"].update(self._count(folder, rest))
                for done in self.done.values():
                    done.update(days=manifest["days"], days_to_count=[], counted=urgent + rest)
                    write_manifest(settings, done["slot"], done)

    def _count(self, folder: Path, days: list[str]) -> dict[str, int]:
        if not days:
            return {}
        with serving_copy(self.settings, folder) as base:
            return count(base, days)

    def _write(
        self, kind: str, slot: str, snapshot: str, manifest: dict[str, Any], origin: str
    ) -> None:
        started = time.time()
        held = {**manifest, "kind": kind, "slot": slot, "state": "complete"}
        write_manifest(self.settings, slot, {**held, "state": "writing"})
        sizes: Sizes = write_backup(self.settings, slot, snapshot, origin)
        held.update(bytes=sizes.total, bytes_sent=sizes.sent, seconds=time.time() - started)
        write_manifest(self.settings, slot, held)
        self.done[kind] = held
        print(f"{kind} backup in {slot}: {sizes.total} bytes, {sizes.sent} of them sent")


def storage_version(settings: Settings) -> str:
    """The storage's version, '' where its metrics are not open."""
    try:
        with urllib.request.urlopen(f"{settings.url}/metrics", timeout=60) as answer:
            text = answer.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line.startswith("vm_app_version{")]
    return lines[0].split('short_version="')[-1].split('"')[0] if lines else ""


def metrics_text(settings: Settings, values: dict[str, dict[str, float]]) -> str:
    """The page of metrics; `values` by metric and kind."""
    lines = []
    for name, text in _HELP.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{storage="{settings.storage}",kind="{kind}"}} {value:.15g}'
            for kind, value in values.get(name, {}).items()
        ]
    return "\n".join(lines) + "\n"


def known_metrics(text: str) -> dict[str, dict[str, float]]:
    """The values of a page of metrics, by metric and kind."""
    values: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        if not line.startswith("#") and 'kind="' in line:
            kind = line.split('kind="')[1].split('"')[0]
            values.setdefault(line.split("{")[0], {})[kind] = float(line.rsplit(" ", 1)[1])
    return values


def record(
    settings: Settings, kinds: list[str], done: dict[str, dict[str, Any]], began: float
) -> None:
    """Leave metrics of this run; what is known of earlier ones stays."""
    path = settings.work / "metrics.prom"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    values = known_metrics(before)
    # A run that got nowhere is a failed hourly backup.
    for kind in kinds or KINDS[:1]:
        of_kind = {
            "last_run_timestamp_seconds": began,
            "last_run_success": float(kind in done),
        }
        if kind in done:
            held = done[kind]
            of_kind.update(
                last_success_timestamp_seconds=held["time"],
                last_success_duration_seconds=held["seconds"],
                last_success_size_bytes=held["bytes"],
                last_success_sent_bytes=held["bytes_sent"],
                last_success_samples=sum(held["days"].values()),
            )
        for name, value in of_kind.items():
            values.setdefault(f"meridian_backup_{name}", {})[kind] = value
    values["meridian_backup_max_age_seconds"] = dict(settings.max_age_seconds)
    path.with_suffix(".new").write_text(metrics_text(settings, values), encoding="utf-8")
    path.with_suffix(".new").replace(path)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep other backups and restores of this host away; raises Failure when there is one."""
    settings.work.mkdir(mode=0o700, exist_ok=True)
    with (settings.work / "lock").open("w", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure("another backup or restore runs on this host; wait for its end") from None
        yield


def main(path: str) -> int:
    """Carry out a run and return its exit status."""
    settings = read_settings(path)
    began = time.time()
    kinds: list[str] = []
    done: dict[str, dict[str, Any]] = {}
    try:
        with alone(settings):
            try:
                backup = Backup(settings)
                done = backup.done
                backup.carry_out(kinds)
            finally:
                record(settings, kinds, done, began)
    except (Failure, OSError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1]))
