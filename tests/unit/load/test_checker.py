"""The checker finds every sample that is not as it was sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import checker
import pytest
from checker import Count, NoAnswer, Portion, compare, portions, settle, spans
from gateway import Gateway
from plan import Plan

PLAN = Plan(start=1_000_000, interval=1000, series=3, agents={"a": "http://x"})
PORTION = Portion("a", 10, 14)
TICKS = range(10, 14)


def line(number: object, ticks: Any = TICKS, **changes: Any) -> bytes:
    """A series of an export; `values` and `timestamps` replace what the ticks would have."""
    content = {
        "metric": {"__name__": "meridian_load", "cluster": "c1", "series": f"{number}", "z": "1"},
        "values": list(ticks),
        "timestamps": [PLAN.time(tick) for tick in ticks],
        **changes,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def count(*lines: bytes) -> Count:
    return compare(PLAN, PORTION, lines)


def test_all_that_was_sent_is_stored() -> None:
    assert count(line(0), line(1), line(2)) == Count(stored=12)


def test_the_text_of_the_export_may_be_another() -> None:
    loose = json.dumps(json.loads(line(2))).replace('"series": ', '"series":').encode()
    assert b", " in loose
    floats = line(1, values=[10.0, 11.0, 12.0, 13.0])
    assert count(line(0), floats, loose) == Count(stored=12)


def test_a_sample_that_is_missing_is_known_by_its_tick() -> None:
    assert count(line(0), line(1, [10, 11, 13]), line(2)) == Count(stored=11, missing={12: 1})


def test_a_series_that_is_missing_misses_every_tick() -> None:
    expected = Count(stored=4, missing=dict.fromkeys(TICKS, 2))
    assert count(line(0)) == expected


def test_an_empty_export_misses_everything() -> None:
    assert count() == Count(missing=dict.fromkeys(TICKS, 3))


def test_a_second_sample_at_the_same_time_is_duplicated() -> None:
    found = count(line(0), line(1, [10, 10, 11, 12, 13]), line(2))
    assert found == Count(stored=12, duplicated=1)


@pytest.mark.parametrize("order", [1, -1])
def test_a_series_with_two_sets_of_labels_is_duplicated_where_they_overlap(order: int) -> None:
    lines = [line(0), line(0, [12, 13])][::order]
    assert count(*lines, line(1), line(2)) == Count(stored=12, duplicated=2)


def test_the_same_series_twice_is_duplicated() -> None:
    assert count(line(0), line(0), line(1), line(2)) == Count(stored=12, duplicated=4)


def test_a_series_may_be_split_over_lines() -> None:
    assert count(line(0, [10, 11]), line(1), line(0, [12, 13]), line(2)) == Count(stored=12)


def test_a_wrong_value_is_wrong_and_what_was_sent_is_missing() -> None:
    found = count(line(0), line(1, values=[10, 99, 12, 13]), line(2))
    assert found == Count(stored=11, wrong=1, missing={11: 1})


def test_a_time_that_was_not_sent_is_wrong() -> None:
    at = [PLAN.time(tick) for tick in TICKS]
    found = count(
        line(0),
        line(1, values=[10, 10, *TICKS[1:]], timestamps=[at[0], at[0] + 1, *at[1:]]),
        line(2),
    )
    assert found == Count(stored=12, wrong=1)


@pytest.mark.parametrize("number", [3, "x", ""])
def test_a_series_that_was_not_sent_is_wrong(number: object) -> None:
    assert count(line(0), line(1), line(2), line(number)) == Count(stored=12, wrong=4)


def test_what_is_no_export_is_no_count() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        count(b"cannot fetch data: timeout")


def test_portions_cover_what_was_acknowledged_once() -> None:
    many = Plan(start=0, interval=1000, series=20000, agents={})
    cut = portions(many, {"a": 250, "b": 0, "c": 100})
    assert cut == [
        Portion("a", 0, 100),
        Portion("a", 100, 200),
        Portion("a", 200, 250),
        Portion("c", 0, 100),
    ]


def test_gaps_are_told_with_their_agent_and_times() -> None:
    counts = {
        Portion("a", 0, 10): Count(missing={4: 1, 8: 2, 9: 3}),
        Portion("a", 10, 20): Count(missing={10: 3, 12: 1}),
        Portion("b", 0, 10): Count(missing={9: 3}),
    }
    assert spans(PLAN, counts) == [
        {"agent": "a", "start": 1004.0, "end": 1004.0, "samples": 1},
        {"agent": "a", "start": 1008.0, "end": 1010.0, "samples": 8},
        {"agent": "a", "start": 1012.0, "end": 1012.0, "samples": 1},
        {"agent": "b", "start": 1009.0, "end": 1009.0, "samples": 3},
    ]


@pytest.fixture
def storage(server: Any) -> Any:
    """A server that has 20 ticks of agent a."""
    (names,) = PLAN.requests()
    for tick in range(20):
        server.take("a", PLAN.body(names, tick).decode())
    return server


def gateway(server: Any) -> Gateway:
    return Gateway(server.url, ("operator", "secret"))


def test_everything_is_counted_in_portions(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "PORTION_TICKS", 8)
    counts = settle(PLAN, [gateway(storage)], {"a": 20}, 0)
    assert [each.stored for each in counts.values()] == [24, 24, 12]
    assert not spans(PLAN, counts)


def test_what_was_not_acknowledged_is_not_counted(storage: Any) -> None:
    assert settle(PLAN, [gateway(storage)], {"a": 5}, 0) == {Portion("a", 0, 5): Count(stored=15)}


def test_what_arrives_late_is_waited_for(storage: Any) -> None:
    late = storage.samples["a", 1].pop(3)
    asked = 0

    def arrive(path: str) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            storage.samples["a", 1].insert(3, late)

    storage.behave = arrive
    counts = settle(PLAN, [gateway(storage)], {"a": 20}, 30)
    assert (asked, counts) == (2, {Portion("a", 0, 20): Count(stored=60)})


def test_what_never_arrives_is_missing_when_the_time_is_over(storage: Any) -> None:
    del storage.samples["a", 1][3]
    counts = settle(PLAN, [gateway(storage)], {"a": 20}, 1)
    assert counts == {Portion("a", 0, 20): Count(stored=59, missing={3: 1})}


def test_what_never_arrives_is_not_waited_for_when_nothing_else_comes_either(
    storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "STILL_SECONDS", 0.1)
    del storage.samples["a", 1][3]
    started = time.monotonic()
    counts = settle(PLAN, [gateway(storage)], {"a": 20}, 300)
    assert counts == {Portion("a", 0, 20): Count(stored=59, missing={3: 1})}
    assert time.monotonic() - started < 150


def test_the_next_gateway_is_asked_when_one_cannot_export(
    storage: Any, make_server: Callable[[], Any]
) -> None:
    broken = make_server()
    broken.behave = lambda _path: 503
    stopped = make_server()
    stopped.stop()
    resetting = make_server()
    resetting.behave = lambda _path: "reset"
    gateways = [gateway(each) for each in (broken, stopped, resetting, storage)]
    assert settle(PLAN, gateways, {"a": 20}, 0) == {Portion("a", 0, 20): Count(stored=60)}
    stopped.start()


def test_no_count_is_made_up_when_no_gateway_exports(server: Any) -> None:
    server.behave = lambda _path: 503
    with pytest.raises(NoAnswer, match=f"{server.url}: 503 as the test wants it"):
        settle(PLAN, [gateway(server)], {"a": 20}, 0)


def test_half_a_line_is_no_export(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = storage.answer
    monkeypatch.setattr(storage, "answer", lambda path, asked: whole(path, asked)[:-20])
    with pytest.raises(NoAnswer, match="ends in half a line"):
        settle(PLAN, [gateway(storage)], {"a": 20}, 0)
