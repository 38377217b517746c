"""First and second runs: the storage cluster on fresh hosts, and agents."""

from __future__ import annotations

from pathlib import Path

from steps import ROOT, say

from benchmarks.fleets import (
    BIN,
    Figures,
    cluster_hosts,
    fleet,
    grouped,
    inventory,
    refuse_changes,
    said,
    timed,
)

AGENTS = 30
FEW = 6
PLAY = [str(BIN / "ansible-playbook"), "-i"]
CLUSTER_PLAYBOOK = str(ROOT / "tests" / "bench" / "cluster.yml")
AGENTS_PLAYBOOK = str(ROOT / "tests" / "bench" / "agents.yml")


def agent_hosts() -> list[str]:
    """Name the hosts of the agents."""
    return [f"bench-agent-{number:02}" for number in range(1, AGENTS + 1)]


def ping(path: Path) -> list[str]:
    """Return the command that only asks all hosts of an inventory for an answer."""
    return [str(BIN / "ansible"), "-i", str(path), "all", "-m", "ansible.builtin.ping"]


def measure_cluster(rounds: int, folder: Path) -> Figures:
    """Time ping, first run and second run on six hosts."""
    figures: Figures = {"ping": [], "first run": [], "second run": []}
    for number in range(1, rounds + 1):
        with fleet(cluster_hosts()) as addresses:
            path = inventory(folder, grouped(addresses), {})
            play = [*PLAY, str(path), CLUSTER_PLAYBOOK]
            timed(ping(path), "ping")  # opens the connections, for what is timed next
            figures["first run"].append(timed(play, "first"))
            figures["second run"].append(timed(play, "second"))
            figures["ping"].append(timed(ping(path), "ping"))
        refuse_changes("second")
        say(f"    round {number}: " + said(figures))
    return figures


def measure_agents(rounds: int, path: Path) -> Figures:
    """Time the second run on all the agents of an inventory and on a few of them."""
    figures: Figures = {f"{AGENTS} agents": [], f"{FEW} agents": []}
    play = [*PLAY, str(path), AGENTS_PLAYBOOK]
    say(f"    first run on {AGENTS} hosts: {timed(play, 'agents-first'):.2f} s")
    for number in range(1, rounds + 1):
        figures[f"{AGENTS} agents"].append(timed(play, "agents"))
        refuse_changes("agents")
        few = [*play, "--limit", ",".join(agent_hosts()[:FEW])]
        figures[f"{FEW} agents"].append(timed(few, "agents-few"))
        say(f"    round {number}: " + said(figures))
    return figures
