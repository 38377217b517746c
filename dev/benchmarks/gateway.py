"""What the gateway costs on the write path: the same writes straight to the storage and through it.

The writes are blocks that a vmagent of this fleet sent, so they are encoded and as large as in
production. Both ways are taken by turns in one run, by the same client; what disturbs one disturbs
the other.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import random
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import archives
from samples import metric
from steps import ROOT, Failure, say

from benchmarks.fleets import CLUSTER, Figures, fleet, inventory, sink, timed
from benchmarks.runs import PLAY

LABELS = {
    "env": "prod",
    "region": "us-east-1",
    "storage_region": "us-east-1",
    "cluster": "us-east-1-eks-01-prod",
    "availability_zone": "us-east-1a",
}
PASSWORD = "for-the-benchmark"
SERIES = 10_000
TICKS = 20
# As many connections as a vmagent on two cores has.
CONNECTIONS = 4
SLICE_SECONDS = 2.0
SLICES = 12
REQUESTS = 400
# Where the programs on the way of a write serve their metrics.
PORTS = {"vmauth": 8426, "vminsert": 8480, "vmstorage": 8482, "vmsingle": 8428}
DIRECT, GATEWAY = "straight to the storage", "through the gateway"
Block = tuple[bytes, dict[str, str]]  # body, headers


@dataclass(frozen=True, slots=True)
class Way:
    """A URL that takes writes."""

    url: str
    headers: Mapping[str, str]

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection."""
        return http.client.HTTPConnection(urlsplit(self.url).netloc)

    def send(self, connection: http.client.HTTPConnection, block: Block) -> None:
        """Write a block. Raises Failure when it is not taken."""
        parts = urlsplit(self.url)
        body, headers = block
        path = f"{parts.path}?{parts.query}"
        connection.request("POST", path, body=body, headers={**headers, **self.headers})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status // 100 != 2:
            raise Failure(f"{self.url} answered a write with {answer.status}: {text[:300]!r}")


def measure(folder: Path, samples: int = 0) -> tuple[Figures, dict[str, float]]:
    """Measure throughput and latency of both ways; figures, and their ratios.

    A block has so many samples, or as many as the agents of a fleet send by default.
    """
    is_cluster = not archives.missing([*CLUSTER, "vmauth", "vmagent"])
    storage = CLUSTER if is_cluster else ("vmsingle",)
    names = {name: f"bench-{name}-1" for name in (*storage, "vmauth", "vmagent")}
    say(f"    storage: {'a cluster' if is_cluster else 'vmsingle of the packages'}")
    with fleet(list(names.values())) as addresses:
        groups = {name: {host: addresses[host]} for name, host in names.items()}
        with sink(addresses[names["vmagent"]]) as (url, taken):
            variables: dict[str, object] = {
                "meridian_regions": {"us-east-1": {}},
                "meridian_source": "archive" if is_cluster else "package",
                "meridian_credentials": {LABELS["cluster"]: PASSWORD},
                "vmagent_write_urls": [f"{url}/api/v1/write"],
                # only what the benchmark pushes
                "vmagent_component_scrape_configs": [],
                **({"vmagent_rows_per_block": samples} if samples else {}),
            }
            path = inventory(folder, groups, variables)
            site = str(ROOT / "playbooks" / "site.yml")
            timed([*PLAY, str(path), site, "--skip-tags", "node_exporter"], "gateway")
            blocks = record(f"http://{addresses[names['vmagent']]}:8429", taken)
        places = {name: addresses[host] for name, host in names.items()}
        figures, ratios = compare(both_ways(places), blocks)
        return figures, {**ratios, **cpu_of_gateway(places, both_ways(places)[GATEWAY], blocks)}


def both_ways(addresses: Mapping[str, str]) -> dict[str, Way]:
    """Return the two ways to write: the gateway, and the URL that it proxies to."""
    base = (
        f"http://{addresses['vminsert']}:8480/insert/0/prometheus"
        if "vminsert" in addresses
        else f"http://{addresses['vmsingle']}:8428"
    )
    enforced = urlencode([("extra_label", f"{name}={value}") for name, value in LABELS.items()])
    token = base64.b64encode(f"{LABELS['cluster']}:{PASSWORD}".encode()).decode()
    return {
        DIRECT: Way(f"{base}/api/v1/write?{enforced}", {}),
        GATEWAY: Way(
            f"http://{addresses['vmauth']}:8427/api/v1/write", {"Authorization": f"Basic {token}"}
        ),
    }


