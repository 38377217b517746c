"""A process with a wrong time of day, for the drill of the clock."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from clock.wrong_clock import code, is_possible, symbol_offset, vdso, wrong_clock

DAYS = 86400
# Seconds between an answer and our look at our own clock, at most, on a busy machine.
LATE = 300
# Tells its clocks whenever it is asked; 5 is CLOCK_REALTIME_COARSE.
PROGRAM = """
import sys, time
print("ready", flush=True)
for _ in sys.stdin:
    coarse = time.clock_gettime(5)
    print(time.time(), coarse, time.monotonic(), flush=True)
"""

pytestmark = pytest.mark.skipif(not is_possible(), reason="the instructions are x86-64's")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as started:
        # Before that it may still be on its way into the new program.
        assert started.stdout
        assert started.stdout.readline() == "ready\n"
        yield started
        started.kill()


def clocks(process: subprocess.Popen[str]) -> tuple[float, float, float]:
    """Seconds by which the process's clocks are ahead of ours: of day, coarse, monotonic."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    day, coarse, monotonic = map(float, process.stdout.readline().split())
    return day - time.time(), coarse - time.time(), monotonic - time.monotonic()


@pytest.mark.parametrize("seconds", [3 * DAYS, -3 * DAYS, 3600])
def test_the_time_of_day_of_a_process_is_off_and_right_again(
    process: subprocess.Popen[str], seconds: int
) -> None:
    assert clocks(process) == pytest.approx((0, 0, 0), abs=LATE)
    with wrong_clock([process.pid], seconds):
        assert clocks(process) == pytest.approx((seconds, seconds, 0), abs=LATE)
    assert clocks(process) == pytest.approx((0, 0, 0), abs=LATE)


def test_a_process_that_has_ended_meanwhile_is_no_error(process: subprocess.Popen[str]) -> None:
    with wrong_clock([process.pid], 3 * DAYS):
        process.kill()
        process.wait()
    assert process.returncode == -9


def test_the_instructions_carry_the_seconds() -> None:
    assert code(259200)[-5:] == bytes.fromhex("80f40300c3")
    assert code(-1)[-5:] == bytes.fromhex("ffffffffc3")


def test_a_function_that_is_not_there_is_named(process: subprocess.Popen[str]) -> None:
    _, image = vdso(process.pid)
    assert symbol_offset(image, b"__vdso_clock_gettime") > 0
    with pytest.raises(LookupError) as caught:
        symbol_offset(image, b"__vdso_nothing")
    assert str(caught.value) == "the vDSO has no __vdso_nothing"
