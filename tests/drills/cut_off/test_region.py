"""A region is cut off from its storage region and healed: nothing lost, no gap in an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from drill_fleet import DrillFleet
from load import Load
from samples import eventually, request

REGION, AGENT = "eu-west-1", "eu-west-1-agent-1"
STEP = 5
# What no cache keeps: short, so that a short outage is longer, and longer than what the load takes
# to find a tick, which is up to 20 s old then, on a busy machine.
SHORT_OFFSET, LONG_OFFSET = 35, 300


@pytest.fixture
def offset(fleet: DrillFleet, long: bool) -> Iterator[int]:
    """Seconds of the newest results that are not kept (-search.cacheTimestampOffset)."""
    if long:
        yield LONG_OFFSET
        return
    component = "vmselect" if fleet.is_cluster else "vmsingle"
    args = {f"{component}_extra_args": {"search.cacheTimestampOffset": f"{SHORT_OFFSET}s"}}
    fleet.site("--tags", component, "-e", json.dumps(args))
    fleet.settle()
    yield SHORT_OFFSET
    fleet.site("--tags", component)


def readers(fleet: DrillFleet) -> list[str]:
    """Base URLs of what answers queries, each with a cache of its own, past the gateways."""
    if fleet.is_cluster:
        found = [fleet.url(host, "vmselect") for host in fleet.hosts("vmselect")]
        return [f"{url}/select/0/prometheus" for url in found]
    return [fleet.url(host, "vmsingle") for host in fleet.hosts("vmsingle")]


def gaps(reader: str, start: int, end: int, **more: str) -> set[int]:
    """Times of a range query at which some series of the region's agent have no sample."""
    series = f'meridian_load{{agent="{AGENT}",series=~"1.."}}'
    parameters = {
        "query": f"count(count_over_time({series}[{STEP}s]))",
        "start": str(start),
        "end": str(end),
        "step": f"{STEP}s",
        **more,
    }
    answer = request(f"{reader}/api/v1/query_range?{urlencode(parameters)}")
    assert answer.status == 200, answer
    result = json.loads(answer.text)["data"]["result"]
    full = {int(at) for one in result for at, value in one["values"] if float(value) == 100}
    return set(range(start, end + 1, STEP)) - full


def test_a_region_that_was_cut_off_has_no_gap_afterwards(
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    long: bool,
    offset: int,
) -> None:
    load = start_load()
    time.sleep(30)
    with fleet.cut_off(REGION):
        start = int(time.time()) // STEP * STEP - 3 * STEP
        time.sleep(900 if long else 90)
        end = int(time.time()) // STEP * STEP - STEP
        assert end - start > 2 * offset, "what is late enough to be kept out of a cache"
        for reader in readers(fleet):
            assert gaps(reader, start, end)
        if long:
            assert "RegionStale" in fleet.alerts()
    seconds = fleet.settle(seconds=900)
    for reader in readers(fleet):
        eventually(lambda url=reader: not gaps(url, start, end, nocache="1"), seconds=300)  # type: ignore[misc]
    if fleet.is_cluster:
        heal(fleet, start, end, alert=long)
    for reader in readers(fleet):
        # A vmsingle looks for late samples every five seconds.
        eventually(lambda url=reader: not gaps(url, start, end), seconds=180)  # type: ignore[misc]
    report = load.stop(settle_seconds=180)
    figures("region cut off", report, seconds=seconds)
    assert report.missing == 0, report.missing_spans
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0


def heal(fleet: DrillFleet, start: int, end: int, *, alert: bool) -> None:
    """See the gap in every vmselect's cache, heal, and see that a second run has nothing to do."""
    for reader in readers(fleet):
        assert gaps(reader, start, end), "without a gap there is nothing to heal"
    if alert:
        eventually(lambda: "QueriesMayShowGap" in fleet.alerts(), seconds=600)
    first = fleet.play("heal.yml")
    assert first.status == 0, first.output[-6000:]
    assert {host for host, changed in first.changed.items() if changed} == set(
        fleet.hosts("vmselect")
    )
    second = fleet.play("heal.yml")
    assert second.status == 0, second.output[-6000:]
    assert not any(second.changed.values()), second.changed
    if alert:
        eventually(lambda: "QueriesMayShowGap" not in fleet.alerts(), seconds=600)