def record(agent: str, taken: Sequence[Block]) -> list[Block]:
    """Push samples with values of their own to an agent; the blocks that it made of them."""
    now = int(time.time()) * 1000
    for tick in range(TICKS):
        lines = "".join(
            f'bench_sample{{series="{number}",job="bench"}} {random.randrange(100_000)} '
            f"{now - (TICKS - tick) * 1000}\n"
            for number in range(SERIES)
        )
        connection = http.client.HTTPConnection(urlsplit(agent).netloc)
        connection.request("POST", "/api/v1/import/prometheus", body=lines.encode())
        if connection.getresponse().status // 100 != 2:
            raise Failure(f"{agent} does not take samples")
        connection.close()
    seen = -1
    while seen != len(taken):
        seen = len(taken)
        time.sleep(8)
    kept = ("Content-Encoding", "Content-Type", "X-Victoriametrics-Remote-Write-Version")
    largest = max((len(body) for body, _ in taken), default=0)
    # its own few metrics are small blocks
    blocks = [
        (body, {name: value for name, value in headers.items() if name in kept})
        for body, headers in taken
        if len(body) > largest / 2
    ]
    if not blocks:
        raise Failure(f"{agent} sent no block of the {SERIES * TICKS} samples that were pushed")
    say(f"    {len(blocks)} blocks of {statistics.mean(len(b) for b, _ in blocks):.0f} bytes")
    return blocks


def compare(ways: Mapping[str, Way], blocks: Sequence[Block]) -> tuple[Figures, dict[str, float]]:
    """Take both ways by turns: as fast as they go, then one request after the other."""
    figures: Figures = {}
    for way in ways.values():
        throughput(way, blocks)  # opens connections, fills caches
    for number in range(SLICES):
        for name in sorted(ways, reverse=number % 2 == 0):
            figures.setdefault(f"blocks/s {name}", []).append(throughput(ways[name], blocks))
    connections = {name: way.connect() for name, way in ways.items()}
    for number in range(REQUESTS):
        for name in sorted(ways, reverse=number % 2 == 0):
            began = time.perf_counter()
            ways[name].send(connections[name], blocks[number % len(blocks)])
            spent = (time.perf_counter() - began) * 1000
            figures.setdefault(f"ms a block {name}", []).append(spent)
        time.sleep(0.005)
    for connection in connections.values():
        connection.close()

    def paired(what: str, *, inverse: bool = False) -> float:
        pairs = zip(figures[f"{what} {GATEWAY}"], figures[f"{what} {DIRECT}"], strict=True)
        return statistics.median(d / g if inverse else g / d for g, d in pairs)

    return figures, {
        "write throughput, gateway / direct": paired("blocks/s"),
        "write latency, direct / gateway": paired("ms a block", inverse=True),
    }


def cpu_of_gateway(
    places: Mapping[str, str], way: Way, blocks: Sequence[Block]
) -> dict[str, float]:
    """Share of the storage in the CPU time that a write through the gateway takes.

    Where all run on one busy machine, throughput cannot do better; a noisy one hardly changes it.
    """

    def spent() -> dict[str, float]:
        pages = {
            name: f"http://{places[name]}:{port}" for name, port in PORTS.items() if name in places
        }
        return {name: metric(page, "process_cpu_seconds_total") for name, page in pages.items()}

    before = spent()
    for _ in range(SLICES // 2):
        throughput(way, blocks)
    used = {name: seconds - before[name] for name, seconds in spent().items()}
    say("    CPU seconds: " + ", ".join(f"{name} {each:.2f}" for name, each in used.items()))
    return {
        "CPU time of a write, storage / storage and gateway": 1
        - used["vmauth"] / sum(used.values())
    }


def throughput(way: Way, blocks: Sequence[Block]) -> float:
    """Blocks per second over some connections at once."""
    numbers = itertools.count()
    done: list[int] = []
    failures: list[Exception] = []
    end = time.monotonic() + SLICE_SECONDS

    def send() -> None:
        connection = way.connect()
        sent = 0
        try:
            while time.monotonic() < end:
                way.send(connection, blocks[next(numbers) % len(blocks)])
                sent += 1
        except (Failure, OSError, http.client.HTTPException) as error:
            failures.append(error)
        finally:
            connection.close()
        done.append(sent)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Failure(f"A write failed: {failures[0]}")
    return sum(done) / (time.monotonic() - began)
