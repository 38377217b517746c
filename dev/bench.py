"""Time the first and the second run on real hosts, against `ansible -m ping` and against a peer.

bench.py [--rounds N] [--peer CHECKOUT]

6 hosts (2 vmstorage, 2 vminsert, 2 vmselect), then 30 hosts with a vmagent each. Each figure is the
median of its rounds, as whole-process wall time in one run of this program: the ratios count, the
seconds depend on the machine. Every first run has fresh hosts. The peer, a checkout of the
collection victoriametrics.cluster, gets fresh copies of the same hosts and the same archive from
a server on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import os
import platform
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import hosts
from steps import LOGS, ROOT, SHARED_CACHE, Failure, main, run_logged, say

VERSION = "1.149.0"
CLUSTER = ("vmstorage", "vminsert", "vmselect")
AGENTS = 30
FEW = 6
# The agents write to a region that is none of their inventory's.
STORED_ELSEWHERE: dict[str, object] = {
    "meridian_storage_region": "eu-west-1",
    "meridian_regions": {
        "us-east-1": {"probe_targets": ["http://127.0.0.1:8427/health"]},
        "eu-west-1": {
            "gateway_url": "http://127.0.0.1:8427",
            "probe_targets": ["http://127.0.0.1:8427/health"],
        },
    },
}
BIN = ROOT / ".venv" / "bin"
SAME = "peer with this ansible.cfg"
# Name -> the two figures, what to multiply their ratio by, what it should reach.
RATIOS = {
    "second run / ping": ("second run", "ping", 1.0, "≤ 1.5"),
    "first run / ping": ("first run", "ping", 1.0, "≤ 4"),
    "second run / peer's": ("second run", "peer, second run", 1.0, "≤ 0.1"),
    "first run / peer's": ("first run", "peer, first run", 1.0, "≤ 0.2"),
    "second run / peer's with this ansible.cfg": ("second run", f"{SAME}, second run", 1.0, ""),
    "first run / peer's with this ansible.cfg": ("first run", f"{SAME}, first run", 1.0, ""),
    f"second run per host, {AGENTS} agents / {FEW} agents": (
        f"{AGENTS} agents",
        f"{FEW} agents",
        FEW / AGENTS,
        "≤ 1.2",
    ),
}


def inventory(folder: Path, groups: dict[str, dict[str, str]], extra: dict[str, object]) -> Path:
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


def timed(command: Sequence[str], name: str, env: dict[str, str] | None = None) -> float:
    """Run a command; its wall time in seconds."""
    started = time.monotonic()
    run_logged(
        command,
        LOGS / f"bench-{name}.log",
        env={
            **hosts.ssh_environment(),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORKS": "30",
            **(env or {}),
        },
    )
    return time.monotonic() - started


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


def grouped(addresses: dict[str, str]) -> dict[str, dict[str, str]]:
    """Sort the cluster's hosts into component groups."""
    return {
        component: {h: a for h, a in addresses.items() if h.startswith(f"bench-{component}-")}
        for component in CLUSTER
    }


