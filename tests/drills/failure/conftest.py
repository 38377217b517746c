"""The course of every failure: load, a fault, until all is as before, and the count."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from drill_fleet import DrillFleet
from load import Load, Report

# Under load before the fault and after it.
BEFORE_SECONDS = 8
AFTER_SECONDS = 3


@pytest.fixture
def outage(
    fleet: DrillFleet, start_load: Callable[..., Load], figures: Callable[..., None]
) -> Callable[[str, Callable[[], object]], Report]:
    """Run a fault under load and return the report; its figures are kept under its name.

    `seconds` of the figures begin when the fault is over.
    """

    def run(drill: str, fault: Callable[[], object]) -> Report:
        load = start_load()
        time.sleep(BEFORE_SECONDS)
        before = load.sent()
        fault()
        seconds = fleet.settle()
        assert load.sent() > before, "nothing was sent, so nothing was tried"
        time.sleep(AFTER_SECONDS)
        report = load.stop(settle_seconds=180)
        figures(drill, report, seconds=seconds, slowest_query=report.slowest_query)
        assert report.queries > 0
        return report

    return run
