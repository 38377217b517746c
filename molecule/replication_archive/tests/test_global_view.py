"""Copies in a view of both regions: each sample is there once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from fleet import CREDENTIALS
from load import Load
from samples import eventually, query, scalar
from two_regions import COPIED, EU, US, Regions, assert_whole

USER = "operator-global"
# The agent's queue for copies, where a scrape found it empty.
EMPTY = 'count(vm_persistentqueue_bytes_pending{job="vmagent",name=~"2:.*"} == 0)'
# Every sample of the load; what a sum counts twice shows here.
COUNTED = "sum(count_over_time(meridian_load[1d]))"


@pytest.fixture
def auth() -> tuple[str, str]:
    """Who reads both regions."""
    return USER, (CREDENTIALS / f"{USER}.txt").read_text().strip()


@pytest.fixture(scope="module", params=["full", "selective"])
def mode(request: pytest.FixtureRequest, regions: Regions) -> str:
    """The mode that the fleet is in."""
    regions.site(str(request.param))
    return str(request.param)


def assert_healing_waits_for_copies(regions: Regions, mode: str) -> None:
    """heal.yml does not go on while copies wait, and says where for."""
    run = regions.play("heal.yml", mode, "--limit", "us_east_1", "-e", "heal_seconds=3")
    assert run.status != 0
    waits = rf"vmagent still holds back after \d+ s: \S+ MB for 2:\S+//\S*gateway\.{EU}\."
    assert re.search(waits, " ".join(run.output.split())), run.output[-6000:]
    assert "Make the answers" not in run.output


def test_what_is_stored_in_two_regions_is_counted_once(
    regions: Regions,
    start_load: Callable[[], Load],
    tell: Callable[..., None],
    auth: tuple[str, str],
    mode: str,
) -> None:
    load = start_load()
    time.sleep(10)
    # To heal.yml, a queue that no scrape has ever found empty is an old backlog.
    eventually(lambda: regions.ask(US, EMPTY) > 0)
    with regions.away(EU):
        time.sleep(10)
        assert_healing_waits_for_copies(regions, mode)
    for place in (1, 2):
        eventually(lambda place=place: regions.backlog(place) == 0, seconds=300)  # type: ignore[misc]
    report = load.stop(settle_seconds=120)
    copied = regions.agents(COPIED[mode])
    there = load.held([regions.gateway(EU)], agents=copied, settle_seconds=120)
    whole = load.held([regions.gateway(US)], auth=auth, settle_seconds=120)
    tell(f"{mode}, {EU} away", report, there)
    tell(f"{mode}, the view of both", whole, None)
    for counted in (report, there, whole):
        assert_whole(counted)
    healed = regions.play("heal.yml", mode)
    assert healed.status == 0, healed.output[-6000:]
    assert not any(healed.changed.values())


def test_a_sum_over_both_regions_is_that_of_the_own_one(
    regions: Regions, auth: tuple[str, str], mode: str
) -> None:
    assert mode in COPIED
    here = regions.ask(US, COUNTED)
    assert here > 0
    assert 0 < regions.ask(EU, COUNTED) <= here
    assert scalar(query(regions.gateway(US), COUNTED, auth=auth)) == here


def test_both_regions_are_in_the_view(regions: Regions, auth: tuple[str, str], mode: str) -> None:
    assert mode in COPIED
    for region in (US, EU):
        asked = f'count(last_over_time(up{{region="{region}"}}[1m]))'

        def the_same(region: str = region, asked: str = asked) -> bool:
            there = regions.ask(region, asked)
            return scalar(query(regions.gateway(US), asked, auth=auth)) == there > 0

        eventually(the_same, seconds=120)


def test_a_fleet_with_copies_and_a_view_of_both_is_verified(regions: Regions, mode: str) -> None:
    run = regions.play("verify.yml", mode)
    assert run.status == 0, run.output[-6000:]
