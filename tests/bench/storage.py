# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure what a sample takes on disk and a series in memory, on a vmsingle of this machine.

storage.py [--program victoria-metrics-prod]

On disk: a day of samples, one every 15 s, of series whose values behave differently, after all of
it was merged. In memory: the difference between 50,000 and 250,000 series that get samples. The
program comes from the archive folder unless it is named.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

ARCHIVE = "victoria-metrics-linux-{arch}-v1.149.0.tar.gz"
PROGRAM = "victoria-metrics-prod"
ARCHIVES = Path("~/.cache/meridian/archives").expanduser()
DAY_SAMPLES = 86400 // 15
SERIES_ON_DISK = 500
SERIES_IN_MEMORY = (50_000, 250_000)
PORTION = 5_000


def _seldom(chance: random.Random) -> Iterator[float]:
    value = 0
    while True:
        value += chance.random() < 0.01
        yield value


def _counter(chance: random.Random) -> Iterator[float]:
    value = 0
    while True:
        value += chance.randrange(50)
        yield value


def _gauge(chance: random.Random, digits: int) -> Iterator[float]:
    while True:
        yield round(chance.uniform(10, 99), digits)


# How values follow each other.
VALUES: dict[str, Callable[[random.Random], Iterator[float]]] = {
    "seldom changes": _seldom,
    "counter, whole numbers": _counter,
    "gauge, three digits": partial(_gauge, digits=1),
    "noise, seven digits": partial(_gauge, digits=6),
}


class Storage:
    """A running vmsingle."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, body: bytes | None = None) -> str:
        """The text of a page; a body is posted."""
        with urllib.request.urlopen(self.url + path, data=body, timeout=300) as answer:
            text: str = answer.read().decode()
            return text

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric of the program's own, of the series whose labels match."""
        found = re.findall(rf"^{name}(\{{[^}}]*\}})? (\S+)$", self.ask("/metrics"), re.MULTILINE)
        return sum(float(value) for held, value in found if re.search(labels, held))

    def settle(self) -> None:
        """Wait until all is on the disk and merged."""
        self.ask("/internal/force_flush")
        self.ask("/internal/force_merge")
        time.sleep(2)
        while self.metric("vm_active_force_merges") or self.metric("vm_active_merges"):
            time.sleep(1)


@contextmanager
def storage(program: Path) -> Iterator[Storage]:
    """Start a vmsingle with an empty folder."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="meridian-storage-") as folder:
        child = subprocess.Popen(
            [
                str(program),
                f"-storageDataPath={folder}",
                f"-httpListenAddr=127.0.0.1:{port}",
                "-retentionPeriod=1y",
                "-loggerLevel=ERROR",
            ]
        )
        running = Storage(f"http://127.0.0.1:{port}")
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with suppress(OSError):
                    running.ask("/health")
                    break
                time.sleep(0.1)
            yield running
        finally:
            child.terminate()
            child.wait()


def bytes_on_disk(program: Path, values: Callable[[random.Random], Iterator[float]]) -> float:
    """Bytes that a sample takes after a merge; the index is not in it."""
    chance = random.Random(1)
    begin = (int(time.time()) // 86400 - 1) * 86400
    with storage(program) as running:
        for number in range(SERIES_ON_DISK):
            # A scrape is some milliseconds early or late.
            stamps = [(begin + 15 * n) * 1000 + chance.randrange(10) for n in range(DAY_SAMPLES)]
            series = values(chance)
            line = {
                "metric": {"__name__": "bench", **labels(number)},
                "values": [next(series) for _ in range(DAY_SAMPLES)],
                "timestamps": stamps,
            }
            running.ask("/api/v1/import", json.dumps(line).encode())
        running.settle()
        data = 'type="storage/'
        rows = running.metric("vm_rows", data)
        if rows != SERIES_ON_DISK * DAY_SAMPLES:
            sys.exit(f"the storage has {rows} samples, not {SERIES_ON_DISK * DAY_SAMPLES}")
        return running.metric("vm_data_size_bytes", data) / rows


def labels(number: int) -> dict[str, str]:
    """The labels of a series as the gateway and an agent give them."""
    return {
        "env": "prod",
        "region": "us-east-1",
        "storage_region": "us-east-1",
        "cluster": "us-east-1-eks-01-prod",
        "availability_zone": "us-east-1a",
        "job": "application",
        "instance": f"10.20.{number // 250 % 250}.{number % 250}:9100",
        "pod": f"application-{number:08x}",
    }


def bytes_in_memory(program: Path) -> float:
    """Bytes of resident memory that a further series takes."""
    with storage(program) as running:
        used = []
        written = 0
        for wanted in SERIES_IN_MEMORY:
            for tick in range(4):
                first = written if tick == 0 else 0
                _write(running, range(first, wanted))
            written = wanted
            running.ask("/internal/force_flush")
            time.sleep(30)
            used.append(running.metric("process_resident_memory_bytes"))
        active = running.metric("vm_cache_entries", 'type="storage/hour_metric_ids"')
        if active < SERIES_IN_MEMORY[1]:
            sys.exit(f"the storage has {active} active series, not {SERIES_IN_MEMORY[1]}")
    return (used[1] - used[0]) / (SERIES_IN_MEMORY[1] - SERIES_IN_MEMORY[0])


def _write(running: Storage, numbers: range) -> None:
    """Write one sample of each of these series, as of now."""
    for first in range(numbers.start, numbers.stop, PORTION):
        rows = (
            "bench{" + ",".join(f'{k}="{v}"' for k, v in labels(number).items()) + "} 1"
            for number in range(first, min(first + PORTION, numbers.stop))
        )
        running.ask("/api/v1/import/prometheus", "\n".join(rows).encode())


def unpacked(folder: Path) -> Path:
    """The program of the archive folder."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    archive = ARCHIVES / ARCHIVE.format(arch=arch)
    if not archive.exists():
        sys.exit(f"{archive} is not there; name a vmsingle by --program")
    with tarfile.open(archive) as held:
        held.extract(PROGRAM, folder, filter="data")
    return folder / PROGRAM


def main() -> None:
    """Print a table of the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path)
    stated: Path | None = parser.parse_args().program
    with tempfile.TemporaryDirectory(prefix="meridian-program-") as folder:
        program = stated or unpacked(Path(folder))
        print("| what | bytes |\n|---|---|")
        for name, values in VALUES.items():
            print(
                f"| a sample on disk: {name} | {bytes_on_disk(program, values):.2f} |", flush=True
            )
        print(f"| a series in memory | {bytes_in_memory(program):,.0f} |")


if __name__ == "__main__":
    main()
