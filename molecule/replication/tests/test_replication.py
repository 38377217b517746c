"""Each mode of replication, with exact counts on both sides, through an outage of either side."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from load import Held, Load
from samples import eventually
from two_regions import COPIED, EU, KEPT, LEFT, MODES, US, Regions, assert_whole

# Runs of the own region alone.
OWN = ("--limit", "us_east_1")


@pytest.fixture(scope="module", params=list(MODES))
def mode(request: pytest.FixtureRequest, regions: Regions) -> str:
    """The mode that the fleet is in: one run of site.yml, and a second one changes nothing."""
    name = str(request.param)
    # Without copies it was converged, and that a second time.
    if name != "none":
        regions.site(name)
        assert not any(regions.site(name).changed.values())
    return name


def assert_copied(regions: Regions, load: Load, mode: str) -> Held | None:
    """What eu-west-1 has is what the mode sends there: all of it, and nothing else."""
    there = None
    others = {*regions.agents()} - {*regions.agents(COPIED[mode])}
    if COPIED[mode]:
        copied = regions.agents(COPIED[mode])
        there = load.held([regions.gateway(EU)], agents=copied, settle_seconds=120)
        assert_whole(there)
    if others:
        assert load.held([regions.gateway(EU)], agents=others).stored == 0
    return there


@pytest.mark.parametrize("gone", [EU, US])
def test_an_outage_delays_only_what_goes_to_the_region_that_is_away(
    regions: Regions,
    start_load: Callable[[], Load],
    tell: Callable[..., None],
    mode: str,
    gone: str,
) -> None:
    living = EU if gone == US else US
    readers = [regions.gateway(living)]
    sent_to = {US: regions.agents(), EU: regions.agents(COPIED[mode])}
    places = {US: 1, EU: 2}
    load = start_load()
    time.sleep(5)
    with regions.away(gone):
        for _ in range(3):
            time.sleep(5)
            before = regions.backlog(places[gone])
            if sent_to[living]:
                due = load.sent() * len(sent_to[living]) // len(regions.agents())
                eventually(
                    lambda due=due: load.held(readers, agents=sent_to[living]).stored >= due,  # type: ignore[misc]
                    seconds=120,
                )
                eventually(lambda: regions.backlog(places[living]) == 0, seconds=120)
            if sent_to[gone]:
                eventually(
                    lambda before=before: regions.backlog(places[gone]) > before,  # type: ignore[misc]
                    seconds=60,
                )
    for place in (1, 2):
        eventually(lambda place=place: regions.backlog(place) == 0, seconds=300)  # type: ignore[misc]
    report = load.stop(settle_seconds=180)
    there = assert_copied(regions, load, mode)
    tell(f"{mode}, {gone} away", report, there)
    assert_whole(report)


def test_samples_are_in_no_region_that_did_not_ask_for_them(regions: Regions, mode: str) -> None:
    eventually(lambda: regions.ask(US, 'count(up{region="us-east-1"})') > 0, seconds=60)
    assert regions.ask(US, 'count({region!="us-east-1",job!=""})') == 0
    eventually(lambda: regions.ask(EU, 'count(up{region="eu-west-1"})') > 0, seconds=60)
    if mode == "none":
        assert regions.ask(EU, 'count(last_over_time({region="us-east-1"}[1h]))') == 0


def test_both_regions_know_a_copy_by_the_same_labels(regions: Regions, mode: str) -> None:
    if mode == "none":
        pytest.skip("there are no copies in this mode")
    every = "sort_by_label(count by (__name__,env,region,storage_region,cluster,availability_zone,"
    asked = f'{every}instance,job) (last_over_time(up{{region="us-east-1"}}[1m])), "instance")'

    def the_same() -> bool:
        here, there = regions.series(US, asked), regions.series(EU, asked)
        return here == there and len(there) >= 7

    eventually(the_same, seconds=120)


def test_a_selection_is_what_its_matchers_select_and_no_more(regions: Regions, mode: str) -> None:
    if mode != "selective":
        pytest.skip("every sample is sent, or none")
    names = 'count by (__name__) (last_over_time({region="us-east-1"}[10s]))'
    eventually(
        lambda: {dict(labels)["__name__"] for labels in regions.series(EU, names)} == {"up"},
        seconds=120,
    )


def test_rules_do_not_see_copies_and_people_do(regions: Regions, mode: str) -> None:
    copies = 'count(last_over_time(up{region="us-east-1"}[1m]))'
    eventually(lambda: (regions.ask(EU, copies) > 0) == (mode != "none"), seconds=120)
    assert regions.ask(EU, copies, user="vmalert") == 0
    assert regions.ask(EU, 'count(up{region="eu-west-1"})', user="vmalert") > 0


def test_other_matchers_are_taken_over_without_a_restart(regions: Regions, mode: str) -> None:
    if mode != "selective":
        pytest.skip("there are no matchers in this mode")
    pids = regions.fleet.pids()
    regions.site("another selection")
    names = 'count by (__name__) (last_over_time({region="us-east-1"}[10s]))'
    eventually(
        lambda: (
            {dict(labels)["__name__"] for labels in regions.series(EU, names)}
            == {"up", "vm_app_uptime_seconds"}
        ),
        seconds=120,
    )
    regions.site(mode, *OWN, "--tags", "vmagent,prometheus_receiver")
    assert regions.fleet.pids() == pids


def test_each_url_has_a_queue_and_a_cap_of_its_own(regions: Regions, mode: str) -> None:
    caps = {"none": ["5500MB"], "full": ["5500MB", "10500MB"], "selective": ["5500MB", "5500MB"]}
    agent = regions.flags("us-agent-1", "vmagent")
    assert agent["remoteWrite.maxDiskUsagePerURL"] == caps[mode]
    receiver = regions.flags("us-receiver-1", "prometheus_receiver")
    assert receiver["remoteWrite.maxDiskUsagePerURL"] == [*caps[mode], "1000MB"]
    for host in regions.writers():
        names = regions.fleet.shell(host, "cat /etc/hosts").count(".meridian.internal")
        assert names == len(caps[mode])


def test_a_fleet_with_copies_is_verified(regions: Regions, mode: str) -> None:
    run = regions.play("verify.yml", mode)
    assert run.status == 0, run.output[-6000:]


def test_a_region_that_gets_copies_and_is_away_is_named(regions: Regions, mode: str) -> None:
    if mode == "none":
        pytest.skip("there are no copies in this mode")
    with regions.fleet.stopped("eu-storage-1", "vmauth"):
        run = regions.play("verify.yml", mode, "-e", "verify_seconds=10")
    said = [line for line in run.output.splitlines() if "ERROR: us-east-1: no answer" in line]
    assert run.status != 0
    assert len(said) == 1, run.output[-6000:]
    assert "no answer from the gateway of eu-west-1" in said[0]
    assert "which gets copies" in said[0]


def test_an_agent_can_be_changed_while_the_region_that_gets_copies_is_away(
    regions: Regions, start_load: Callable[[], Load], tell: Callable[..., None], mode: str
) -> None:
    if mode == "none":
        pytest.skip("there are no copies in this mode")
    load = start_load()
    with regions.fleet.stopped("eu-storage-1", "vmauth"):
        time.sleep(10)
        for tags in ("vmagent,prometheus_receiver", "vmsingle"):
            pids = regions.fleet.pids()
            regions.site(
                mode,
                *(*OWN, "--tags", tags),
                *("-e", '{"vmagent_queues": 3, "vmsingle_retention": "400d"}'),
                *("-e", '{"prometheus_receiver_samples_per_second": 9000}'),
            )
            assert regions.fleet.pids() != pids
    regions.site(mode, *OWN, "--tags", "vmagent,prometheus_receiver,vmsingle")
    for place in (1, 2):
        eventually(lambda place=place: regions.backlog(place) == 0, seconds=300)  # type: ignore[misc]
    report = load.stop(settle_seconds=180)
    tell(f"{mode}, changed while {EU} is away", report, assert_copied(regions, load, mode))
    assert_whole(report)


def test_a_change_of_the_mode_loses_nothing(
    regions: Regions, start_load: Callable[[], Load], tell: Callable[..., None]
) -> None:
    regions.site("none")
    load = start_load()
    time.sleep(5)
    for name in ("full", "selective", "none"):
        regions.site(name)
        time.sleep(5)
    report = load.stop(settle_seconds=120)
    tell("none, full, selective, none", report, None)
    assert_whole(report)
    ends: dict[str, list[float]] = {KEPT: [], LEFT: []}
    for agent in regions.agents():
        there = load.held([regions.gateway(EU)], agents=[agent])
        # Before it was asked for, and after; between the two nothing is missing.
        assert len(there.missing_spans) == 2, there.missing_spans
        assert (there.duplicated, there.wrong) == (0, 0)
        assert there.stored > 0
        ends[agent.split()[1]].append(there.missing_spans[1]["start"])
    assert max(ends[LEFT]) < min(ends[KEPT])
