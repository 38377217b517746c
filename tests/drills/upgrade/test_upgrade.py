"""An upgrade of the whole fleet under load, and the way back, cost no sample and no query.

Of a fleet's drills the last: an older version does not read all that a newer one has written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from archives import FOLDER
from drill_fleet import DrillFleet
from load import Load
from rolls import (
    FIRST,
    NEXT,
    ORDER,
    cost_nothing,
    missing_archives,
    new_flag,
    watched,
    went_in_turn,
)
from samples import labels

Change = Mapping[str, Any]
NEWER = {"meridian_victoriametrics_version": NEXT}
# Of the single fleet, what the distribution packages in an older version stays as it is.
ARCHIVES = {
    "meridian_source": "archive",
    "alertmanager_source": "package",
    "node_exporter_source": "package",
}


def versions(fleet: DrillFleet) -> set[str]:
    """The versions that run on the way of samples, without what marks the cluster's."""
    return {
        version.removesuffix("-cluster")
        for component in ORDER
        for host in fleet.hosts(component)
        for version in labels(fleet.url(host, component), "vm_app_version", "short_version")
    }


def require_archives(fleet: DrillFleet, version: str = "") -> None:
    """Skip where archives of a version, or of an upgrade, are not there, and name them."""
    if missing := missing_archives(fleet, version):
        pytest.skip(f"{' and '.join(missing)} not in {FOLDER}")


@pytest.fixture
def roll(
    fleet: DrillFleet, start_load: Callable[..., Load], figures: Callable[..., None]
) -> Callable[[str, Change], None]:
    """Change all components under load, in their order, at no cost."""

    def carry_out(name: str, change: Change) -> None:
        present = [component for component in ORDER if fleet.hosts(component)]
        # New flags in the same run: it still restarts each program once.
        flags = {f"{component}_extra_args": new_flag() for component in present}
        load = start_load()
        with watched(fleet, present) as watch:
            fleet.site("-e", json.dumps({**flags, **change}))
            fleet.settle()
        report = load.stop()
        figures(name, report, seconds=watch.seconds, down=watch.longest_down())
        went_in_turn(watch)
        cost_nothing(report, watch)

    return carry_out


def test_the_whole_fleet_goes_to_another_version(
    fleet: DrillFleet, roll: Callable[[str, Change], None]
) -> None:
    require_archives(fleet)
    first = versions(fleet)
    roll("upgrade of all programs", NEWER if fleet.is_cluster else ARCHIVES)
    second = versions(fleet)
    assert len(first) == len(second) == 1
    assert first != second


def test_the_whole_fleet_goes_back(fleet: DrillFleet, roll: Callable[[str, Change], None]) -> None:
    """Between versions of one data format: to an older one nothing new would be readable."""
    require_archives(fleet, NEXT)
    there, back = (NEWER, {}) if fleet.is_cluster else (ARCHIVES | NEWER, ARCHIVES)
    if not all(NEXT in version for version in versions(fleet)):
        fleet.site("-e", json.dumps(there))
        fleet.settle()
    assert all(NEXT in version for version in versions(fleet))
    roll("the way back", back)
    assert all(FIRST in version for version in versions(fleet))
