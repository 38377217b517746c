# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application that does not exist, with the metrics of one that does.

Once a second a small model of a shop (requests, jobs, a database, the node under them) moves on and
counts into Prometheus metrics. Traffic follows the region's day, differs between regions and
clusters, and now and then a service fails for a while, so dashboards and alerts have something to
show.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

# service -> requests a second at noon, seconds a request takes, methods by their share
SERVICES = {
    "catalog": (12.0, 0.030, {"GET": 0.95, "POST": 0.05}),
    "search": (8.0, 0.080, {"GET": 0.98, "POST": 0.02}),
    "cart": (5.0, 0.025, {"GET": 0.60, "POST": 0.40}),
    "checkout": (2.0, 0.150, {"GET": 0.30, "POST": 0.70}),
    "payments": (1.5, 0.250, {"GET": 0.20, "POST": 0.80}),
}
STATUSES = ("200", "400", "404", "500", "503")
ERROR_TYPES = {"500": "exception", "503": "overload"}
DATABASES = {"orders": 40, "products": 60}  # database -> connections at full load
QUERIES = {"select": 0.004, "insert": 0.009, "update": 0.012}  # operation -> seconds
TASKS = {"email": 0.4, "invoice": 1.2, "thumbnail": 2.5}  # task, also its queue -> seconds
TRANSACTIONS = {"order": 1.0, "refund": 0.05, "signup": 0.2}  # type -> a second at noon
DEVICES = {"sda": "/", "sdb": "/data"}  # disk -> mount point
CPUS = 4

TRAFFIC = {"prod": 1.0, "beta": 0.4, "dev": 0.15}  # environment -> share of production's traffic
HOURS_FROM_UTC = {"us-east": -5, "us-west": -8, "eu-": 1, "ap-southeast": 8, "ap-northeast": 9}
FAILURES_PER_HOUR = 2.0  # of each service
GIB = 1 << 30


