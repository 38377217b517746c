# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where backups are kept: its slots, and the manifest that each of them carries.

A slot is `<destination>/<host>/<slot>`, with the backup itself in `backup` and, as a backup of its
own, one small file in `manifest`. So everything here is read and written by vmbackup and vmrestore
themselves, whatever they can reach. A slot's manifest says that it is being written before the
first byte of it changes, and that it is complete after the last.

vmbackup removes from a slot what its new content lacks, and takes from another slot what is there
already. That makes slots that are written by turns all the retention that is needed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HOURLY = ("hourly-0", "hourly-1")
DAY = 86400
# Any name that vmbackup takes for a snapshot's.
_SNAPSHOT = "20000101000000-0000000000000000"
_NO_BACKUP = "cannot find backup_complete.ignore"
_BYTES = re.compile(r"backed up (\d+) bytes.*uploaded (\d+) bytes")


class Failure(Exception):
    """What went wrong, in one line that names the place and the way out."""


class Sizes(NamedTuple):
    """Bytes of a backup, and how many of them were sent for it."""

    total: int
    sent: int


class Settings(NamedTuple):
    """What the role states in settings.json, and where it lies."""

    storage: str  # vmstorage or vmsingle
    host: str
    data: Path  # the storage's folder
    url: str  # of its HTTP server
    rpc: str  # where a vmselect asks it
    unit: Path  # its unit file
    destination: str
    programs: Mapping[str, str]  # backup, restore, select
    flags: Mapping[str, Any]  # of vmbackup and vmrestore
    environment: Mapping[str, str]
    auth_key_file: str
    keep_days: int
    max_age_seconds: Mapping[str, int]  # by kind
    accept_fewer_samples: bool

    @property
    def work(self) -> Path:
        """The folder for what a run needs on the way, on the file system of the data."""
        return self.data / "vmbackup"


def read_settings(path: str) -> Settings:
    """Read settings.json."""
    stated = json.loads(Path(path).read_text(encoding="utf-8"))
    stated["data"], stated["unit"] = Path(stated["data"]), Path(stated["unit"])
    # Older versions of Ansible make text of every templated value.
    stated["keep_days"] = int(stated["keep_days"])
    ages = stated["max_age_seconds"].items()
    stated["max_age_seconds"] = {kind: int(seconds) for kind, seconds in ages}
    stated["accept_fewer_samples"] = str(stated["accept_fewer_samples"]).lower() == "true"
    return Settings(**stated)


def run(settings: Settings, program: str, **flags: Any) -> str:
    """Run vmbackup or vmrestore and return what it logged; raises Failure with its last words."""
    stated = {**settings.flags, **flags, "httpListenAddr": "", "loggerFormat": "default"}
    words = [
        f"-{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in stated.items()
        if value is not None
    ]
    done = subprocess.run(
        [settings.programs[program], *words],
        env={**os.environ, **settings.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        lines = [line.split("\t")[-1] for line in said.splitlines() if "\tfatal\t" in line]
        last = (lines or said.strip().splitlines() or ["nothing was said"])[-1]
        raise Failure(f"vm{program} failed: {last}")
    return said


def slot_url(settings: Settings, slot: str, part: str, host: str = "") -> str:
    """URL of a slot's `backup` or `manifest`; of another host's backups with `host`."""
    base = settings.destination.rstrip("/")
    return f"{base}/{host or settings.host}/{slot}/{part}"


def slots(settings: Settings) -> list[str]:
    """Every slot, in no order of time."""
    return [*HOURLY, *(f"daily-{number}" for number in range(settings.keep_days))]


def read_manifest(settings: Settings, slot: str, host: str = "") -> dict[str, Any]:
    """The manifest of a slot, {} where it has none; raises Failure when it cannot be asked."""
    settings.work.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.work) as folder:
        source = slot_url(settings, slot, "manifest", host)
        try:
            run(settings, "restore", src=source, storageDataPath=folder)
        except Failure as failure:
            if _NO_BACKUP in str(failure):
                return {}
            raise
        files = list(Path(folder).glob("*.json"))
        if len(files) != 1:
            return {}
        manifest: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
    return manifest


def read_manifests(settings: Settings, host: str = "") -> list[dict[str, Any]]:
    """The manifests of all complete backups, the newest first."""
    found = [read_manifest(settings, slot, host) for slot in slots(settings)]
    complete = [manifest for manifest in found if manifest.get("state") == "complete"]
    return sorted(complete, key=lambda manifest: (manifest["time"], manifest["kind"]), reverse=True)


def write_manifest(settings: Settings, slot: str, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest of a slot."""
    settings.work.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.work) as folder:
        snapshot = Path(folder) / "snapshots" / _SNAPSHOT
        snapshot.mkdir(parents=True)
        # A new name each time: vmbackup takes files of one name and size for the same.
        name = f"manifest-{time.time_ns()}.json"
        (snapshot / name).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        target = slot_url(settings, slot, "manifest")
        run(settings, "backup", storageDataPath=folder, snapshotName=_SNAPSHOT, dst=target)


def hourly_slot(manifests: list[dict[str, Any]]) -> str:
    """The hourly slot to write: never the one that holds the newer backup."""
    newest = next((one["slot"] for one in manifests if one["slot"] in HOURLY), HOURLY[1])
    return HOURLY[1 - HOURLY.index(newest)]


def daily_slot(manifests: list[dict[str, Any]], now: float, keep_days: int) -> str:
    """The daily slot to write, '' when there is one of this day (UTC) already."""
    today = int(now // DAY)
    done = {one["time"] // DAY for one in manifests if one["kind"] == "daily"}
    return "" if today in done else f"daily-{today % keep_days}"


def date_of(seconds: float) -> str:
    """The day of a Unix time, such as 2026-11-21 (UTC)."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def choose(manifests: list[dict[str, Any]], wanted: str, place: str) -> dict[str, Any]:
    """The newest complete backup, or the newest of a day; raises Failure that lists the days."""
    days = sorted({date_of(one["time"]) for one in manifests})
    if not manifests:
        raise Failure(f"there is no complete backup in {place}")
    if wanted == "latest":
        return manifests[0]
    for manifest in manifests:
        if date_of(manifest["time"]) == wanted:
            return manifest
    raise Failure(
        f"there is no complete backup of {wanted} in {place}; write latest or one of: "
        + ", ".join(days)
    )


def write_backup(settings: Settings, slot: str, snapshot: str, origin: str) -> Sizes:
    """Make a slot hold a snapshot; what another slot holds of it already is copied from there."""
    said = run(
        settings,
        "backup",
        storageDataPath=settings.data,
        snapshotName=snapshot,
        dst=slot_url(settings, slot, "backup"),
        origin=slot_url(settings, origin, "backup") if origin else None,
    )
    sizes = _BYTES.search(said)
    if not sizes:
        raise Failure(f"vmbackup ended well, but did not say how much it wrote to {slot}")
    return Sizes(int(sizes[1]), int(sizes[2]))
