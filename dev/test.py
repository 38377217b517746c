"""Run every test of this repository, three at a time, and sum them up.

test.py               everything; the drills last, in their short form, several on one fleet
test.py WORD...       the checks whose names begin with one of the words, such as lint, unit,
                      or scenario:vmagent

Every check writes a log; a failed one does not stop the others. The last line counts them.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import archives
import checks
import demo
import hosts
import setup
from steps import LOGS, ROOT, Failure, main, say, tail

# Two cores are what a small machine has; a scenario waits for its hosts most of the time.
AT_A_TIME = 3
# Run when all else has ended: drills measure what a fault costs under load.
LAST = {"drill"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that passes or fails: what it runs gets the path of its log.

    Of the group `fleet` no two run at once, since they have the same addresses; those of the group
    `drill` run when all else has ended.
    """

    name: str
    run: Callable[[Path], None]
    group: str = ""
    docker: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended; `reason` says why it failed or was skipped."""

    name: str
    result: str  # passed | failed | skipped
    seconds: float = 0.0
    reason: str = ""


def all_checks() -> list[Check]:
    """Return every check, in the order of their start."""
    return [
        *(Check(f"lint:{name}", command) for name, command in checks.LINTERS.items()),
        Check("unit", checks.unit),
        *([Check("newest-ansible", checks.newest_ansible)] if checks.newest_python() else []),
        Check("sanity", checks.ansible_test),
        Check("collection", checks.collection, docker=True),
        *scenario_checks(ROOT / "molecule"),
    ]


def scenario_checks(folder: Path) -> list[Check]:
    """Return the scenarios, those of roles first; of a group, those that run everywhere first."""
    scenarios = [checks.read_scenario(path.parent) for path in folder.glob("*/molecule.yml")]
    return [
        Check(
            f"scenario:{scenario.name}",
            scenario.run,
            group=scenario.group,
            docker=True,
            needs=scenario.archives,
        )
        for scenario in sorted(
            scenarios, key=lambda each: (each.group, bool(each.archives), each.name)
        )
    ]


def carry_out(check: Check) -> Outcome:
    """Run one check and say how it ended."""
    log = LOGS / f"test-{check.name.replace(':', '-')}.log"
    log.unlink(missing_ok=True)
    started = time.monotonic()
    result, reason = "passed", ""
    try:
        if missing := archives.missing(list(check.needs)):
            say(f"skipped           {check.name}")
            return Outcome(check.name, "skipped", reason="; ".join(missing.values()))
        check.run(log)
    except Failure as failure:
        result, reason = "failed", str(failure)
    except Exception as error:
        result, reason = "failed", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    say(f"{result:8} {seconds:6.1f} s  {check.name}")
    return Outcome(check.name, result, seconds, reason)


def take(queue: deque[Check]) -> Check | None:
    """Take the next check, None when another lane took the last one."""
    try:
        return queue.popleft()
    except IndexError:
        return None


def carry_out_all(wanted: Sequence[Check], at_a_time: int = AT_A_TIME) -> list[Outcome]:
    """Run the checks in lanes: each starts with groups of its own, and goes on with the rest.

    Those that bear nothing else beside them come last.
    """
    others = deque(check for check in wanted if not check.group)
    last = deque(check for check in wanted if check.group in LAST)
    groups = [
        deque(check for check in wanted if check.group == group)
        for group in sorted({check.group for check in wanted} - {"", *LAST})
    ]

    def lane(*queues: deque[Check]) -> list[Outcome]:
        return [carry_out(check) for queue in queues for check in iter(partial(take, queue), None)]

    with ThreadPoolExecutor(max_workers=at_a_time) as pool:
        lanes = [pool.submit(lane, *groups[n::at_a_time], others) for n in range(at_a_time)]
        outcomes = [outcome for each in lanes for outcome in each.result()]
        lanes = [pool.submit(lane, last) for _ in range(at_a_time)]
        outcomes += [outcome for each in lanes for outcome in each.result()]
    places = [check.name for check in wanted]
    return sorted(outcomes, key=lambda outcome: places.index(outcome.name))


def report(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Sum up: what failed and why, what was skipped and why, and the counts as the last line."""
    lines = ["", f"{len(outcomes)} checks in {seconds / 60:.1f} min"]
    for outcome in outcomes:
        if outcome.result == "failed":
            lines += ["", f"FAILED {outcome.name}", tail(outcome.reason, 40)]
    for outcome in outcomes:
        if outcome.result == "skipped":
            lines += ["", f"SKIPPED {outcome.name}: {outcome.reason}"]
    counts = ", ".join(
        f"{sum(outcome.result == result for outcome in outcomes)} {result}"
        for result in ("passed", "failed", "skipped")
    )
    return "\n".join([*lines, "", counts])


def run_checks(words: Sequence[str], at_a_time: int = AT_A_TIME) -> bool:
    """Run the checks whose names begin with one of the words, or all; true if one failed."""
    started = time.monotonic()
    beginnings = tuple(words)
    shared = {f"scenario:{name}" for names in checks.TOGETHER.values() for name in names}
    wanted = [
        check
        for check in all_checks()
        if (check.name.startswith(beginnings) if beginnings else check.name not in shared)
    ]
    if not wanted:
        names = ", ".join(check.name for check in all_checks())
        raise Failure(f"No check begins with {', '.join(words)}.", f"There are: {names}")
    setup.setup(["debian13", "debian12"] if any(check.docker for check in wanted) else [])
    if any(check.group == "fleet" for check in wanted) and hosts.running(demo.FLEET):
        raise Failure(
            "The demo runs, and the whole-fleet scenarios use the same addresses.",
            "Stop it: make demo-down",
        )
    os.chdir(ROOT)
    if not checks.newest_python():
        say("note: no Python newer than 3.11 here, so the newest ansible-core is not tried")
    say(f"==> {len(wanted)} checks, {at_a_time} at a time; logs in {LOGS.relative_to(ROOT)}")
    outcomes = carry_out_all(wanted, at_a_time)
    say(report(outcomes, time.monotonic() - started))
    return any(outcome.result == "failed" for outcome in outcomes)


def program() -> None:
    """Carry out the command line."""
    if run_checks(sys.argv[1:]):
        sys.exit(1)


if __name__ == "__main__":
    main(program)
