"""Fresh test hosts for a benchmark, their inventory, and the time of a command on them."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import hosts
from steps import LOGS, ROOT, Failure, run_logged

CLUSTER = ("vmstorage", "vminsert", "vmselect")
BIN = ROOT / ".venv" / "bin"
CALLBACKS = Path(__file__).parent / "callbacks"
Figures = dict[str, list[float]]


def inventory(
    folder: Path, groups: Mapping[str, Mapping[str, str]], extra: Mapping[str, object]
) -> Path:
    """Write an inventory of one region; `groups` maps component -> host -> address."""
    region: dict[str, dict[str, object]] = {}
    for name, members in groups.items():
        for number, (host, address) in enumerate(members.items(), start=1):
            region[host] = {"ansible_host": address}
            if name == "vmagent":
                region[host].update(
                    cluster=f"us-east-1-eks-{number:02}-prod",
                    env="prod",
                    availability_zone="us-east-1a",
                )
    content = {
        "all": {
            "vars": {
                "ansible_python_interpreter": "/usr/bin/python3",
                "meridian_topology": "centralized",
                "meridian_storage_region": "us-east-1",
                "meridian_replication_factor": 1,
                "meridian_regions": {"us-east-1": {"gateway_url": "http://127.0.0.1:8427"}},
                **extra,
            },
            "children": {
                "us_east_1": {"hosts": region},
                **{
                    name: {"hosts": {host: {} for host in members}}
                    for name, members in groups.items()
                },
            },
        }
    }
    path = folder / "hosts.json"
    path.write_text(json.dumps(content))
    return path


def stored_at(url: str) -> dict[str, object]:
    """Variables of agents that write to a region that is none of their inventory's."""
    probes = {"probe_targets": [f"{url}/health"]}
    return {
        "meridian_storage_region": "eu-west-1",
        "meridian_regions": {"us-east-1": probes, "eu-west-1": {"gateway_url": url, **probes}},
    }


def timed(command: Sequence[str], name: str, env: Mapping[str, str] | None = None) -> float:
    """Run a command; its wall time in seconds."""
    started = time.monotonic()
    run_logged(
        command,
        log_of(name),
        env={
            **hosts.ssh_environment(),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORKS": "30",
            **(env or {}),
        },
    )
    return time.monotonic() - started


def timed_by_task(command: Sequence[str], name: str) -> tuple[float, dict[str, float]]:
    """Run a playbook; its wall time in seconds, and the part of each task."""
    kept = LOGS / f"bench-{name}-tasks.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    env = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "task_seconds",
        "MERIDIAN_TASK_SECONDS": str(kept),
    }
    seconds = timed(command, name, env)
    tasks: dict[str, float] = json.loads(kept.read_text())
    return seconds, {**tasks, "start and end of the program": seconds - sum(tasks.values())}


def log_of(name: str) -> Path:
    """Where a benchmark's output is kept."""
    return LOGS / f"bench-{name}.log"


@contextlib.contextmanager
def fleet(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Fresh hosts, removed at the end."""
    hosts.down("bench")
    try:
        yield hosts.up("bench", [hosts.Host(name) for name in names])
    finally:
        hosts.down("bench")


def cluster_hosts() -> list[str]:
    """Name the hosts of the storage cluster."""
    return [f"bench-{component}-{number}" for component in CLUSTER for number in (1, 2)]


def grouped(addresses: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Sort the cluster's hosts into component groups."""
    return {
        component: {h: a for h, a in addresses.items() if h.startswith(f"bench-{component}-")}
        for component in CLUSTER
    }


def changed(name: str) -> dict[str, int]:
    """Changed tasks by host, from the recap of the latest run in a log."""
    latest = log_of(name).read_text().rpartition("PLAY RECAP")[2]
    return {host: int(n) for host, n in re.findall(r"^(\S+)\s+:.*changed=(\d+)", latest, re.M)}


def refuse_changes(name: str) -> None:
    """Raise Failure when a run that had nothing to do changed something."""
    if not (found := changed(name)) or any(found.values()):
        raise Failure("A second run changed something.", f"See {log_of(name)}.")


def refuse_idle(name: str, count: int) -> None:
    """Raise Failure when a run did not change so many hosts."""
    found = [host for host, changes in changed(name).items() if changes]
    if len(found) != count:
        raise Failure(f"{len(found)} of {count} hosts were changed.", f"See {log_of(name)}.")


def address_towards(host: str) -> str:
    """Return this machine's address in a host's network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect((host, 9))  # sends nothing
        address: str = route.getsockname()[0]
        return address


@contextlib.contextmanager
def sink(host: str) -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """Serve a gateway to a host's network that takes all writes; its URL, and what it took.

    What it took are bodies with their headers, the first thousand.
    """
    taken: list[tuple[bytes, dict[str, str]]] = []

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Take a write."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(taken) < 1000:
                taken.append((body, dict(self.headers)))
            self.send_response(204)
            self.end_headers()

    address = address_towards(host)
    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_port}", taken
    finally:
        server.shutdown()
        server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def said(figures: Figures) -> str:
    """Say the latest figures, in seconds."""
    return ", ".join(f"{name} {values[-1]:.2f} s" for name, values in figures.items())
