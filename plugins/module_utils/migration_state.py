# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host remembers of the move of its region: completed phases, and days that were copied.

It is a note, not the truth: lost, it is made again by running the phases again, which copy nothing
that is there already.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

FOLDER = "/var/lib/meridian_migration"
PHASES = ("build", "dual_write", "backfill", "readers", "finish")
DIRECTIONS = ("forward", "back")


class State:
    """The note of one region; ``origin`` is where its samples were stored before."""

    def __init__(self, folder: str, region: str, origin: str) -> None:
        self._path = os.path.join(folder, f"{region}.json")
        self._content: dict[str, Any] = {"origin": origin, "phases": {}, "days": {}, "alone": 0}
        try:
            with open(self._path, encoding="utf-8") as stream:
                found = json.load(stream)
        except (OSError, ValueError):
            return
        # That of another move says nothing about this one.
        if isinstance(found, dict) and found.get("origin") == origin:
            self._content.update(found)

    @property
    def phases(self) -> list[str]:
        """Phases that were completed, in their order."""
        return [phase for phase in PHASES if phase in self._content["phases"]]

    @property
    def alone(self) -> int:
        """Unix time since which only the new storage gets samples; 0 when both do."""
        return int(self._content["alone"])

    def days(self, direction: str) -> Mapping[str, Any]:
        """Samples by the start of each day that was copied as a whole and counted."""
        found: Mapping[str, Any] = self._content["days"].get(direction, {})
        return found

    def complete(self, phase: str, now: int) -> bool:
        """Note that a phase was completed, and that later ones no longer are; whether that is new.

        In the last one and after it the older storage does not get what the other one gets.
        """
        kept = PHASES[: PHASES.index(phase)]
        phases = {each: at for each, at in self._content["phases"].items() if each in kept}
        before = self._content["phases"]
        phases[phase] = before.get(phase, now)
        self._content["phases"] = phases
        if phases == before:
            return False
        self._write()
        return True

    def leave(self, at: int) -> None:
        """Note since when only the new storage gets samples; 0 when both do again.

        A time that is noted already stays.
        """
        if bool(at) == bool(self.alone):
            return
        self._content["alone"] = at
        if not at:
            # Days that were copied back are no concern of a later time.
            self._content["days"].pop("back", None)
        self._write()

    def finish_day(self, direction: str, start: int, samples: int) -> None:
        """Note that a day was copied as a whole and counted."""
        days = self._content["days"].setdefault(direction, {})
        days[f"{start}"] = samples
        self._write()

    def _write(self) -> None:
        folder = os.path.dirname(self._path)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(self._content, stream, indent=2, sort_keys=True)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(path, self._path)
