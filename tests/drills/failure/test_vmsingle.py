"""A vmsingle has no copy: agents keep samples while it is away, and a crash costs its memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from drill_fleet import DrillFleet
from load import Report
from samples import eventually

# vmsingle_flush_interval, at which it collects samples, and at which it looks for what is that old.
FLUSH_SECONDS = 2
UNWRITTEN_SECONDS = 2 + 2 * FLUSH_SECONDS
# The rest is what writing takes on a busy machine.
WRITING_SECONDS = 4


@pytest.fixture
def single(fleet: DrillFleet) -> str:
    """The host of the vmsingle."""
    if fleet.is_cluster:
        pytest.skip("no vmsingle here: a cluster stores the samples")
    return fleet.hosts("vmsingle")[0]


def test_agents_keep_what_a_stopped_vmsingle_does_not_take(
    fleet: DrillFleet, single: str, long: bool, outage: Callable[..., Report]
) -> None:
    def fault() -> None:
        with fleet.stopped(single, "vmsingle"):
            time.sleep(300 if long else 15)
            eventually(lambda: fleet.backlog() > 0, seconds=120)

    report = outage("vmsingle stopped", fault)
    assert report.missing == 0, report.missing_spans
    # Nothing else could answer.
    assert report.queries_failed > 0


def test_a_killed_vmsingle_loses_what_it_had_not_written_yet(
    fleet: DrillFleet, single: str, outage: Callable[..., Report]
) -> None:
    def fault() -> None:
        before = fleet.pids()[single, "vmsingle"]
        fleet.kill(single, "vmsingle")
        eventually(lambda: fleet.pids()[single, "vmsingle"] not in (0, before), seconds=180)

    report = outage("vmsingle killed", fault)
    assert report.missing <= report.rate * (UNWRITTEN_SECONDS + WRITING_SECONDS), (
        report.missing_spans
    )
