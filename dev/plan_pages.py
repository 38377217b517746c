"""Put what plan.yml says of the shipped inventories into docs/topologies.md.

plan_pages.py      writes the page where it differs; a unit test compares it
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from steps import ROOT, main, run, say

PAGE = ROOT / "docs" / "topologies.md"
INVENTORIES = ("centralized", "federated")
SERIES = 100_000
# A marker, and the fenced block after it, which is what is made here.
_BLOCK = re.compile(
    r"^<!-- (?P<kind>diagram|estimate): (?P<inventory>\w+) -->\n(?:\n```\w+\n.*?\n```\n)?",
    re.MULTILINE | re.DOTALL,
)


def planned(inventory: str) -> dict[str, str]:
    """What the plan of a shipped inventory says: its diagram, and its estimate for 100,000 series.

    Raises Failure when the plan does.
    """
    with tempfile.TemporaryDirectory(prefix="meridian-plan-") as folder:
        file = Path(folder) / "plan.mmd"
        playbook = str(Path(sys.executable).parent / "ansible-playbook")
        printed = run(
            [
                *(playbook, "-i", str(ROOT / "inventories" / inventory)),
                *(str(ROOT / "playbooks" / "plan.yml"), "-e", f"meridian_plan_diagram={file}"),
                *("-e", f"meridian_series={SERIES}"),
            ],
            env={"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        )
        lines = printed.splitlines()
        first = next(n for n, line in enumerate(lines) if line.startswith("estimate from"))
        last = next(n for n, line in enumerate(lines) if n > first and line.startswith("TASK"))
        table = [line.removeprefix("  ") for line in lines[first + 1 : last]]
        return {
            "diagram": f"```mermaid\n{file.read_text(encoding='utf-8').rstrip()}\n```",
            "estimate": f"```text\n{chr(10).join(table).strip()}\n```",
        }


def page(text: str) -> str:
    """The page with every block as the plans are now."""
    plans = {inventory: planned(inventory) for inventory in INVENTORIES}
    return _BLOCK.sub(
        lambda match: (
            f"<!-- {match['kind']}: {match['inventory']} -->\n\n"
            f"{plans[match['inventory']][match['kind']]}\n"
        ),
        text,
    )


def program() -> None:
    """Write the page where it differs."""
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
        say(f"wrote {PAGE}")


if __name__ == "__main__":
    main(program)
