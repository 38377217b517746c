"""Fixtures of the drills: the fleet, load on it, and the figures that a drill yields."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import missing
from drill_fleet import LONG, SCENARIO, DrillFleet
from load import Load, Report

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / ".cache" / "drills"
# Samples per second over all agents. Short drills run three at a time.
RATE = int(os.environ.get("MERIDIAN_DRILL_RATE") or (20_000 if LONG else 2_000))
# Storage nodes find series that are new to them after 12 seconds at the latest; until then an
# answer lacks some when one of the nodes goes away (docs/rolling.md). The rest is what the first
# samples take to them on a busy machine.
NEW_SERIES_SECONDS = 25
# Drills that gateways and agents decide, whatever stores their samples.
OF_ANY_STORAGE = ("change", "clock", "cut_off", "failure/test_vmagent.py", "growth")
COLUMNS = ("sent", "stored", "missing", "duplicated", "queries", "queries_failed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In make test leave to a cluster's drills, where they can run, what is the same there."""
    left = [item for item in items if f"{item.path.relative_to(HERE)}".startswith(OF_ANY_STORAGE)]
    asked_for = "MERIDIAN_DRILL_LONG" in os.environ  # make drill, of either form
    if SCENARIO == "drill_single" and left and not asked_for and not missing(["vmstorage"]):
        for item in left:
            reason = f"drill_{item.path.parent.name} shows it; make drill NAME=single shows it here"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def long() -> bool:
    """Whether the drills take their long form (make drill), not the one of make test."""
    return LONG


@pytest.fixture(scope="session")
def rate() -> int:
    """Samples per second over all agents that a load has unless it states another rate."""
    return RATE


@pytest.fixture
def fleet() -> DrillFleet:
    """The fleet, in which all is well before a drill begins."""
    found = DrillFleet(Path(os.environ["MERIDIAN_DRILL_INVENTORY"]))
    found.settle()
    return found


@pytest.fixture(scope="session")
def _loaded() -> set[str]:
    """Agents whose series the fleet knows."""
    return set()


@pytest.fixture
def start_load(
    fleet: DrillFleet, tmp_path: Path, _loaded: set[str]
) -> Iterator[Callable[..., Load]]:
    """Put numbered samples on every agent and queries on the gateways; ends with the test.

    `load.stop()` returns the Report. Arguments replace those of Load. Every load has the same
    series: where they are new to the storage, it returns when every node finds them.
    """
    started: list[Load] = []

    def start(**changes: Any) -> Load:
        usual: dict[str, Any] = {
            "agents": fleet.agents,
            "gateways": fleet.gateways,
            "auth": fleet.operator,
            "rate": RATE,
            "queries_per_second": 5,
            "directory": tmp_path / f"load-{len(started)}",
        }
        load = Load(**{**usual, **changes})
        started.append(load)
        load.start()
        if fleet.is_cluster and not _loaded.issuperset(fleet.agents):
            time.sleep(NEW_SERIES_SECONDS)
            _loaded.update(fleet.agents)
        return load

    yield start
    for load in started:
        load.close()


@pytest.fixture(scope="session")
def _kept() -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    yield rows
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{SCENARIO}.json").write_text(json.dumps(rows, indent=2) + "\n")


@pytest.fixture
def figures(_kept: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Keep and print the figures of a drill: its name, the load's report, seconds to recover.

    `seconds` is the time until all was as before; more figures are given by name.
    """

    def keep(drill: str, report: Report, *, seconds: float, **more: object) -> None:
        row = {"fleet": SCENARIO, "drill": drill, **report.as_dict(), "recovered_in": seconds}
        _kept.append({**row, **more})
        told = ", ".join(f"{name} {row[name]}" for name in COLUMNS)
        extra = "".join(f", {name} {value}" for name, value in more.items())
        with capsys.disabled():
            print(f"\n{drill}: {told}, as before after {seconds:.0f} s{extra}")

    return keep
