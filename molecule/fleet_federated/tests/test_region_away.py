"""A region that is down, cut off or hung: the view of all says what it lacks, the others go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import fleet
import pytest
from drill_fleet import DrillFleet
from reading import Reading, read, reading
from samples import eventually

SOURCES = fleet.sources()
WHOLE = SOURCES["Global"]
REGIONS = frozenset(WHOLE.regions)
AWAY = "eu-west-1"
# The host of the region's only vmselect.
DOOR = f"{AWAY}-storage-2"
# The vmselect says 503; a gateway that finds no other one to ask says 502.
REFUSED = {502, 503}
# How long each fault is watched, in seconds.
WATCHED = 40

# After the tests that want a fleet in which nothing has failed for a while.
RUNS_LAST = True

Broken = Callable[[DrillFleet], AbstractContextManager[None]]


def down(broken: DrillFleet) -> AbstractContextManager[None]:
    """End the region's vmselect; its port refuses connections."""
    return broken.stopped(DOOR, "vmselect")


def cut_off(broken: DrillFleet) -> AbstractContextManager[None]:
    """Drop every packet between the region and the others."""
    return broken.cut_off(AWAY)


def hung(broken: DrillFleet) -> AbstractContextManager[None]:
    """Freeze the host's programs; its kernel goes on to take connections, and to acknowledge."""
    return broken.paused(DOOR)


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    """Begin and end with a view of all that is whole."""
    eventually(is_whole, seconds=120)
    yield
    eventually(is_whole, seconds=120)


def is_whole() -> bool:
    found = read(WHOLE)
    return found.status == 200 and not found.partial and found.regions == REGIONS


def others_answer() -> None:
    """See that the data sources of the other regions answer in whole, and wait for no other one."""
    for name in sorted(REGIONS - {AWAY}):
        found = [read(SOURCES[name]) for _ in range(3)]
        for each in found:
            assert (each.status, each.partial, each.regions) == (200, False, {name}), each
        # A busy machine may hold up one of them; a region that is away would hold up all.
        assert min(each.seconds for each in found) < 2, found


def watched(fault: Broken) -> tuple[float, list[Reading]]:
    """Ask for all regions before a fault and while it lasts.

    Return when it was there, and how the queries went that ended after that.
    """
    broken = DrillFleet(fleet.INVENTORY)
    with reading(WHOLE) as kept:
        time.sleep(10)
        assert not [each for each in kept if each.status != 200 or each.partial]
        with fault(broken):
            began = time.monotonic()
            time.sleep(WATCHED)
            others_answer()
            return began, [each for each in list(kept) if each.ended > began]


def described(fault: str, began: float, kept: list[Reading]) -> str:
    """Say how the queries of a fault went, for the log."""
    failed = [each for each in kept if each.status != 200]
    partial = [each for each in kept if each.partial]
    first = min((each.ended - began for each in partial), default=float("nan"))
    last = max((each.ended - began for each in failed), default=0.0)
    slowest = max(each.seconds for each in kept)
    settled = sorted(each.seconds for each in partial[len(partial) // 2 :])
    usual = settled[len(settled) // 2] if settled else float("nan")
    return (
        f"{fault}: {len(kept)} queries, {len(partial)} partial, {len(failed)} failed; "
        f"first partial answer after {first:.1f} s, last failure after {last:.1f} s, "
        f"slowest {slowest:.1f} s, in the end {usual:.2f} s"
    )


@pytest.mark.parametrize("fault", [down, cut_off, hung])
def test_an_answer_for_all_lacks_the_region_and_says_so(
    fault: Broken, capsys: pytest.CaptureFixture[str]
) -> None:
    began, kept = watched(fault)
    with capsys.disabled():
        print(f"\n{described(fault.__name__, began, kept)}")
    partial = [each for each in kept if each.partial]
    assert partial
    assert {each.regions for each in partial} == {REGIONS - {AWAY}}
    # No answer without the region pretends to be whole.
    silent = [each for each in kept if each.status == 200 and not each.partial]
    assert {each.regions for each in silent} <= {REGIONS}
    assert [each for each in kept if each.status != 200] == []


@pytest.fixture
def refusing() -> Iterator[None]:
    """Let the view of all refuse a query instead of answering it in part."""
    tags = ("--tags", "vmselect_global")
    run = fleet.play("site.yml", *tags, "-e", '{"vmselect_global_deny_partial_response": true}')
    assert run.status == 0, run.output
    yield
    run = fleet.play("site.yml", *tags)
    assert run.status == 0, run.output


@pytest.mark.usefixtures("refusing")
def test_a_query_for_all_is_refused_where_partial_answers_are() -> None:
    broken = DrillFleet(fleet.INVENTORY)
    eventually(is_whole, seconds=120)
    with broken.stopped(DOOR, "vmselect"):
        eventually(lambda: read(WHOLE).status in REFUSED, seconds=60)
        assert {read(WHOLE).status for _ in range(20)} <= REFUSED
        others_answer()
    eventually(is_whole, seconds=120)


def test_the_playbook_that_heals_finds_nothing_to_do_after_short_faults() -> None:
    run = fleet.play("heal.yml")
    assert run.status == 0, run.output
    assert not any(run.changed.values()), run.changed
    assert "Find out whether samples of a region came late" in run.output
