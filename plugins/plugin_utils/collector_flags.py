# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which collectors of the node exporter are on and off, as its flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def collector_flags(enabled: Sequence[str], disabled: Sequence[str] = ()) -> dict[str, bool]:
    """Return the flag of each collector that is switched on or off.

    Raises ValueError for one that is both, or whose name cannot be one. Whether a collector exists
    is known to the program, in its version, alone.
    """
    flags: dict[str, bool] = {}
    for variable, names, on in (
        ("node_exporter_collectors", enabled, True),
        ("node_exporter_disabled_collectors", disabled, False),
    ):
        for name in names:
            if not _NAME.fullmatch(f"{name}"):
                raise ValueError(
                    f"'{name}' in {variable} is no collector; write a name such as 'processes'"
                )
            if flags.get(f"collector.{name}", on) != on:
                raise ValueError(
                    f"collector '{name}' is in both node_exporter_collectors and "
                    "node_exporter_disabled_collectors; keep it in one of the two"
                )
            flags[f"collector.{name}"] = on
    return flags
