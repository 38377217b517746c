"""Wrong inventories: site.yml says exactly what is wrong, and contacts no host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.tests.unit.playbooks.ansible_run import WRONG, Run, run

CASES = sorted(path.name for path in WRONG.iterdir())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    """A run of site.yml on each wrong inventory."""
    place = tmp_path_factory.mktemp("wrong")

    def site(case: str) -> Run:
        inventory = str(WRONG / case / "hosts.yml")
        return run("ansible-playbook", ["-i", inventory, "playbooks/site.yml"], place / case)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(CASES, pool.map(site, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_inventory_is_refused_with_its_exact_problems_and_no_host_contacted(
    runs: Mapping[str, Run], case: str
) -> None:
    stopped = runs[case]
    problems = [
        line for line in stopped.output.splitlines() if line.startswith(("ERROR: ", "WARNING: "))
    ]
    assert problems == (WRONG / case / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert stopped.code == 2
    assert not stopped.contacted


def test_the_trap_sees_a_host_that_is_contacted(tmp_path: Path) -> None:
    inventory = str(WRONG / "no-regions" / "hosts.yml")
    pinged = run("ansible", ["-i", inventory, "all", "-m", "ansible.builtin.ping"], tmp_path / "x")
    assert pinged.contacted
