# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time plan.yml on 1,000 and on 2,000 hosts, and print the figures and their ratio.

plan.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generate_fleet import write_fleet

ROOT = Path(__file__).parents[2]
FLEETS = ((1000, 50), (2000, 100))


def seconds(inventory: Path, diagram: Path) -> float:
    """How long one run of plan.yml takes on an inventory."""
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", str(inventory), "-e", f"meridian_plan_diagram={diagram}"),
        str(ROOT / "playbooks" / "plan.yml"),
    ]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.monotonic() - began


def main() -> None:
    """Print a table of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    medians: list[float] = []
    print("| plan.yml | seconds | of the first |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="meridian-plan-") as name:
        for hosts, regions in FLEETS:
            inventory = Path(name) / str(hosts)
            write_fleet(inventory, hosts, regions)
            diagram = Path(name) / "plan.mmd"
            medians.append(statistics.median(seconds(inventory, diagram) for _ in range(rounds)))
            share = medians[-1] / medians[0]
            print(f"| {hosts} hosts in {regions} regions | {medians[-1]:.1f} | {share:.2f} |")


if __name__ == "__main__":
    main()
