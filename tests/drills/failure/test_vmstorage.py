"""A storage node that is stopped, killed, frozen or hangs: what the other nodes have is enough."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from drill_fleet import DrillFleet
from load import Report
from samples import eventually

# A query waits for a node that hangs until its own end (-search.maxQueryDuration of 30 s, and 2 s
# more), and a write for 60 s.
QUERY_SECONDS, WRITE_SECONDS = 32, 60
# A node that was away for longer than a query may take reckons, on waking up, with the clock of the
# moment it hung (Go's programs of this family look at the clock once a second). So it may take for
# overdue what was under way then or came within that second; a busy host looks a little later.
WAKING_SECONDS = 3


@pytest.fixture
def node(fleet: DrillFleet) -> str:
    """One of the storage nodes."""
    if not fleet.is_cluster:
        pytest.skip("no vmstorage here: a vmsingle has no other copy")
    return fleet.hosts("vmstorage")[1]


def test_a_node_that_is_stopped_for_a_while(
    fleet: DrillFleet, node: str, long: bool, outage: Callable[..., Report]
) -> None:
    def fault() -> None:
        with fleet.stopped(node, "vmstorage"):
            time.sleep(300 if long else 15)
            reachable = "vm_rpc_vmstorage_is_reachable"
            inserts = fleet.hosts("vminsert")
            eventually(lambda: {fleet.metric(on, "vminsert", reachable) for on in inserts} == {2})

    report = outage("vmstorage stopped", fault)
    assert report.missing == 0, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0


def test_a_node_that_is_killed_and_whose_host_freezes_then(
    fleet: DrillFleet, node: str, long: bool, outage: Callable[..., Report]
) -> None:
    def fault() -> None:
        fleet.kill(node, "vmstorage")
        with fleet.frozen(node):
            time.sleep(300 if long else 20)

    report = outage("vmstorage killed, its host frozen", fault)
    assert report.missing == 0, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0


def test_a_node_that_hangs_while_its_kernel_answers(
    fleet: DrillFleet, node: str, long: bool, outage: Callable[..., Report]
) -> None:
    woken = []  # not before the first, and by the second

    def fault() -> None:
        with fleet.paused(node):
            time.sleep(2 * WRITE_SECONDS if long else QUERY_SECONDS + 8)
            woken.append(time.time())
        woken.append(time.time())

    report = outage("vmstorage hangs", fault)
    assert report.missing == 0, report.missing_spans
    assert report.queries_partial == 0
    overdue = [one for one in report.query_failures if "cannot execute request in" in one["error"]]
    assert report.queries_failed == len(overdue), report.query_failures
    # Under way at that moment: until it, a query ends after QUERY_SECONDS, or a little later on a
    # busy machine, with the other's answer.
    longest = max(QUERY_SECONDS, report.slowest_query)
    under_way = woken[0] - longest, woken[1] + WAKING_SECONDS
    for one in overdue:
        assert under_way[0] <= one["at"] <= under_way[1], (under_way, one)