class Metrics:
    """The metric families; their names are what the dashboards ask for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        seconds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
        sizes = (256, 1024, 4096, 16384, 65536)

        self.duration = histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            "service",
            "method",
            buckets=seconds,
        )
        self.requests = counter(
            "http_requests_total", "Requests answered.", "service", "method", "status"
        )
        self.request_size = histogram(
            "http_request_size_bytes", "Size of requests.", "service", buckets=sizes
        )
        self.response_size = histogram(
            "http_response_size_bytes", "Size of responses.", "service", buckets=sizes
        )

        self.cpu = counter("node_cpu_seconds_total", "Time of each CPU by mode.", "cpu", "mode")
        self.memory = gauge("node_memory_MemTotal_bytes", "Memory of the node.")
        self.memory_free = gauge("node_memory_MemAvailable_bytes", "Memory free for programs.")
        self.disk = counter("node_disk_io_time_seconds_total", "Time a disk was busy.", "device")
        self.sent = counter("node_network_transmit_bytes_total", "Bytes sent.", "device")
        self.received = counter("node_network_receive_bytes_total", "Bytes received.", "device")
        self.filesystem = gauge(
            "node_filesystem_size_bytes", "Size of a file system.", "device", "fstype", "mountpoint"
        )
        self.filesystem_free = gauge(
            "node_filesystem_avail_bytes",
            "Free space of a file system.",
            "device",
            "fstype",
            "mountpoint",
        )

        self.errors = counter("app_errors_total", "Errors by kind.", "service", "type")
        self.queries = histogram(
            "app_database_queries_duration_seconds",
            "Time of a database query.",
            "database",
            "operation",
            buckets=seconds,
        )
        self.connections = gauge(
            "app_database_connections_active", "Connections in use.", "database"
        )
        self.cache = counter("app_cache_requests_total", "Look-ups in a cache.", "cache", "result")
        self.queue = gauge("app_queue_size", "Tasks that wait.", "queue")
        self.tasks = histogram(
            "app_worker_tasks_duration_seconds",
            "Time of a task.",
            "task",
            "status",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.transactions = counter(
            "app_business_transactions_total", "Transactions of the shop.", "type", "status"
        )


class Shop:
    """The model; ``step`` moves it on and counts what happened."""

    def __init__(self, metrics: Metrics, *, region: str, cluster: str, env: str) -> None:
        self.metrics = metrics
        # The same place always has the same character, though not the same history.
        character = random.Random(f"{region}/{cluster}")
        self.scale = TRAFFIC.get(env, 1.0) * character.uniform(0.7, 1.3)
        self.slowness = character.uniform(0.8, 1.6)
        self.memory_bytes = character.choice([16, 32, 64]) * GIB
        self.disk_bytes = {disk: character.choice([100, 200, 500]) * GIB for disk in DEVICES}
        self.disk_used = {disk: character.uniform(0.3, 0.7) for disk in DEVICES}
        self.hours_from_utc = hours_from_utc(region)
        self.chance = random.Random()
        self.failing = dict.fromkeys(SERVICES, 0.0)  # service -> seconds that its failure lasts
        self.queued = dict.fromkeys(TASKS, 0.0)
        self._show_every_series()

    def step(self, now: float, seconds: float) -> None:
        """Let ``seconds`` pass until ``now`` (seconds since 1970)."""
        load = self.scale * daily_wave(now, self.hours_from_utc) * self.chance.uniform(0.9, 1.1)
        for service in SERVICES:
            self._fail_or_recover(service, seconds)
            self._serve(service, load, seconds)
        self._work(load, seconds)
        self._use_node(load, seconds)

    def _show_every_series(self) -> None:
        """Start every counter at 0: a rate over a first error needs the sample before it."""
        shown = self.metrics
        for service in SERVICES:
            shown.request_size.labels(service)
            shown.response_size.labels(service)
            for method in SERVICES[service][2]:
                shown.duration.labels(service, method)
                for status in STATUSES:
                    shown.requests.labels(service, method, status)
            for kind in (*ERROR_TYPES.values(), "timeout"):
                shown.errors.labels(service, kind)
        for database, operation in itertools.product(DATABASES, QUERIES):
            shown.queries.labels(database, operation)
        for task, status in itertools.product(TASKS, ("done", "failed")):
            shown.tasks.labels(task, status)
        for kind, status in itertools.product(TRANSACTIONS, ("completed", "declined")):
            shown.transactions.labels(kind, status)

    def _times(self, rate: float, seconds: float) -> int:
        """Return how often something happens that happens ``rate`` times a second on average."""
        expected = rate * seconds
        return max(0, round(self.chance.gauss(expected, math.sqrt(expected))))

    def _spread(self, typical: float) -> float:
        """Return a value around a typical one; a few are many times as large."""
        return typical * self.chance.lognormvariate(0, 0.6)

    def _fail_or_recover(self, service: str, seconds: float) -> None:
        self.failing[service] = max(0.0, self.failing[service] - seconds)
        if self.chance.random() < FAILURES_PER_HOUR / 3600 * seconds:
            self.failing[service] = self.chance.uniform(30, 180)

    def _serve(self, service: str, load: float, seconds: float) -> None:
        rate, typical, methods = SERVICES[service]
        failing = self.failing[service] > 0
        chances = (70, 2, 3, 15, 10) if failing else (97.2, 1.0, 1.5, 0.2, 0.1)
        slowdown = self.slowness * (4 if failing else 1) * (1 + 0.3 * load)
        for method, share in methods.items():
            number = self._times(rate * load * share, seconds)
            for status in self.chance.choices(STATUSES, weights=chances, k=number):
                self.metrics.requests.labels(service, method, status).inc()
                self.metrics.duration.labels(service, method).observe(
                    self._spread(typical * slowdown)
                )
                self._transfer(service, method)
                if status in ERROR_TYPES:
                    self.metrics.errors.labels(service, ERROR_TYPES[status]).inc()
        if failing:
            self.metrics.errors.labels(service, "timeout").inc(self._times(0.2, seconds))

    def _transfer(self, service: str, method: str) -> None:
        request = self._spread(2500 if method == "POST" else 350)
        response = self._spread(900 if method == "POST" else 9000)
        self.metrics.request_size.labels(service).observe(request)
        self.metrics.response_size.labels(service).observe(response)
        self.metrics.received.labels("eth0").inc(request)
        self.metrics.sent.labels("eth0").inc(response)

    def _work(self, load: float, seconds: float) -> None:
        shown = self.metrics
        failing = any(self.failing.values())
        for database, most in DATABASES.items():
            busy = min(1.0, 0.4 * load * self.slowness * (1.8 if failing else 1))
            shown.connections.labels(database).set(round(most * busy * self.chance.uniform(0.8, 1)))
            for operation, typical in QUERIES.items():
                for _query in range(self._times(3 * load, seconds)):
                    duration = self._spread(typical * self.slowness)
                    shown.queries.labels(database, operation).observe(duration)
        for cache, hit_share in (("session", 0.97), ("product", 0.85)):
            hits = hit_share - (0.2 if failing else 0)
            shown.cache.labels(cache, "hit").inc(self._times(20 * load * hits, seconds))
            shown.cache.labels(cache, "miss").inc(self._times(20 * load * (1 - hits), seconds))
        for task, typical in TASKS.items():
            # Workers keep up with a little more than noon's load; a failure holds them up.
            self.queued[task] += self._times(load, seconds)
            done = min(self.queued[task], self._times(0.3 if failing else 2.5, seconds))
            self.queued[task] -= done
            for _task in range(int(done)):
                status = "failed" if self.chance.random() < (0.1 if failing else 0.005) else "done"
                shown.tasks.labels(task, status).observe(self._spread(typical * self.slowness))
            shown.queue.labels(task).set(self.queued[task])
        for kind, rate in TRANSACTIONS.items():
            declined = 0.15 if self.failing["payments"] else 0.02
            completed = self._times(rate * load * (1 - declined), seconds)
            shown.transactions.labels(kind, "completed").inc(completed)
            shown.transactions.labels(kind, "declined").inc(
                self._times(rate * load * declined, seconds)
            )

    def _use_node(self, load: float, seconds: float) -> None:
        shown = self.metrics
        busy = min(0.95, 0.08 + 0.4 * load)
        shares = {"user": 0.62, "system": 0.2, "iowait": 0.1, "softirq": 0.05, "steal": 0.03}
        for cpu in range(CPUS):
            used = min(1.0, busy * self.chance.uniform(0.8, 1.2))
            for mode, share in shares.items():
                shown.cpu.labels(str(cpu), mode).inc(used * share * seconds)
            shown.cpu.labels(str(cpu), "idle").inc((1 - used) * seconds)
        shown.memory.set(self.memory_bytes)
        free = 1 - min(0.92, 0.35 + 0.3 * load) * self.chance.uniform(0.98, 1.02)
        shown.memory_free.set(round(self.memory_bytes * free))
        for disk, mount in DEVICES.items():
            shown.disk.labels(disk).inc(min(1.0, busy * self.chance.uniform(0.2, 0.8)) * seconds)
            # It fills within days, and someone cleans up.
            self.disk_used[disk] += seconds * load * self.chance.uniform(0, 4e-6)
            if self.disk_used[disk] > 0.9:
                self.disk_used[disk] = 0.4
            size = self.disk_bytes[disk]
            place = (f"/dev/{disk}1", "ext4", mount)
            shown.filesystem.labels(*place).set(size)
            shown.filesystem_free.labels(*place).set(round(size * (1 - self.disk_used[disk])))


def hours_from_utc(region: str) -> int:
    """Return the time zone of a region's people, guessed from its name."""
    return next((hours for name, hours in HOURS_FROM_UTC.items() if region.startswith(name)), 0)


