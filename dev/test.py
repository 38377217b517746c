"""Run every test of this repository, two at a time, and sum them up.

test.py               everything
test.py WORD...       the checks whose names begin with one of the words, such as lint, unit,
                      or scenario:vmagent

Every check writes a log; a failed one does not stop the others. The last line counts them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import archives
import checks
import demo
import hosts
import setup
from steps import LOGS, ROOT, Failure, main, say, tail

# Two cores are what a small machine has; a scenario waits for its hosts most of the time.
AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that passes or fails: what it runs gets the path of its log.

    `alone`: it fills the machine or takes the fleet's network; nothing runs beside it.
    """

    name: str
    run: Callable[[Path], None]
    alone: bool = False
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
    """Return the scenarios: those of roles first, then the whole fleets, one after another."""
    scenarios = [checks.read_scenario(path.parent) for path in folder.glob("*/molecule.yml")]
    return [
        Check(
            f"scenario:{scenario.name}",
            scenario.run,
            alone=scenario.is_fleet,
            docker=True,
            needs=scenario.archives,
        )
        for scenario in sorted(scenarios, key=lambda each: (each.is_fleet, each.name))
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


def carry_out_all(wanted: Sequence[Check]) -> list[Outcome]:
    """Run the checks, those that must be alone at the end."""
    together = [check for check in wanted if not check.alone]
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        outcomes = list(pool.map(carry_out, together))
    return [*outcomes, *(carry_out(check) for check in wanted if check.alone)]


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


def program() -> None:
    """Carry out the command line."""
    words = tuple(sys.argv[1:])
    started = time.monotonic()
    wanted = [check for check in all_checks() if not words or check.name.startswith(words)]
    if not wanted:
        names = ", ".join(check.name for check in all_checks())
        raise Failure(f"No check begins with {', '.join(words)}.", f"There are: {names}")
    setup.setup(["debian13", "debian12"] if any(check.docker for check in wanted) else [])
    if any(check.alone for check in wanted) and hosts.running(demo.FLEET):
        raise Failure(
            "The demo runs, and the whole-fleet scenarios use the same addresses.",
            "Stop it: make demo-down",
        )
    os.chdir(ROOT)
    if not checks.newest_python():
        say("note: no Python newer than 3.11 here, so the newest ansible-core is not tried")
    say(f"==> {len(wanted)} checks, {AT_A_TIME} at a time; logs in {LOGS.relative_to(ROOT)}")
    outcomes = carry_out_all(wanted)
    say(report(outcomes, time.monotonic() - started))
    if any(outcome.result == "failed" for outcome in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main(program)
