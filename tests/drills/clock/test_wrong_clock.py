"""The clock of an agent's host is three days ahead, and three days behind.

All programs of the host that tell the time of day live in it: the agent, whose samples get its
time, and the node exporter. What applications push has a time of its own and is not concerned.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from clock.wrong_clock import is_possible, wrong_clock
from drill_fleet import DrillFleet
from load import Load
from samples import eventually, request

DAY = 86400
OFF = 3 * DAY
# The only agent of its region, so that nobody else looks at its host.
AGENT = "eu-west-1-agent-1"
CLUSTER = "eu-west-1-eks-01-prod"
# A host that another agent scrapes.
OTHER = "us-east-1-storage-1"
PROGRAMS = ("vmagent", "node_exporter")
ALERT_SECONDS = 900
# As the inventories of the drills have it.
SCRAPE_SECONDS = 5
SCRAPED = "vm_promscrape_scraped_samples_sum"
# What the agent scrapes, and of that what it says about itself.
ALL_SCRAPES = f'{{cluster="{CLUSTER}",__name__!~"meridian_load|.*:.*|ALERTS.*"}}'
OWN_SCRAPES = f'up{{cluster="{CLUSTER}",job="vmagent"}}'

pytestmark = pytest.mark.skipif(not is_possible(), reason="a clock is only wrong on x86-64")


@contextmanager
def host_clock(fleet: DrillFleet, host: str, seconds: int) -> Iterator[float]:
    """Set the clock of a host's programs ahead, or behind; gives the right time it began at."""
    found = fleet.processes(host)
    with wrong_clock([found[name] for name in PROGRAMS if name in found], seconds):
        yield time.time()


def times(fleet: DrillFleet, selector: str, start: float, end: float) -> list[float]:
    """Sorted times of all samples that a reader gets, in seconds."""
    parameters = {"match[]": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"}
    url = f"{fleet.gateways[0]}/api/v1/export?{urllib.parse.urlencode(parameters)}"
    answer = request(url, auth=fleet.operator)
    assert answer.status == 200, answer
    rows = map(json.loads, answer.text.splitlines())
    return sorted(stamp / 1000 for row in rows for stamp in row["timestamps"])


def ignored(fleet: DrillFleet) -> float:
    """Samples that the storage threw away for their time; one that has two copies counts once."""
    component, copies = ("vmstorage", 2) if fleet.is_cluster else ("vmsingle", 1)
    name, reason = "vm_rows_ignored_total", "big_timestamp"
    hosts = fleet.hosts(component)
    return sum(fleet.metric(host, component, name, reason=reason) for host in hosts) / copies


def await_alert(fleet: DrillFleet, name: str, states: Collection[str]) -> None:
    """Wait until an alert is in one of these states."""
    eventually(lambda: name in fleet.alerts(states), seconds=ALERT_SECONDS)


def await_quiet(fleet: DrillFleet, names: set[str]) -> None:
    """Wait until none of these alerts is pending or fires."""
    eventually(lambda: not fleet.alerts(("pending", "firing")) & names, seconds=ALERT_SECONDS)


def test_a_wrong_clock_is_alerted_and_costs_only_what_its_agent_scrapes(
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    long: bool,
) -> None:
    thrown_before = ignored(fleet)
    started = time.time()
    scraped_before = fleet.metric(AGENT, "vmagent", SCRAPED)
    # The short form leaves the rest of the time before it fires to the tests of the rules.
    states = ("firing",) if long else ("pending", "firing")
    unheard = {"AgentClockWrong", "HostClockOff"}
    load = start_load()
    time.sleep(15)

    # In the long form the clock is right between the two; the short one turns it at once.
    wrong = ExitStack()
    with wrong:
        ahead_at = wrong.enter_context(host_clock(fleet, AGENT, OFF))
        with host_clock(fleet, OTHER, OFF):
            await_alert(fleet, "StorageSamplesIgnored", ("firing",))
            ignored_after = time.time() - ahead_at
            # Of a host that another agent scrapes, the difference itself is known.
            await_alert(fleet, "HostClockOff", states)
        spans = [ahead_at]
        if long:
            await_alert(fleet, "AgentClockWrong", states)
            wrong.close()
            spans += [time.time()]
            await_quiet(fleet, unheard)
        with host_clock(fleet, AGENT, -OFF) as behind_at:
            await_alert(fleet, "AgentClockWrong", states)
            right_at = time.time()
    spans += [behind_at, right_at] if long else [right_at]
    eventually(lambda: times(fleet, OWN_SCRAPES, right_at, time.time()), seconds=300)
    recovered = time.time() - right_at + fleet.settle()
    time.sleep(5)
    report = load.stop()

    # What is scraped from now on is not counted.
    ended = time.time()
    scraped = fleet.metric(AGENT, "vmagent", SCRAPED) - scraped_before
    thrown = ignored(fleet) - thrown_before
    misplaced = len(times(fleet, ALL_SCRAPES, behind_at - OFF, right_at - OFF + 1))
    stored = len(times(fleet, ALL_SCRAPES, started, ended))
    figures(
        "clock three days off",
        report,
        seconds=recovered,
        ahead_seconds=round((spans[1] if long else behind_at) - ahead_at),
        behind_seconds=round(right_at - behind_at),
        thrown_away=round(thrown),
        misplaced=misplaced,
        ignored_alert_after=round(ignored_after),
        clock_alert=states[0],
        clock_alert_after=round(right_at - (behind_at if long else ahead_at)),
    )
    # What has a time of its own is all there.
    assert report.missing == 0, report.missing_spans
    assert report.duplicated == 0
    assert report.queries_failed == 0, report.query_failures
    # Nothing that was scraped meanwhile is where it belongs, and each sample is accounted for. A
    # scrape adds a few series of its own (up, ...), and one may be on its way at either end.
    for start, end in zip(spans[::2], spans[1::2], strict=True):
        assert times(fleet, ALL_SCRAPES, start + SCRAPE_SECONDS, end) == []
        # A busy agent leaves scrapes out.
        others = times(fleet, f'up{{cluster!="{CLUSTER}",job="vmagent"}}', start, end)
        assert len(others) >= (end - start) / SCRAPE_SECONDS * 0.5
    assert thrown > 0
    assert misplaced > 0
    assert stored + thrown + misplaced == pytest.approx(scraped, rel=0.1)
    await_quiet(fleet, unheard)
