"""The querier counts as a client with all gateways' addresses would feel it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from gateway import Gateway
from plan import Plan
from querier import Querier

SERIES = 400


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    """The time for the querier, which stands still: how long a test takes changes no answer."""
    at = float(int(time.time()))
    monkeypatch.setattr("querier.time", SimpleNamespace(time=lambda: at))
    return at


@pytest.fixture
def plan(now: float) -> Plan:
    """A load that began half a minute ago."""
    start = int(now - 30) * 1000
    return Plan(start=start, interval=1000, series=SERIES, agents={"a": "http://x"})


@pytest.fixture
def gateways(make_server: Callable[[], Any], plan: Plan) -> list[Any]:
    """Two gateways with everything that was sent so far."""
    servers = [make_server(), make_server()]
    (names,) = plan.requests()
    for server in servers:
        for tick in range(40):
            server.take("a", plan.body(names, tick).decode())
    return servers


def querier(plan: Plan, gateways: list[Any]) -> Querier:
    return Querier(plan, [Gateway(each.url, ("operator", "secret")) for each in gateways])


def counts(asked: Querier) -> tuple[int, int, int, int]:
    told = asked.tell()
    return told["queries"], told["failed"], told["partial"], told["retried"]


def ask(asked: Querier, times: int) -> None:
    for _ in range(times):
        asked.ask()


def test_right_answers_are_queries_and_nothing_else(plan: Plan, gateways: list[Any]) -> None:
    asked = querier(plan, gateways)
    ask(asked, 30)
    assert counts(asked) == (30, 0, 0, 0)
    assert asked.tell()["known"]["a"] >= 15


def test_what_may_still_be_on_its_way_is_not_asked_for(now: float, gateways: list[Any]) -> None:
    start = int(now - 5) * 1000
    young = Plan(start=start, interval=1000, series=SERIES, agents={"a": "http://x"})
    asked = querier(young, gateways)
    ask(asked, 6)
    assert counts(asked) == (0, 0, 0, 0)
    assert [each.asked for each in gateways] == [[], []]


def test_all_kinds_of_queries_go_to_all_gateways_by_turns(plan: Plan, gateways: list[Any]) -> None:
    ask(querier(plan, gateways), 30)
    assert [len(each.asked) for each in gateways] == [15, 15]
    for each in gateways:
        assert {path.split("?")[0] for path in each.asked} == {
            "/api/v1/query",
            "/api/v1/query_range",
        }
        assert any("series%3D~" in path for path in each.asked)


def test_a_gateway_that_refuses_is_retried_at_the_next(plan: Plan, gateways: list[Any]) -> None:
    gateways[0].stop()
    asked = querier(plan, gateways)
    ask(asked, 10)
    assert counts(asked) == (10, 0, 0, 5)
    gateways[0].start()


def test_a_gateway_that_breaks_off_is_retried_at_the_next(plan: Plan, gateways: list[Any]) -> None:
    asked = querier(plan, gateways)
    ask(asked, 2)
    gateways[0].behave = lambda _path: "reset"
    ask(asked, 10)
    assert counts(asked) == (12, 0, 0, 5)


def test_kept_connections_that_gateways_closed_are_no_failure(
    plan: Plan, gateways: list[Any]
) -> None:
    asked = querier(plan, gateways)
    ask(asked, 2)
    for each in gateways:
        closed = iter(["reset"])
        each.behave = lambda _path, closed=closed: next(closed, None)
    ask(asked, 10)
    assert counts(asked) == (12, 0, 0, 0)


def test_an_answer_may_take_its_time_after_a_connection_was_closed(
    plan: Plan, gateways: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.CONNECT_SECONDS", 0.5)
    for each in gateways:
        each.closes = True
    asked = querier(plan, gateways)
    ask(asked, 2)

    def slowly(_path: str) -> None:
        time.sleep(0.7)

    for each in gateways:
        each.behave = slowly
    ask(asked, 2)
    assert counts(asked) == (4, 0, 0, 0)


def test_a_query_fails_when_no_gateway_answers(now: float, plan: Plan, gateways: list[Any]) -> None:
    for each in gateways:
        each.behave = lambda _path: "reset"
    asked = querier(plan, gateways)
    ask(asked, 4)
    told = asked.tell()
    assert counts(asked) == (4, 4, 0, 4)
    assert {each["gateway"] for each in told["failures"]} == {each.url for each in gateways}
    assert told["failures"][0]["error"].startswith("no gateway answered; this one: ")
    assert told["failures"][0]["at"] == now


def test_an_error_of_a_gateway_is_a_failed_query(plan: Plan, gateways: list[Any]) -> None:
    gateways[1].behave = lambda _path: 503
    asked = querier(plan, gateways)
    ask(asked, 10)
    assert counts(asked) == (10, 5, 0, 0)
    failure = asked.tell()["failures"][0]
    assert (failure["gateway"], failure["error"]) == (
        gateways[1].url,
        "503 as the test wants it",
    )


def test_data_that_was_there_and_is_gone_is_a_failed_query(plan: Plan, gateways: list[Any]) -> None:
    asked = querier(plan, gateways)
    ask(asked, 3)
    for each in gateways:
        for number in range(SERIES):
            each.samples["a", number].clear()
    ask(asked, 9)
    # what only learns asks for nothing that is known
    assert counts(asked) == (12, 6, 0, 0)
    assert "points differ; tick " in asked.tell()["failures"][0]["error"]


def test_one_series_that_is_gone_is_noticed(plan: Plan, gateways: list[Any]) -> None:
    asked = querier(plan, gateways)
    ask(asked, 3)
    for each in gateways:
        each.samples["a", 7].clear()
    ask(asked, 9)
    assert asked.tell()["failed"] >= 3  # every query for one tick takes all series


def test_what_has_not_arrived_is_not_asked_for(plan: Plan, gateways: list[Any]) -> None:
    for each in gateways:
        for samples in each.samples.values():
            del samples[20:]
    asked = querier(plan, gateways)
    ask(asked, 30)
    assert counts(asked) == (30, 0, 0, 0)


def test_a_partial_answer_is_counted_as_such(plan: Plan, gateways: list[Any]) -> None:
    gateways[0].is_partial = True
    asked = querier(plan, gateways)
    ask(asked, 10)
    assert counts(asked) == (10, 0, 5, 0)
