"""A storage node counts as unwritten once nobody is connected and its counter stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.meridian.metrics.plugins.modules import storage_node


class Pages:
    """A vmstorage whose pages are given: connections of vminserts and samples taken, by turns."""

    def __init__(self, *seen: tuple[int, int]) -> None:
        self._seen: Iterator[tuple[int, int]] = iter(seen)
        self._last = (0, 0)

    def page(self, path: str, key: str) -> str:
        assert (path, key) == ("/metrics", "metricsAuthKey")
        self._last = next(self._seen, self._last)
        return "vm_vminsert_conns {}\nvm_rows_added_to_storage_total {}\n".format(*self._last)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second pass at every sleep, and no time else."""
    now = [0.0]
    monkeypatch.setattr(storage_node.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        storage_node.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds)
    )


def test_a_node_that_nobody_writes_to_is_still() -> None:
    assert storage_node.wait(Pages((0, 7)), 10, 60) == (0, 7, True)


def test_samples_that_still_come_start_the_wait_anew() -> None:
    late = [(0, 7)] * 9 + [(0, 8)]
    assert storage_node.wait(Pages(*late), 10, 15) == (0, 8, False)
    assert storage_node.wait(Pages(*late), 10, 60) == (0, 8, True)


def test_a_connection_is_enough_not_to_be_still() -> None:
    connected = [(1, 7)] * 100
    assert storage_node.wait(Pages(*connected), 10, 60) == (1, 7, False)


def test_it_is_still_after_the_last_vminsert_has_gone() -> None:
    leaving = [(2, 5), (1, 6), (0, 7)]
    assert storage_node.wait(Pages(*leaving), 10, 60) == (0, 7, True)
