# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many samples a storage holds of each day (UTC), counted and not estimated.

A folder is counted by the storage's own program, which runs on a copy of it that costs no space
(hard links), for no longer than the count and reachable from this host only. So the storage that
serves is not asked, and nothing arrives while the count is on.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from calendar import timegm
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from destination import DAY, Failure, Settings, date_of

# Samples, and the times of the first and the last (ms), by path of a part.
Parts = Mapping[str, Sequence[int]]

_SHORTEST = 300  # seconds; a span with more samples than a query may read is halved down to it
_SAMPLES_PER_QUERY = 200_000_000
_READY_SECONDS = 600
_UNITS = {"": 31 * DAY, "h": 3600, "d": DAY, "w": 7 * DAY, "M": 31 * DAY, "y": 365 * DAY}
_QUERY = {
    "search.disableCache": True,
    "search.latencyOffset": "0s",
    "search.maxQueryDuration": "10m",
    "search.maxSamplesPerQuery": _SAMPLES_PER_QUERY,
    "search.maxUniqueTimeseries": 100_000_000,
}


def _command(settings: Settings) -> list[str]:
    """The storage's command, as its unit starts it."""
    text = settings.unit.read_text(encoding="utf-8") if settings.unit.exists() else ""
    lines = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    if not lines:
        raise Failure(f"{settings.unit} starts no program; run site.yml for this host")
    return shlex.split(lines[-1].split("=", 1)[1])


def _flag(settings: Settings, name: str, default: str) -> str:
    prefix = f"-{name}="
    stated = [word[len(prefix) :] for word in _command(settings) if word.startswith(prefix)]
    return stated[-1] if stated else default


def retention_seconds(settings: Settings) -> int:
    """For how long the storage keeps samples."""
    stated = _flag(settings, "retentionPeriod", "1")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdwMy]?)", stated)
    if not match:
        raise Failure(f"-retentionPeriod={stated} in {settings.unit} is no number and h, d, w or y")
    return int(float(match[1]) * _UNITS[match[2]])


def months(folder: Path) -> list[str]:
    """The months of which a storage's folder has samples, such as 2026_11, sorted."""
    found = set()
    for size in ("small", "big"):
        place = folder / "data" / size
        for month in place.iterdir() if place.is_dir() else []:
            if re.fullmatch(r"\d{4}_\d\d", month.name):
                parts = [part for part in month.iterdir() if part.name != "parts.json"]
                found.update([month.name] if parts else [])
    return sorted(found)


