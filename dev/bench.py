"""Time runs, changes and the gateway on real hosts: against `ansible -m ping`, and a peer.

bench.py [--rounds N] [--only runs|changes|gateway] [--peer CHECKOUT] [--block-samples N]

runs      6 hosts (2 vmstorage, 2 vminsert, 2 vmselect), then 30 hosts with a vmagent each: the
          first and the second run. Every first run has fresh hosts.
changes   such hosts: a flag that restarts, a file that reloads, another version and the way back,
          and which tasks the time goes to.
gateway   writes through the gateway against writes straight to the storage, by turns.

Each figure is the median of its rounds, in one run of this program: the ratios count, the seconds
depend on the machine. The peer, a checkout of the collection victoriametrics.cluster, gets fresh
copies of the same hosts and the same archive from a server on this machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
from pathlib import Path

from benchmarks import changes, gateway, peer, runs
from benchmarks.fleets import Figures, fleet, inventory, sink, stored_at
from steps import main, say

PARTS = ("runs", "changes", "gateway")
AGENTS, FEW = runs.AGENTS, runs.FEW
PER_HOST = FEW / AGENTS
# Name -> the two figures, what to multiply their ratio by, what it should reach.
RATIOS = {
    "second run / ping": ("second run", "ping", 1.0, "≤ 1.5"),
    "first run / ping": ("first run", "ping", 1.0, "≤ 4"),
    "second run / peer's": ("second run", "peer, second run", 1.0, "≤ 0.1"),
    "first run / peer's": ("first run", "peer, first run", 1.0, "≤ 0.2"),
    "second run / peer's with this ansible.cfg": (
        "second run",
        f"{peer.SAME}, second run",
        1.0,
        "",
    ),
    "first run / peer's with this ansible.cfg": ("first run", f"{peer.SAME}, first run", 1.0, ""),
    f"second run per host, {AGENTS} agents / {FEW} agents": (
        f"{AGENTS} agents",
        f"{FEW} agents",
        PER_HOST,
        "≤ 1.2",
    ),
    f"reload / second run, {AGENTS} agents": (
        f"reload, {AGENTS} agents",
        f"{AGENTS} agents",
        1.0,
        "",
    ),
    f"restart / second run, {AGENTS} agents": (
        f"restart, {AGENTS} agents",
        f"{AGENTS} agents",
        1.0,
        "",
    ),
    f"restart per host, {AGENTS} agents / {FEW} agents": (
        f"restart, {AGENTS} agents",
        f"restart, {FEW} agents",
        PER_HOST,
        "≤ 1.2",
    ),
    "upgrade / restart, 6 hosts of the cluster": (
        f"{changes.OLD} to {changes.NEW}",
        "restart, 6 hosts of the cluster",
        1.0,
        "",
    ),
}


def report_figures(figures: Figures, unit: str = ", s") -> None:
    """Print the medians as a table."""
    say(f"\n| run | median{unit} | min to max{unit} |\n|---|---|---|")
    for name, values in figures.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        say(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} |")


def report_ratios(figures: Figures, ratios: dict[str, float]) -> None:
    """Print the ratios of medians, and those that were measured in pairs."""
    median = {name: statistics.median(values) for name, values in figures.items()}
    say("\n| ratio | measured | to reach |\n|---|---|---|")
    for name, (upper, lower, factor, limit) in RATIOS.items():
        if upper in median and lower in median:
            say(f"| {name} | {median[upper] / median[lower] * factor:.3f} | {limit} |")
    for name, ratio in ratios.items():
        say(f"| {name} | {ratio:.3f} | ≥ 0.9 |")


def report_tasks(tasks: changes.Tasks) -> None:
    """Print where the time of each kind of change goes, in the last round."""
    say("\n| change | task | s |\n|---|---|---|")
    for run, seconds in tasks.items():
        for task, spent in sorted(seconds.items(), key=lambda each: -each[1]):
            if spent >= sum(seconds.values()) / 100:
                say(f"| {run} | {task} | {spent:.2f} |")


def program() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--block-samples", type=int, default=0, help="default: the agents' own")
    arguments = parser.parse_args()
    parts = {arguments.only} if arguments.only else set(PARTS)
    kernel = platform.release().split("-")[0]
    say(f"{os.cpu_count()} cores, {platform.machine()}, Linux {kernel}")
    figures: Figures = {}
    writes: Figures = {}
    ratios: dict[str, float] = {}
    tasks: changes.Tasks = {}
    with tempfile.TemporaryDirectory(prefix="meridian-bench-") as name:
        folder = Path(name)
        if "gateway" in parts:
            say("==> writes, through the gateway and straight to the storage")
            writes, ratios = gateway.measure(folder, arguments.block_samples)
        if "runs" in parts:
            say("==> 6 hosts: storage cluster")
            figures |= runs.measure_cluster(arguments.rounds, folder)
            if arguments.peer:
                say("==> the same hosts with the peer's roles")
                figures |= peer.measure(arguments.rounds, arguments.peer.resolve(), folder)
        if "changes" in parts:
            say("==> 6 hosts: changes of the storage cluster")
            more, tasks = changes.measure_cluster(arguments.rounds, folder)
            figures |= more
        if parts & {"runs", "changes"}:
            say(f"==> {AGENTS} hosts: agents")
            with fleet(runs.agent_hosts()) as addresses, sink(addresses["bench-agent-01"]) as store:
                path = inventory(folder, {"vmagent": addresses}, stored_at(store[0]))
                figures |= runs.measure_agents(arguments.rounds, path)
                if "changes" in parts:
                    more, agents = changes.measure_agents(arguments.rounds, path, addresses)
                    figures |= more
                    tasks |= agents
    if figures:
        report_figures(figures)
    if writes:
        report_figures(writes, "")
    report_ratios(figures, ratios)
    if tasks:
        report_tasks(tasks)


if __name__ == "__main__":
    main(program)
