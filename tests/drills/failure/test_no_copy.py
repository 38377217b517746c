"""Where two programs serve and neither keeps samples, and what a killed vminsert takes with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from drill_fleet import DrillFleet
from load import Report
from samples import eventually

# What a vminsert has acknowledged and not yet sent to a storage node: agents send once a second,
# and it collects for 0.2 s. The rest is what sending takes on a busy machine.
UNSENT_SECONDS = 1 + 0.2 + 0.8
# Of each sample, on different storage nodes.
COPIES = 2


def killed(
    fleet: DrillFleet, host: str, component: str, when: Callable[[], object] = lambda: True
) -> None:
    """Kill a program, at a moment that is right, and wait until it is another process."""
    before = fleet.pids()[host, component]
    eventually(when, seconds=180)
    fleet.kill(host, component)
    eventually(lambda: fleet.pids()[host, component] not in (0, before), seconds=180)


@pytest.mark.parametrize("component", ["vmselect", "vmauth"])
def test_one_of_two_that_keep_nothing_is_killed(
    component: str, fleet: DrillFleet, outage: Callable[..., Report]
) -> None:
    if not fleet.hosts(component):
        pytest.skip(f"no {component} here")

    def fault() -> None:
        killed(fleet, fleet.hosts(component)[0], component)
        time.sleep(5)

    report = outage(f"{component} killed", fault)
    assert report.missing == 0, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0


def test_a_killed_vminsert_loses_what_it_had_not_sent_yet(
    fleet: DrillFleet, outage: Callable[..., Report], rate: int
) -> None:
    if not fleet.hosts("vminsert"):
        pytest.skip("no vminsert here")
    host = fleet.hosts("vminsert")[0]

    def no_node_is_late() -> bool:
        return fleet.metric(host, "vminsert", "vm_rpc_rows_pending") <= COPIES * rate

    # It holds more while storage nodes get no processor; that is not what is looked at here.
    report = outage("vminsert killed", lambda: killed(fleet, host, "vminsert", no_node_is_late))
    assert report.missing <= report.rate * UNSENT_SECONDS, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0
