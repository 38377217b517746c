"""What an agent kept on its disk is waited for; what it just sends is no backlog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.meridian.metrics.plugins.modules import agent_backlog

US = "1:http://gateway.us-east-1.meridian.internal:8427/api/v1/write"
EU = "2:http://gateway.eu-west-1.meridian.internal:8427/api/v1/write"


class Pages:
    """An agent whose pages are given: bytes on its disk for two destinations, by turns."""

    def __init__(self, *sizes: tuple[int, int], second: str = EU) -> None:
        self._sizes: Iterator[tuple[int, int]] = iter(sizes)
        self._last = (0, 0)
        self._second = second

    def page(self, path: str, key: str) -> str:
        assert (path, key) == ("/metrics", "metricsAuthKey")
        self._last = next(self._sizes, self._last)
        first, second = self._last
        return (
            f'vm_persistentqueue_bytes_pending{{path="/a",name="{US}"}} {first}\n'
            f'vm_persistentqueue_bytes_pending{{path="/b",name="{self._second}"}} {second}\n'
            f'vmagent_remotewrite_pending_data_bytes{{path="/a",url="{US}"}} 99999\n'
        )


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second pass at every sleep, and no time else."""
    now = [0.0]
    monkeypatch.setattr(agent_backlog.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        agent_backlog.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds)
    )


def test_without_a_backlog_there_is_no_wait() -> None:
    assert agent_backlog.wait(Pages((0, 0)), 60) == ({}, 0)


def test_a_backlog_is_waited_for() -> None:
    assert agent_backlog.wait(Pages((300, 0), (200, 0), (100, 0), (0, 0)), 60) == ({}, 3)


def test_the_backlogs_of_all_destinations_are_waited_for() -> None:
    assert agent_backlog.wait(Pages((0, 300), (0, 200), (0, 0)), 60) == ({}, 2)
    assert agent_backlog.wait(Pages((300, 300), (0, 200), (0, 100), (0, 0)), 60) == ({}, 3)


def test_a_backlog_that_stays_is_told_by_its_destination_when_the_time_is_over() -> None:
    held, waited = agent_backlog.wait(Pages((0, 300)), 5)
    assert (held, waited) == ({EU: 300}, 5)
    assert agent_backlog.told({US: 200_000, EU: 3_000_000}) == f"3.0 MB for {EU}, 0.2 MB for {US}"


def test_a_look_does_not_wait() -> None:
    assert agent_backlog.wait(Pages((300, 0), (0, 0)), 0) == ({US: 300}, 0)


@pytest.mark.parametrize("place", ["127.0.0.1:9090", "localhost:9090", "[::1]:9090"])
def test_what_waits_for_a_program_of_the_same_host_keeps_nobody_waiting(place: str) -> None:
    local = f"2:http://{place}/api/v1/write"
    assert agent_backlog.wait(Pages((0, 300), second=local), 60) == ({}, 0)


def test_a_destination_whose_url_is_not_shown_is_waited_for() -> None:
    assert agent_backlog.wait(Pages((0, 300), (0, 0), second="2:secret-url"), 60) == ({}, 1)
