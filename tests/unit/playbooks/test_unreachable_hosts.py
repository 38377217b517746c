"""A playbook whose order matters ends where a host cannot be reached.

By itself Ansible goes on with the next play then, `any_errors_fatal` or not.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.tests.unit.playbooks.ansible_run import ROOT, run

# Agents, vmselects and three storage nodes; the trap in the place of ssh reaches none of them.
CLUSTER = ROOT / "inventories" / "centralized"
NO_WRITES = "vmstorage: {hosts: {us-east-1-storage-3: {vmstorage_writes: false}}}\n"
FEDERATED = ROOT / "inventories" / "federated"
MIGRATION = '{"meridian_migration": {"from": "us-east-1", "phase": "build"}}'


@pytest.mark.parametrize(
    ("last", "playbook", "inventory", "value"),
    [
        ("Wait until every agent has sent what it kept", "heal", CLUSTER, "heal_seconds=1"),
        ("Look at the node", "decommission", CLUSTER, "decommission_host=us-east-1-storage-3"),
        ("See what runs", "migrate", FEDERATED, MIGRATION),
    ],
)
def test_nothing_is_changed_while_hosts_cannot_be_asked(
    last: str, playbook: str, inventory: Path, value: str, tmp_path: Path
) -> None:
    more = tmp_path / "more.yml"
    more.write_text(NO_WRITES if playbook == "decommission" else "all: {}\n", encoding="utf-8")
    sources = ["-i", str(inventory), "-i", str(more)]
    arguments = [*sources, f"playbooks/{playbook}.yml", "-e", value]
    stopped = run("ansible-playbook", arguments, tmp_path / "run")
    assert stopped.contacted, stopped.output
    assert stopped.code != 0
    assert re.findall(r"^PLAY \[(.*)\]", stopped.output, re.MULTILINE)[-1] == last
