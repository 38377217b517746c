"""Lets the tests use what those about two regions share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from two_regions import regions, start_load, tell

__all__ = ["regions", "start_load", "tell"]
