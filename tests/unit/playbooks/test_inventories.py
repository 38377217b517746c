"""The shipped inventories: no problem in them, and the same routes however they are given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
INVENTORIES = ROOT / "inventories"
FILES = sorted(path.stem for path in (INVENTORIES / "centralized").glob("*.yml"))


def play(playbook: Path, inventory: str, *options: str, code: int = 0) -> list[str]:
    """The lines that a playbook prints on a shipped inventory."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", str(INVENTORIES / inventory), str(playbook), *options),
        ],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.splitlines()


def problems(inventory: str, code: int = 0) -> list[str]:
    printed = play(ROOT / "playbooks" / "preflight.yml", inventory, code=code)
    return [line for line in printed if line.startswith(("ERROR: ", "WARNING: "))]


def routes(inventory: str, *options: str) -> dict[str, Any]:
    """What is derived for each host, by its name."""
    printed = play(ROOT / "tests" / "unit" / "playbooks" / "routes.yml", inventory, *options)
    found = [line.split(" ", 1) for line in printed if " {" in line and not line.startswith(" ")]
    return {host: json.loads(derived) for host, derived in found}


@pytest.mark.parametrize(
    "inventory",
    ["demo", "centralized", *(f"centralized/{file}.yml" for file in FILES), "federated_single"],
)
def test_a_shipped_inventory_has_no_problem(inventory: str) -> None:
    assert problems(inventory) == []


def small(region: str) -> str:
    """Say what two storage nodes lack."""
    return (
        f"WARNING: region '{region}' has 2 vmstorage hosts for replication factor 2; with fewer "
        "than 3, samples written while one is down are not fully replicated"
    )


def test_the_smallest_federated_fleet_is_warned_of_its_size_and_of_its_open_links() -> None:
    regions = ["ap-southeast-1", "eu-west-1", "us-east-1"]
    found = problems("federated")
    assert [each for each in found if "vmstorage" in each] == [small(each) for each in regions]
    [link] = [each for each in found if "vmstorage" not in each]
    assert "us-east-1-alert-1 reads ap-southeast-1-storage-2, eu-west-1-storage-2" in link


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_region_of_a_federated_fleet_can_be_run_from_its_file_alone(region: str) -> None:
    found = problems(f"federated/{region}.yml")
    lacking = (
        "WARNING: the global view lacks region '{}': no vmselect of it is in this inventory; add "
        "its hosts, or state its vmselects in vmselect_global_storage_nodes"
    )
    others = ["ap-southeast-1", "eu-west-1"] if region == "us-east-1" else []
    assert found == [*map(lacking.format, others), small(region)]


def test_a_federated_regions_routes_are_the_same_from_its_file_alone() -> None:
    fleet = routes("federated")
    assert len(fleet) == 12
    for region in ("eu-west-1", "us-east-1"):
        expected = {host: fleet[host] for host in fleet if host.startswith(region)}
        assert routes(f"federated/{region}.yml") == expected


def test_a_region_alone_is_told_what_the_others_have_to_state() -> None:
    missing = (
        "has nothing that other regions can probe; put one of its hosts in the group blackbox, or "
        "state probe_targets in"
    )
    assert problems("demo/eu-west-1.yml", code=2) == [
        "ERROR: storage region 'us-east-1' has no gateway in this inventory; put hosts of it in "
        "the group vmauth, or state gateway_addresses or gateway_url in "
        "meridian_regions['us-east-1']",
        *(
            f"ERROR: region '{region}' {missing} meridian_regions['{region}']"
            for region in ("ap-northeast-1", "ap-southeast-1", "us-east-1")
        ),
    ]


def test_the_routes_are_the_same_for_the_fleet_a_limit_and_a_file_alone() -> None:
    fleet = routes("centralized")
    assert len(fleet) == 19
    for region in FILES:
        expected = {host: fleet[host] for host in fleet if host.startswith(region)}
        limited = routes("centralized", "--limit", region.replace("-", "_"))
        alone = routes(f"centralized/{region}.yml")
        assert limited == expected
        assert alone == expected


def test_the_plan_is_the_same_under_a_limit_and_writes_its_diagram(tmp_path: Path) -> None:
    playbook = ROOT / "playbooks" / "plan.yml"
    whole, limited = tmp_path / "whole.mmd", tmp_path / "limited.mmd"
    options = ("--limit", "eu_west_1", "-e", f"meridian_plan_diagram={limited}")
    planned = play(playbook, "demo", "-e", f"meridian_plan_diagram={whole}")
    again = play(playbook, "demo", *options)
    title = "eu-west-1: 3 hosts, metrics stored in us-east-1"
    assert title in planned
    assert [line for line in planned if line.startswith("  ")] == [
        line for line in again if line.startswith("  ")
    ]
    assert whole.read_text(encoding="utf-8").startswith("flowchart LR\n")
    assert whole.read_bytes() == limited.read_bytes()
