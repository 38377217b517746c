"""What one question over the network tells of a clock."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.clocks import (
    certain_difference,
    clock_problem,
)

ADVICE = (
    "this machine's; start a time synchronisation, such as chrony or systemd-timesyncd, where it "
    "is wrong"
)


@pytest.mark.parametrize(
    ("told", "difference"),
    [(1000, 0), (1005, 0), (1010, 0), (1012, 2), (999, -1), (1000 - 259200, -259200)],
)
def test_only_what_the_time_of_the_question_cannot_explain_is_a_difference(
    told: float, difference: float
) -> None:
    assert certain_difference(told, asked=1000, answered=1010) == difference


@pytest.mark.parametrize(
    ("difference", "problem"),
    [
        (0.0, ""),
        (10.0, ""),
        (-10.0, ""),
        (10.6, f"the clock of a is 11 s ahead of {ADVICE}"),
        (-259200.0, f"the clock of a is 259200 s behind {ADVICE}"),
    ],
)
def test_a_clock_that_is_off_is_named_with_its_side(difference: float, problem: str) -> None:
    assert clock_problem("a", difference, 10) == problem