def parts_of(folder: Path) -> dict[str, list[int]]:
    """The parts of a storage's folder: samples are in no other place, and a part never changes."""
    found = {}
    for path in folder.glob("data/*/[0-9][0-9][0-9][0-9]_[0-9][0-9]/*/metadata.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        if "RowsCount" in told:  # the index of a month has parts too
            name = path.parent.relative_to(folder / "data").as_posix()
            found[name] = [told["RowsCount"], told["MinTimestamp"], told["MaxTimestamp"]]
    return found


def touched_days(before: Parts, now: Parts) -> set[str]:
    """The days that may have other samples than before, since a part of theirs came or went."""
    days = set()
    for name in before.keys() ^ now.keys():
        _samples, first, last = now[name] if name in now else before[name]
        for day in range(first // 1000 // DAY, last // 1000 // DAY + 1):
            days.add(date_of(day * DAY))
    return days


def part_differences(wanted: Parts, found: Parts) -> list[str]:
    """Each part that is not as it was, in one line."""
    return [
        f"part {name}: {wanted.get(name, [0])[0]} samples in the backup, "
        f"{found.get(name, [0])[0]} restored"
        for name in sorted({*wanted, *found})
        if list(wanted.get(name, [])) != list(found.get(name, []))
    ]


def days_of(folder: Path, now: float, retention: float) -> list[str]:
    """Every day within the retention of which a folder may have samples, sorted."""
    days = []
    for month in months(folder):
        start = timegm((int(month[:4]), int(month[5:]), 1, 0, 0, 0))
        while date_of(start).replace("-", "_").startswith(month):
            # A day that is partly too old already loses samples with every merge.
            if start >= now - retention:
                days.append(date_of(start))
            start += DAY
    return days


def _link_copy(source: Path, target: Path) -> None:
    """Copy a folder as hard links; its symbolic links become folders."""
    for place, _folders, files in os.walk(source, followlinks=True):
        copy = target / Path(place).relative_to(source)
        copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in files:
            if name not in ("flock.lock", "restore-in-progress"):
                os.link(Path(place) / name, copy / name)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for number in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def _running(words: Sequence[str], url: str, log: Path) -> Iterator[None]:
    """Run a program until the block ends; raises Failure when it does not serve."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not _serves(url):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace").strip()
                last = (said.splitlines() or ["it said nothing"])[-1]
                raise Failure(f"{Path(words[0]).name} does not run for the count: {last}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def _words(program: str, flags: Mapping[str, object]) -> list[str]:
    rendered = (str(one).lower() if isinstance(one, bool) else str(one) for one in flags.values())
    pairs = zip(flags, rendered)
    return [program, *(f"-{name}={value}" for name, value in pairs), "-loggerLevel=ERROR"]


@contextmanager
def _select(settings: Settings, node: str) -> Iterator[str]:
    """Base URL of a vmselect that asks one storage node only, for all tenants."""
    [port] = _free_ports(1)
    url = f"http://127.0.0.1:{port}"
    flags = {
        "httpListenAddr": f"127.0.0.1:{port}",
        "storageNode": node,
        "cacheDataPath": settings.work / "select",
        "dedup.minScrapeInterval": _flag(settings, "dedup.minScrapeInterval", "0s"),
        "memory.allowedPercent": 10,
        **_QUERY,
    }
    log = settings.work / "select.log"
    with _running(_words(settings.programs["select"], flags), url, log):
        yield f"{url}/select/multitenant/prometheus"


@contextmanager
def serving_copy(settings: Settings, folder: Path) -> Iterator[str]:
    """Base URL of the Prometheus API of a storage that runs on a copy of a folder."""
    copy = settings.work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    settings.work.mkdir(mode=0o700, exist_ok=True)
    ports = _free_ports(3)
    url = f"http://127.0.0.1:{ports[0]}"
    single = settings.storage == "vmsingle"
    flags: dict[str, object] = {
        "httpListenAddr": f"127.0.0.1:{ports[0]}",
        "storageDataPath": copy,
        # What is in the folder is counted, also what a merge would remove by now.
        "retentionPeriod": "100y",
        "storage.minFreeDiskSpaceBytes": 0,
        "dedup.minScrapeInterval": _flag(settings, "dedup.minScrapeInterval", "0s"),
        "memory.allowedPercent": 10,
    }
    if single:
        flags.update(_QUERY)
    else:
        flags["vminsertAddr"], flags["vmselectAddr"] = (f"127.0.0.1:{port}" for port in ports[1:])
        flags["search.maxUniqueTimeseries"] = _QUERY["search.maxUniqueTimeseries"]
    log = settings.work / "count.log"
    try:
        _link_copy(folder, copy)
        with _running(_words(_command(settings)[0], flags), url, log), ExitStack() as stack:
            node = str(flags.get("vmselectAddr", ""))
            yield url if single else stack.enter_context(_select(settings, node))
    finally:
        shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def serving_storage(settings: Settings) -> Iterator[str]:
    """Base URL of the Prometheus API of the storage that serves on this host."""
    with ExitStack() as stack:
        single = settings.storage == "vmsingle"
        yield settings.url if single else stack.enter_context(_select(settings, settings.rpc))


def _count(base: str, start: int, end: int) -> int:
    """Samples with timestamps from start to just before end, in Unix seconds."""
    window = f"{end - start}s"
    asked = {
        "query": f'sum(count_over_time({{__name__!=""}}[{window}]))',
        # The window reaches back from its end and has no start: (end - window, end].
        "time": f"{end - 1}.999",
        "nocache": "1",
    }
    url = f"{base}/api/v1/query?{urllib.parse.urlencode(asked)}"
    try:
        with urllib.request.urlopen(url, timeout=900) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        said = " ".join(error.read().decode(errors="replace").split())[:500]
        if end - start <= _SHORTEST or error.code not in (422, 503):
            raise Failure(f"the count of {date_of(start)} failed ({error.code}): {said}") from error
        middle = (start + end) // 2
        return _count(base, start, middle) + _count(base, middle, end)
    except OSError as error:
        raise Failure(f"the count of {date_of(start)} failed: {error}") from error
    if told.get("isPartial"):
        raise Failure(f"the count of {date_of(start)} failed: the answer is partial")
    return sum(int(float(series["value"][1])) for series in told["data"]["result"])


def count(base: str, days: Sequence[str]) -> dict[str, int]:
    """Samples by day; days without any are left out."""
    counted = {}
    for day in days:
        start = timegm(time.strptime(day, "%Y-%m-%d"))
        counted[day] = _count(base, start, start + DAY)
    return {day: samples for day, samples in counted.items() if samples}


def differences(
    wanted: Mapping[str, int], found: Mapping[str, int], *, more_is_fine: bool
) -> list[str]:
    """Each day of which there are other numbers of samples, in one line."""
    return [
        f"{day}: {wanted.get(day, 0)} samples in the backup, {found.get(day, 0)} found"
        for day in sorted({*wanted, *found})
        if found.get(day, 0) != wanted.get(day, 0)
        and not (more_is_fine and found.get(day, 0) > wanted.get(day, 0))
    ]
