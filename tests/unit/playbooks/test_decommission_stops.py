"""decommission.yml: what it refuses on the controller, before a host is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.tests.unit.playbooks.ansible_run import ROOT, WRONG, run

# Two nodes may be spared of three neither by the mark nor by the playbook.
BROKEN = WRONG / "replication-above-written" / "hosts.yml"
# The demonstration's cluster, in which no node is marked.
CLUSTER = ROOT / "inventories" / "centralized"


@pytest.mark.parametrize(
    ("inventory", "arguments", "errors"),
    [
        pytest.param(
            CLUSTER,
            [],
            ["no host is named; add -e decommission_host=NAME, a host of the group vmstorage"],
            id="no name",
        ),
        pytest.param(
            CLUSTER,
            ["-e", "decommission_host=us-east-1-storage-2"],
            [
                "host 'us-east-1-storage-2' is still written to; state 'vmstorage_writes: false' "
                "among its variables in the inventory, and run this again"
            ],
            id="not marked",
        ),
        pytest.param(
            BROKEN,
            ["-e", "decommission_host=us-storage-1"],
            [
                "replication factor 2 of region 'us-east-1' is above its number of vmstorage hosts "
                "that are written to, 1, not us-storage-1, us-storage-2; add hosts, or lower the "
                "factor"
            ],
            id="too few left",
        ),
    ],
)
def test_a_node_that_cannot_go_is_refused_and_no_host_contacted(
    tmp_path: Path, inventory: Path, arguments: list[str], errors: list[str]
) -> None:
    command = ["-i", str(inventory), "playbooks/decommission.yml", *arguments]
    stopped = run("ansible-playbook", command, tmp_path / "run")
    found = [line for line in stopped.output.splitlines() if line.startswith("ERROR: ")]
    assert found == [f"ERROR: {error}" for error in errors]
    assert stopped.code == 2
    assert not stopped.contacted
