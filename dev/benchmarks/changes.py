"""Changes of a running fleet: a flag that restarts, a file that reloads, another version."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import archives
from samples import metric
from steps import Failure, say

from benchmarks.fleets import (
    CLUSTER,
    Figures,
    cluster_hosts,
    fleet,
    grouped,
    inventory,
    refuse_idle,
    said,
    timed_by_task,
)
from benchmarks.runs import AGENTS, AGENTS_PLAYBOOK, CLUSTER_PLAYBOOK, FEW, PLAY, agent_hosts

OLD, NEW = "1.149.0", "1.150.0"
Tasks = dict[str, dict[str, float]]  # run -> task -> seconds
# Each change is to a value that was not there before.
_values = itertools.count(1)


def flag(components: Sequence[str]) -> dict[str, object]:
    """Return variables that change a flag of components; they have to be restarted."""
    value = 1000 + next(_values)
    return {f"{name}_extra_args": {"loggerErrorsPerSecondLimit": value} for name in components}


def scraping() -> dict[str, object]:
    """Return variables that change the agents' scrape configuration; it is reloaded."""
    return {"vmagent_scrape_interval": f"{20 + next(_values)}s"}


def measure_agents(rounds: int, path: Path, addresses: Mapping[str, str]) -> tuple[Figures, Tasks]:
    """Time both kinds of change on all agents of an inventory, and on a few of them."""
    figures: Figures = {}
    tasks: Tasks = {}
    # What was changed once stays: a flag that is taken back would be another restart.
    variables: dict[str, object] = {}
    for number in range(1, rounds + 1):
        for count, kind in itertools.product((FEW, AGENTS), ("restart", "reload")):
            name = f"{kind}, {count} agents"
            variables |= flag(["vmagent"]) if kind == "restart" else scraping()
            play = [*PLAY, str(path), AGENTS_PLAYBOOK, "-e", json.dumps(variables)]
            if count < AGENTS:
                play += ["--limit", ",".join(agent_hosts()[:count])]
            before = start_times(addresses)
            seconds, tasks[name] = timed_by_task(play, f"change-{kind}")
            refuse_idle(f"change-{kind}", count)
            after = start_times(addresses)
            restarted = sum(after[host] != since for host, since in before.items())
            if restarted != (count if kind == "restart" else 0):
                raise Failure(f"{name}: {restarted} agents were restarted.")
            figures.setdefault(name, []).append(seconds)
        say(f"    round {number}: " + said(figures))
    return figures, tasks


def start_times(addresses: Mapping[str, str]) -> dict[str, float]:
    """When the vmagent of each host was started, as it says itself."""
    return {
        host: metric(f"http://{address}:8429", "process_start_time_seconds")
        for host, address in addresses.items()
    }


def measure_cluster(rounds: int, folder: Path) -> tuple[Figures, Tasks]:
    """Time a change of a flag, an upgrade and the way back on six hosts, component by component."""
    figures: Figures = {}
    tasks: Tasks = {}
    lacking = archives.missing(list(CLUSTER), NEW)
    for file, reason in lacking.items():
        say(f"    no upgrade: {file} cannot be had: {reason}")
    with fleet(cluster_hosts()) as addresses:
        path = inventory(folder, grouped(addresses), {})
        play = [*PLAY, str(path), CLUSTER_PLAYBOOK]
        timed_by_task(play, "change-first")
        for number in range(1, rounds + 1):
            runs = {"restart, 6 hosts of the cluster": flag(CLUSTER)}
            if not lacking:
                # the same flag, so that only the version differs
                same = dict(runs["restart, 6 hosts of the cluster"])
                runs[f"{OLD} to {NEW}"] = {**same, "meridian_victoriametrics_version": NEW}
                runs[f"{NEW} to {OLD}"] = {**same, "meridian_victoriametrics_version": OLD}
            for name, variables in runs.items():
                command = [*play, "-e", json.dumps(variables)]
                seconds, tasks[name] = timed_by_task(command, "change-cluster")
                refuse_idle("change-cluster", len(addresses))
                figures.setdefault(name, []).append(seconds)
            say(f"    round {number}: " + said(figures))
    return figures, tasks
