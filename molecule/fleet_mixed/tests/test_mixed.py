"""A region on a cluster and one on a vmsingle: what the view of all shows, and that it says so."""

from __future__ import annotations

import json
import time
import urllib.parse

import fleet
import pytest
from drill_fleet import DrillFleet
from reading import read, reading
from samples import eventually, metric, request

SOURCES = fleet.sources()
WHOLE = SOURCES["Global"]
# The metrics of the links of the vmselect of all regions.
LINKS = "http://10.46.1.11:8493"
# Two greetings without an answer, each 2 s, begin a second after the last good one.
LINKS_NOTICE_S = 6
# Without the links, a query on an open connection waits for 30 s.
WITHOUT_LINKS_S = 30


def test_the_run_warns_of_the_region_that_the_view_lacks() -> None:
    run = fleet.play("preflight.yml")
    assert run.status == 0, run.output
    assert (
        "WARNING: the global view lacks region 'eu-west-1': it is stored on a vmsingle "
        "(eu-west-1-host-1), which no vmselect can ask; read it by its own data source, or store "
        "it in vmstorage, vminsert and vmselect"
    ) in run.output


def test_every_region_is_read_by_its_own_data_source_and_the_cluster_by_the_view() -> None:
    for region in ("eu-west-1", "us-east-1"):
        eventually(lambda region=region: read(SOURCES[region]).regions == {region}, seconds=60)
    eventually(lambda: read(WHOLE).regions, seconds=60)
    found = read(WHOLE)
    assert (found.status, found.partial, found.regions) == (200, False, {"us-east-1"})


def test_the_fleet_is_verified_without_the_region_that_the_view_cannot_have() -> None:
    run = fleet.play("verify.yml")
    assert run.status == 0, run.output


def samples_of(source: fleet.Source, start: float) -> list[object]:
    """Every sample of `up` in a minute, by series, as the export gives them."""
    parameters = {"match[]": "up", "start": f"{start:.3f}", "end": f"{start + 60:.3f}"}
    arguments = urllib.parse.urlencode(parameters)
    url = f"{source.gateways[0]}/api/v1/export?{arguments}"
    answer = request(url, auth=source.auth)
    assert answer.status == 200, answer
    lines = [json.loads(line) for line in answer.text.splitlines()]
    return sorted(
        [sorted(one["metric"].items()), one["timestamps"], one["values"]] for one in lines
    )


def test_two_vmselects_of_a_region_do_not_make_its_samples_come_twice() -> None:
    eventually(lambda: samples_of(WHOLE, time.time() - 120), seconds=120)
    start = time.time() - 120
    assert samples_of(WHOLE, start)
    # Some may have come just now, between the two questions; one that comes twice stays twice.
    eventually(lambda: samples_of(WHOLE, start) == samples_of(SOURCES["us-east-1"], start))


def vmselects_that_greet() -> float:
    """How many vmselects of the region the links take for connections."""
    return metric(LINKS, "haproxy_server_status", state="UP")


def test_one_of_two_vmselects_of_a_region_that_hangs_costs_new_connections_until_the_links_notice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = DrillFleet(fleet.INVENTORY)
    eventually(lambda: vmselects_that_greet() == 2)
    with reading(WHOLE) as kept:
        time.sleep(10)
        began = time.monotonic()
        with broken.paused("us-east-1-host-2"):
            hung = time.monotonic()
            eventually(lambda: vmselects_that_greet() == 1, seconds=WITHOUT_LINKS_S - 5)
            # On a busy machine later than they should.
            noticed = max(time.monotonic(), hung + LINKS_NOTICE_S)
            time.sleep(20)
            seen = [each for each in list(kept) if each.ended > began]
    failed = [each for each in seen if each.status != 200 or each.partial]
    slowest = max(each.seconds for each in seen)
    with capsys.disabled():
        told = f"{len(seen)} queries, {len(failed)} not whole, slowest {slowest:.1f} s"
        print(f"\none of two vmselects hangs: {told}")
    # A query that opens a connection to the one that hangs waits for its greeting in vain, and
    # VictoriaMetrics does not try again. One on a connection that was open already is asked again.
    assert [each for each in failed if each.at > noticed] == []
    whole = [each for each in seen if each not in failed]
    assert {each.regions for each in whole} == {frozenset({"us-east-1"})}
    assert [each for each in whole if each.at < noticed] != []
