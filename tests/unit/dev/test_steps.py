"""What is shown of a command that failed: what it said was wrong, and how it ended."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import steps

LOG = """
TASK [Converge] ****
>       assert stored == sent
E       assert 3 == 5
FAILED ../../tests/drills/test_one.py::test_nothing_is_lost
{between}
scenario: failed
""".format(between="\n".join(f"DETAIL {n}" for n in range(20)))


def test_what_failed_is_shown_even_when_much_follows(tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"import sys; sys.exit(print({LOG!r}) or 1)"]
    with pytest.raises(steps.Failure) as caught:
        steps.run_logged(command, tmp_path / "log")
    told = str(caught.value).splitlines()
    assert told[:2] == [
        "E       assert 3 == 5",
        "FAILED ../../tests/drills/test_one.py::test_nothing_is_lost",
    ]
    assert told[-1] == f"(log: {tmp_path / 'log'})"
    assert "scenario: failed" in told
    assert "DETAIL 1" not in told
