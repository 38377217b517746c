# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way from a centralized fleet to a federated one: which phase it is in.

meridian_topology: federated
meridian_migration: {from: us-east-1, phase: dual_write}

`from` is the region that stored every region's samples before. What each phase means for routes is
said in routes.py; without the variable a federated fleet is complete.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

BUILD = "build"
DUAL_WRITE = "dual_write"
BACKFILL = "backfill"
READERS = "readers"
FINISH = "finish"
PHASES = (BUILD, DUAL_WRITE, BACKFILL, READERS, FINISH)

VARIABLE = "meridian_migration"
# Wins over the phase of the inventory, for one run.
PHASE_VARIABLE = "migrate_phase"
KEYS = ("from", "phase")


@dataclass(frozen=True, slots=True)
class Migration:
    """What `meridian_migration` states."""

    origin: str
    """The region that stored every region's samples before."""
    phase: str

    def moves(self, region: str) -> bool:
        """Whether the samples of a region move from where they were stored."""
        return region != self.origin

    def reached(self, phase: str) -> bool:
        """Whether this is a phase or a later one."""
        return PHASES.index(self.phase) >= PHASES.index(phase)


def parse_migration(
    variables: Mapping[str, object], federated: bool, regions: Collection[str], problems: list[str]
) -> Migration | None:
    """Read the variable; what is wrong with it is added to `problems`, a line each."""
    stated = variables.get(VARIABLE)
    if stated is None or stated == {}:
        return None
    if not isinstance(stated, Mapping):
        problems.append(
            f"{VARIABLE} is '{stated}'; write a mapping, such as "
            "{from: us-east-1, phase: build}, or remove it"
        )
        return None
    found: list[str] = []
    found += [
        f"{VARIABLE} has the unknown key '{key}'; known: {', '.join(KEYS)}"
        for key in sorted(f"{key}" for key in stated)
        if key not in KEYS
    ]
    origin, phase = f"{stated.get('from') or ''}", f"{stated.get('phase') or ''}"
    place = f"{VARIABLE}.phase"
    if variables.get(PHASE_VARIABLE):
        place, phase = PHASE_VARIABLE, f"{variables[PHASE_VARIABLE]}"
    if phase not in PHASES:
        found.append(f"{place} is '{phase}'; write one of: {', '.join(PHASES)}")
    if origin not in regions:
        found.append(
            f"{VARIABLE}.from is '{origin}'; name the region that stored all metrics before, one "
            f"of: {', '.join(sorted(regions))}"
        )
    if not federated:
        found.append(
            f"{VARIABLE} is stated in a fleet whose meridian_topology is not federated; write "
            "meridian_topology: federated, or remove it"
        )
    problems += found
    return None if found else Migration(origin, phase)


def copies_history(migration: Migration | None) -> bool:
    """Whether history is copied from region to region."""
    return migration is not None and migration.phase in (BACKFILL, READERS)
