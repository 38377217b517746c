"""An agent with a backlog is restarted, and killed, while its region is cut off."""

from __future__ import annotations

import time
from collections.abc import Callable

from drill_fleet import DrillFleet
from load import Report
from samples import eventually

REGION, AGENT = "eu-west-1", "eu-west-1-agent-1"
# The role's defaults.
QUEUES, ROWS_PER_BLOCK = 4, 10_000
# It makes a block once a second or two, and makes sure of the disk once a second.
UNWRITTEN_SECONDS = 3


def with_a_backlog(fleet: DrillFleet, break_it: Callable[[str, str], None], seconds: int) -> None:
    """Cut the region off for so long that a backlog is there, break the agent, and heal."""
    pending = "vm_persistentqueue_bytes_pending"
    before = fleet.pids()[AGENT, "vmagent"]
    with fleet.cut_off(REGION):
        time.sleep(seconds)
        # It writes to its disk what has waited in memory for five seconds, while nothing goes out.
        eventually(lambda: fleet.metric(AGENT, "vmagent", pending) > 0, seconds=120)
        break_it(AGENT, "vmagent")
        time.sleep(5)
    assert fleet.pids()[AGENT, "vmagent"] != before


def test_an_agent_that_is_restarted_with_a_backlog_loses_nothing(
    fleet: DrillFleet, long: bool, outage: Callable[..., Report]
) -> None:
    report = outage(
        "vmagent restarted with a backlog",
        lambda: with_a_backlog(fleet, fleet.restart, 120 if long else 15),
    )
    assert report.missing == 0, report.missing_spans
    assert report.queries_failed == 0, report.query_failures


def test_an_agent_that_is_killed_with_a_backlog_loses_what_it_had_not_written_yet(
    fleet: DrillFleet, long: bool, outage: Callable[..., Report]
) -> None:
    report = outage(
        "vmagent killed with a backlog",
        lambda: with_a_backlog(fleet, fleet.kill, 120 if long else 15),
    )
    # What it was sending, and what it had collected and not yet written to its disk.
    bound = QUEUES * ROWS_PER_BLOCK + UNWRITTEN_SECONDS * report.rate / len(fleet.agents)
    assert report.missing <= bound, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
