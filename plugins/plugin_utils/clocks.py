# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the clock of a host is right, as far as one question over the network tells."""

from __future__ import annotations


def certain_difference(told: float, asked: float, answered: float) -> float:
    """Seconds that a clock is ahead at least, or behind when negative; 0 when it may be right.

    `told` is what the clock showed some time between `asked` and `answered`, however long that was.
    """
    if told > answered:
        return told - answered
    return min(0.0, told - asked)


def clock_problem(host: str, difference: float, tolerance: float) -> str:
    """One line about a clock that is further off than allowed, in seconds; else an empty text."""
    if abs(difference) <= tolerance:
        return ""
    side = "ahead of" if difference > 0 else "behind"
    return (
        f"the clock of {host} is {abs(difference):.0f} s {side} this machine's; start a time "
        "synchronisation, such as chrony or systemd-timesyncd, where it is wrong"
    )
