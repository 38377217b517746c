"""What tests wait for on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from samples import eventually


def test_what_is_not_answered_is_asked_again() -> None:
    said: Iterator[object] = iter([TimeoutError(), 0, 7])
    asked: list[object] = []

    def check() -> object:
        asked.append(next(said))
        if isinstance(asked[-1], Exception):
            raise asked[-1]
        return asked[-1]

    eventually(check)
    assert asked[1:] == [0, 7]


def test_what_is_never_answered_is_told_when_the_time_is_over() -> None:
    def check() -> object:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(AssertionError, match=r"^still ConnectionRefusedError"):
        eventually(check, seconds=0.1)