def daily_wave(now: float, hours: int) -> float:
    """Return the traffic at a time: 1 in the early afternoon, 0.25 at night."""
    local_hour = (now / 3600 + hours) % 24
    return 0.625 + 0.375 * math.cos((local_hour - 14) / 24 * 2 * math.pi)


def live(shop: Shop) -> None:
    """Move the model on once a second, for ever."""
    before = time.monotonic()
    while True:
        time.sleep(1)
        now = time.monotonic()
        shop.step(time.time(), now - before)
        before = now


def handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    """Return the HTTP handler that exposes a registry."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif path in ("/health", "/-/healthy"):
                self._answer(200, "text/plain", b"Healthy\n")
            else:
                self._answer(404, "text/plain", b"Only /metrics and /health are here.\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Keep the journal free of one line a scrape."""

    return Handler


def main() -> None:
    """Serve until the program is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen-address", default="", help="default: all addresses")
    parser.add_argument("--port", type=int, default=9200)
    parser.add_argument("--region", required=True, help="for example eu-west-1")
    parser.add_argument("--cluster", required=True, help="for example eu-west-1-eks-01-prod")
    parser.add_argument("--env", default="prod", help="prod, beta or dev: how much traffic")
    arguments = parser.parse_args()

    registry = CollectorRegistry()
    shop = Shop(
        Metrics(registry),
        region=arguments.region,
        cluster=arguments.cluster,
        env=arguments.env,
    )
    shop.step(time.time(), 1)
    server = ThreadingHTTPServer((arguments.listen_address, arguments.port), handler(registry))
    threading.Thread(target=live, args=(shop,), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
