"""migrate.yml: what it refuses on the controller, before a host is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.tests.unit.playbooks.ansible_run import ROOT, run

FEDERATED = ROOT / "inventories" / "federated_single"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(
            [],
            "no migration is stated; write meridian_migration: {from: REGION, phase: build} "
            "beside meridian_topology: federated in group_vars/all.yml",
            id="none stated",
        ),
        pytest.param(
            ["-e", '{"meridian_migration": {"from": "us-east-1", "phase": "copy"}}'],
            "meridian_migration.phase is 'copy'; write one of: build, dual_write, backfill, "
            "readers, finish",
            id="unknown phase",
        ),
        pytest.param(
            [
                *("-e", '{"meridian_migration": {"from": "us-east-1", "phase": "build"}}'),
                *("-e", "migrate_phase=last"),
            ],
            "migrate_phase is 'last'; write one of: build, dual_write, backfill, readers, finish",
            id="unknown phase of a run",
        ),
        pytest.param(
            [
                *("-e", '{"meridian_migration": {"from": "us-east-1", "phase": "build"}}'),
                *("--limit", "eu_west_1"),
            ],
            "--limit eu_west_1 leaves out hosts that take part in the phase; run without it",
            id="a part of the fleet",
        ),
    ],
)
def test_a_phase_that_cannot_be_run_is_refused_and_no_host_contacted(
    tmp_path: Path, arguments: list[str], error: str
) -> None:
    command = ["-i", str(FEDERATED), "playbooks/migrate.yml", *arguments]
    stopped = run("ansible-playbook", command, tmp_path / "run")
    found = [line for line in stopped.output.splitlines() if line.startswith("ERROR: ")]
    assert found == [f"ERROR: {error}"]
    assert stopped.code == 2
    assert not stopped.contacted
