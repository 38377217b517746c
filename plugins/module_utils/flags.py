# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a program's flags become argv, and argv becomes a line that systemd reads back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FLAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*\Z")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@+=:,./\-]+\Z")


def _text(flag: str, value: Any) -> str:
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(
            f"flag '{flag}' has a value of type {type(value).__name__}; "
            "write a string, a number, a boolean, a list of them, or null to leave it out"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError(
            f"flag '{flag}' has a control character in its value {value!r}; put such text in a file"
        )
    return value


def render_args(args: Mapping[str, Any], style: str = "go") -> list[str]:
    """Turn flags into argv, in the order given.

    A list repeats its flag, ``None`` leaves it out. Style ``go`` writes ``-flag=value`` and
    ``-flag=true``; style ``gnu`` writes ``--flag=value``, ``--flag`` and ``--no-flag``.
    Raises ValueError that names the flag.
    """
    dash = "-" if style == "go" else "--"
    argv: list[str] = []
    for flag, declared in args.items():
        if not isinstance(flag, str) or not _FLAG_NAME.match(flag):
            raise ValueError(f"'{flag}' is no flag name; write it without leading dashes or '='")
        for value in declared if isinstance(declared, (list, tuple)) else [declared]:
            if value is None:
                continue
            if isinstance(value, bool):
                if style == "go":
                    argv.append(f"{dash}{flag}={'true' if value else 'false'}")
                else:
                    argv.append(f"{dash}{flag}" if value else f"{dash}no-{flag}")
            else:
                argv.append(f"{dash}{flag}={_text(flag, value)}")
    return argv


def quote_word(word: str, *, expands_variables: bool = True) -> str:
    """Quote one word for a unit file: specifiers, variables, quotes and white space stay literal.

    ``expands_variables`` is true for ``Exec*=`` lines, where systemd also replaces ``$NAME``.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if expands_variables:
        escaped = escaped.replace("$", "$$")
    return escaped if _PLAIN_WORD.match(word) else f'"{escaped}"'


def command_line(argv: list[str]) -> str:
    """Join argv into the right-hand side of ``ExecStart=``."""
    return " ".join(quote_word(word) for word in argv)