def measure_cluster(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Time ping, first run and second run on six hosts."""
    figures: dict[str, list[float]] = {"ping": [], "first run": [], "second run": []}
    playbook = str(ROOT / "tests" / "bench" / "cluster.yml")
    for number in range(1, rounds + 1):
        with fleet(cluster_hosts()) as addresses:
            path = str(inventory(folder, grouped(addresses), {}))
            ping = [str(BIN / "ansible"), "-i", path, "all", "-m", "ansible.builtin.ping"]
            play = [str(BIN / "ansible-playbook"), "-i", path, playbook]
            timed(ping, "ping")  # opens the connections, for what is timed next
            figures["first run"].append(timed(play, "first"))
            figures["second run"].append(timed(play, "second"))
            figures["ping"].append(timed(ping, "ping"))
        refuse_changes(LOGS / "bench-second.log")
        say(f"    round {number}: " + said(figures))
    return figures


def measure_agents(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Time the second run on all the agents and on a few of them."""
    figures: dict[str, list[float]] = {f"{AGENTS} agents": [], f"{FEW} agents": []}
    playbook = str(ROOT / "tests" / "bench" / "agents.yml")
    names = [f"bench-agent-{number:02}" for number in range(1, AGENTS + 1)]
    with fleet(names) as addresses:
        path = str(inventory(folder, {"vmagent": addresses}, STORED_ELSEWHERE))
        play = [str(BIN / "ansible-playbook"), "-i", path, playbook]
        say(f"    first run on {AGENTS} hosts: {timed(play, 'agents-first'):.2f} s")
        for number in range(1, rounds + 1):
            figures[f"{AGENTS} agents"].append(timed(play, "agents"))
            refuse_changes(LOGS / "bench-agents.log")
            few = [*play, "--limit", ",".join(names[:FEW])]
            figures[f"{FEW} agents"].append(timed(few, "agents-few"))
            say(f"    round {number}: " + said(figures))
    return figures


def measure_peer(rounds: int, peer: Path, folder: Path) -> dict[str, list[float]]:
    """Time the peer's playbook on fresh copies of the same hosts.

    First as it is shipped, with its own ansible.cfg; then with this project's, which pipelines.
    """
    shipped = {
        "ANSIBLE_CONFIG": str(peer / "ansible.cfg"),
        "ANSIBLE_FORKS": "5",
        "ANSIBLE_STDOUT_CALLBACK": "default",  # the one it names left Ansible
    }
    figures: dict[str, list[float]] = {}
    for name, settings in (("peer", shipped), (SAME, {})):
        env = {"ANSIBLE_ROLES_PATH": str(peer / "roles"), **settings}
        for number in range(1, rounds + 1):
            for run, seconds in peer_runs(peer, folder, env).items():
                figures.setdefault(f"{name}, {run}", []).append(seconds)
            say(f"    round {number}: " + said(figures))
    return figures


def peer_runs(peer: Path, folder: Path, env: dict[str, str]) -> dict[str, float]:
    """Time the peer's first and second run on hosts of their own."""
    nodes = "groups['vmstorage'] | map('extract', hostvars, 'ansible_host') | join(',')"
    variables: dict[str, object] = {
        # As its playbook has them, but by address: these hosts know no names.
        "vminsert_config": {"storageNode": f"{{{{ {nodes} }}}}"},
        "vmselect_config": {
            "cacheDataPath": "/var/lib/vmselect",
            "storageNode": f"{{{{ {nodes} }}}}",
        },
        **{f"{name}_version": f"v{VERSION}" for name in CLUSTER},
    }
    with (
        fleet(cluster_hosts()) as addresses,
        served_archives(folder, next(iter(addresses.values()))) as url,
    ):
        variables |= {f"{name}_repo_url": url for name in CLUSTER}
        path = str(inventory(folder, grouped(addresses), {}))
        timed([str(BIN / "ansible"), "-i", path, "all", "-m", "ansible.builtin.ping"], "ping")
        play = [str(BIN / "ansible-playbook"), "-i", path, str(peer / "playbooks" / "cluster.yml")]
        play += ["--extra-vars", json.dumps(variables)]
        return {
            "first run": timed(play, "peer-first", env),
            "second run": timed(play, "peer-second", env),
        }


@contextlib.contextmanager
def served_archives(folder: Path, host: str) -> Iterator[str]:
    """Serve the archive folder to a host's network under the vendor's paths; the base URL."""
    site = folder / "site" / "releases" / "download"
    site.mkdir(parents=True, exist_ok=True)
    link = site / f"v{VERSION}"
    if not link.is_symlink():
        link.symlink_to(SHARED_CACHE / "archives")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect((host, 9))  # sends nothing: it only tells this machine's own address there
        address = route.getsockname()[0]
    handler = functools.partial(QuietHandler, directory=str(folder / "site"))
    server = http.server.ThreadingHTTPServer((address, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def refuse_changes(log: Path) -> None:
    """Raise Failure when a run that had nothing to do changed something."""
    recap = [line for line in log.read_text().splitlines() if "changed=" in line]
    if not recap or any("changed=0" not in line or "failed=0" not in line for line in recap):
        raise Failure("A second run changed something.", f"See {log}.")


def said(figures: dict[str, list[float]]) -> str:
    """Say the latest figures."""
    return ", ".join(f"{name} {values[-1]:.2f} s" for name, values in figures.items())


def report(figures: dict[str, list[float]]) -> None:
    """Print the medians and the ratios as tables."""
    median = {name: statistics.median(values) for name, values in figures.items() if values}
    say("\n| run | median, s | min to max, s |\n|---|---|---|")
    for name, values in figures.items():
        say(f"| {name} | {median[name]:.2f} | {min(values):.2f} to {max(values):.2f} |")
    say("\n| ratio | measured | to reach |\n|---|---|---|")
    for name, (upper, lower, factor, limit) in RATIOS.items():
        if upper in median and lower in median:
            say(f"| {name} | {median[upper] / median[lower] * factor:.3f} | {limit} |")


def program() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=Path)
    arguments = parser.parse_args()
    kernel = platform.release().split("-")[0]
    say(f"{os.cpu_count()} cores, {platform.machine()}, Linux {kernel}")
    with tempfile.TemporaryDirectory(prefix="meridian-bench-") as name:
        folder = Path(name)
        say(f"==> {len(cluster_hosts())} hosts: storage cluster")
        figures = measure_cluster(arguments.rounds, folder)
        if arguments.peer:
            say("==> the same hosts with the peer's roles")
            figures |= measure_peer(arguments.rounds, arguments.peer.resolve(), folder)
        say(f"==> {AGENTS} hosts: agents")
        figures |= measure_agents(arguments.rounds, folder)
    report(figures)


if __name__ == "__main__":
    main(program)
