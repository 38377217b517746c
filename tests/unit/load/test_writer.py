"""The writer gets every tick to its agent, in order, whatever the agent does."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from plan import Plan
from writer import CATCH_UP, AgentWriter

INTERVAL = 20  # milliseconds


@pytest.fixture
def start_writer(server: Any) -> Iterator[Callable[..., AgentWriter]]:
    """Start a writer of two series to the server, which ends with the test."""
    stop = threading.Event()
    started: list[AgentWriter] = []

    def start(*, since: float = 0, requests: list[list[bytes]] | None = None) -> AgentWriter:
        begin = int((time.time() - since) * 1000)
        plan = Plan(start=begin, interval=INTERVAL, series=2, agents={"a/1": server.url})
        writer = AgentWriter(plan, "a/1", requests or plan.requests(), 0, stop)
        started.append(writer)
        writer.start()
        return writer

    yield start
    stop.set()
    for writer in started:
        writer.join()


def ticks(server: Any) -> list[int]:
    """Numbers of the ticks that the server took, in their order."""
    return [int(re.findall(r"} (\d+) ", body)[0]) for body in server.pushes]


def wait_until(done: Callable[[], bool], writer: AgentWriter) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, (writer.acknowledged, writer.repeated, writer.error)
        time.sleep(0.005)


def wait_for(writer: AgentWriter, acknowledged: int) -> None:
    wait_until(lambda: writer.acknowledged >= acknowledged, writer)


def test_every_tick_arrives_once_and_in_order(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    wait_for(start_writer(), 10)
    assert ticks(server)[:10] == list(range(10))


def test_a_tick_that_is_refused_is_repeated_until_it_is_taken(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    answers = itertools.chain([None, 503, 500, 429], itertools.repeat(None))
    server.behave = lambda _path: next(answers)
    writer = start_writer()
    wait_for(writer, 5)
    assert ticks(server)[:5] == list(range(5))
    assert writer.repeated == 3


def test_a_tick_whose_connection_breaks_is_repeated(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    answers = itertools.chain([None, "reset", "reset"], itertools.repeat(None))
    server.behave = lambda _path: next(answers)
    writer = start_writer()
    wait_for(writer, 5)
    assert ticks(server)[:5] == list(range(5))
    assert writer.repeated == 2


def test_nothing_is_acknowledged_while_the_agent_refuses(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    server.behave = lambda _path: 503
    writer = start_writer()
    wait_until(lambda: writer.repeated > 1, writer)
    assert writer.acknowledged == 0
    assert writer.error == "Refused: 503 as the test wants it"


def test_a_tick_is_acknowledged_when_all_its_requests_are(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    answers = itertools.chain([None], itertools.repeat(503))
    server.behave = lambda _path: next(answers)
    writer = start_writer(requests=[[b'x{series="0"}'], [b'x{series="1"}']])
    wait_until(lambda: writer.repeated > 0, writer)
    assert (len(server.pushes), writer.acknowledged) == (1, 0)


def test_an_agent_that_restarts_gets_what_it_missed(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    writer = start_writer()
    wait_for(writer, 3)
    server.stop()
    server.behave = lambda _path: "reset"  # the connection that is still open
    wait_until(lambda: "refused" in writer.error, writer)
    before = writer.acknowledged
    server.behave = lambda _path: None
    server.start()
    wait_for(writer, before + 20)
    assert ticks(server)[: before + 20] == list(range(before + 20))


def test_a_backlog_is_caught_up_at_a_bounded_rate(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    began = time.monotonic()
    wait_for(start_writer(since=2), 60)
    # 60 ticks are due at once; the pace may be lower on a busy machine, never higher
    assert time.monotonic() - began >= 59 * INTERVAL / 1000 / CATCH_UP


def test_the_agents_name_is_sent_as_a_label(
    server: Any, start_writer: Callable[..., AgentWriter]
) -> None:
    paths: list[str] = []
    server.behave = paths.append
    wait_for(start_writer(), 1)
    assert paths[0] == "/api/v1/import/prometheus?extra_label=agent=a%2F1"
