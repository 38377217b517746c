"""Drills: change and break a fleet under load, in their long form, and tell what it cost.

drills.py               every drill
drills.py NAME...       some, such as failure or cut_off: the scenario drill_NAME
drills.py --table       only the table of what ran last

MERIDIAN_DRILL_LONG=0 in the environment asks for the short form, and MERIDIAN_DRILL_RATE for
another load than the form's, in samples per second (20,000; 2,000 in the short form).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import test
from checks import TOGETHER
from steps import ROOT, Failure, main, say

RESULTS = ROOT / ".cache" / "drills"
PREFIX = "scenario:drill_"
FEW_SECONDS = 2
COLUMNS = {
    "drill": "drill",
    "fleet": "scenario",
    "sent": "sent",
    "stored": "stored",
    "missing": "lost",
    "duplicated": "twice",
    "queries": "queries",
    "queries_failed": "failed",
    "slowest_query": "slowest, s",
    "recovered_in": "as before after, s",
}


def text(value: object) -> str:
    """Show a figure: whole numbers with thousands apart, few seconds with a tenth."""
    if isinstance(value, float):
        return f"{value:,.1f}" if value < FEW_SECONDS else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def table(rows: list[Mapping[str, Any]]) -> str:
    """Show figures as a Markdown table."""
    lines = [" | ".join(COLUMNS.values()), " | ".join("---" for _ in COLUMNS)]
    lines += [" | ".join(text(row.get(column, "")) for column in COLUMNS) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def kept() -> list[Mapping[str, Any]]:
    """Read the figures of every scenario's last run."""
    files = sorted(RESULTS.glob("drill_*.json"))
    return [row for file in files for row in json.loads(file.read_text())]


def program() -> None:
    """Carry out the command line."""
    words = sys.argv[1:]
    if words != ["--table"]:
        together = {f"scenario:{name}" for name in TOGETHER}
        names = [check.name for check in test.all_checks() if check.name.startswith(PREFIX)]
        known = [name for name in names if name not in together]
        wanted = [f"{PREFIX}{word}" for word in words] or known
        if unknown := sorted(set(wanted) - set(known)):
            listed = ", ".join(name.removeprefix(PREFIX) for name in known)
            first = unknown[0].removeprefix(PREFIX)
            raise Failure(f"There is no drill {first}.", f"Choose from: {listed}")
        os.environ.setdefault("MERIDIAN_DRILL_LONG", "1")
        # One after another: two of them would measure each other.
        failed = test.run_checks(wanted, at_a_time=1)
    else:
        failed = False
    say(table(kept()))
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main(program)
