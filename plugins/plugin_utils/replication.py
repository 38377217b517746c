# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a region sends to a second region as well: its setting `replication`, and which series.

replication: none
replication: {mode: full, to: eu-west-1}
replication: {mode: selective, to: eu-west-1, keep: ["slo_.*", '{env="prod",job="api"}']}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

NONE = "none"
FULL = "full"
SELECTIVE = "selective"
MODES = (NONE, FULL, SELECTIVE)
KEYS = ("keep", "mode", "queue_hours", "to")

_STRING = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_MATCHER = rf"""\s*[a-zA-Z_][\w:.]*\s*(?P<op>=~|!~|!=|=)\s*(?P<value>{_STRING})\s*"""
_MATCHERS = re.compile(_MATCHER)
_SEPARATOR = re.compile(r",|or\b")
_NAME = re.compile(r"[a-zA-Z_:][\w:.]*")
# Regular expressions of the programs, RE2, have neither of these.
_FOREIGN = re.compile(r"\(\?(?:[=!>]|<[=!]|P[=>])|\\[1-9]")


class SelectorError(ValueError):
    """A matcher that selects nothing or cannot be read. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Replication:
    """A region's setting; without a mode other than `none` the rest is empty."""

    mode: str = NONE
    to: str = ""
    keep: tuple[str, ...] = ()
    """Matchers as they are stated."""
    queue_hours: float | None = None
    """How long an outage of `to` may last before its queue drops samples; None: as the others."""

    @property
    def selectors(self) -> tuple[str, ...]:
        """Series selectors of what is sent; empty for every sample."""
        return tuple(selector(each) for each in self.keep)


def parse_replication(stated: object, place: str, problems: list[str]) -> Replication:
    """Read the setting at `place`; what is wrong with it is added to `problems`, a line each."""
    if stated is None or f"{stated}" == NONE:
        return Replication()
    if not isinstance(stated, Mapping):
        problems.append(
            f"{place} is '{stated}'; write none, or a mapping such as {{mode: full, to: eu-west-1}}"
        )
        return Replication()
    unknown = sorted(f"{key}" for key in stated if f"{key}" not in KEYS)
    problems += [
        f"{place} has the unknown key '{key}'; known: {', '.join(KEYS)}" for key in unknown
    ]
    mode = f"{stated.get('mode', '')}"
    if mode not in MODES:
        problems.append(f"{place}.mode is '{mode}'; write one of: {', '.join(MODES)}")
        return Replication()
    if mode == NONE:
        return Replication()
    to = stated.get("to")
    if not to:
        problems.append(f"{place}.to is not set; name the region that gets the copies")
        return Replication()
    return Replication(
        mode=mode,
        to=f"{to}",
        keep=_keep(mode, stated.get("keep"), f"{place}.keep", problems),
        queue_hours=_hours(stated.get("queue_hours"), f"{place}.queue_hours", problems),
    )


def target_problem(
    replication: Replication, home: str, regions: Collection[str], place: str
) -> str:
    """What is wrong with where the copies of a region go whose storage region is `home`."""
    if replication.mode == NONE:
        return ""
    others = ", ".join(sorted(set(regions) - {home})) or "none"
    if replication.to not in regions:
        return f"{place}.to is '{replication.to}', which is not declared; other regions: {others}"
    if replication.to == home:
        return (
            f"{place}.to is '{home}', where these samples are stored already; name another region: "
            f"{others}"
        )
    return ""


def selector(matcher: str) -> str:
    """The series selector of a matcher: itself, or that of a regular expression of metric names.

    Raises SelectorError.
    """
    if "{" not in matcher:
        _check_expression(matcher)
        return f"{{__name__=~{json.dumps(matcher, ensure_ascii=False)}}}"
    name, rest = matcher.strip().split("{", maxsplit=1)
    if name and not _NAME.fullmatch(name):
        raise SelectorError("it does not begin with '{' or a metric's name")
    if not rest.endswith("}"):
        raise SelectorError("it does not end with '}'")
    _check_matchers(rest, empty=bool(name))
    return matcher.strip()


def _check_matchers(rest: str, *, empty: bool) -> None:
    """Check what stands between the braces; `rest` ends with the closing one."""
    at = 0
    if rest.strip() == "}" and empty:
        return
    while True:
        found = _MATCHERS.match(rest, at)
        if not found:
            raise SelectorError(
                f"it cannot be read at '{rest[at:].strip()}', where a label, one of = != =~ !~ and "
                "a value in quotes belong"
            )
        if found["op"] in ("=~", "!~"):
            _check_expression(found["value"][1:-1].replace("\\\\", "\\"))
        at = found.end()
        if rest[at:].strip() == "}":
            return
        separator = _SEPARATOR.match(rest, at)
        if not separator:
            raise SelectorError(
                f"it cannot be read at '{rest[at:].strip()}', where ',' or '}}' belongs"
            )
        at = separator.end()
        if rest[at:].strip() == "}":
            return


def _check_expression(expression: str) -> None:
    if not expression:
        raise SelectorError("its regular expression is empty")
    if _FOREIGN.search(expression):
        raise SelectorError(
            f"its regular expression '{expression}' looks around or back, which RE2 cannot"
        )
    try:
        re.compile(expression)
    except re.error as error:
        raise SelectorError(f"'{expression}' is no regular expression: {error}") from None


def _keep(mode: str, stated: object, place: str, problems: list[str]) -> tuple[str, ...]:
    if mode == FULL:
        if stated is not None:
            problems.append(
                f"{place} is stated with mode full, which sends every sample; remove it, or write "
                "mode: selective"
            )
        return ()
    if not isinstance(stated, Sequence) or isinstance(stated, (str, bytes)) or not stated:
        problems.append(
            f"{place} is '{'' if stated is None else stated}'; write a list of what is sent, "
            "regular expressions of metric names or selectors in braces, such as "
            '["slo_.*", \'{job="api"}\']'
        )
        return ()
    keep = []
    for each in stated:
        try:
            selector(f"{each}")
        except SelectorError as error:
            problems.append(f"{place} has '{each}', and {error}")
            continue
        keep.append(f"{each}")
    return tuple(keep)


def _hours(stated: object, place: str, problems: list[str]) -> float | None:
    if stated is None:
        return None
    number = isinstance(stated, (int, float)) and not isinstance(stated, bool)
    if number and math.isfinite(stated) and stated > 0:  # type: ignore[arg-type,operator]
        return float(stated)  # type: ignore[arg-type]
    problems.append(f"{place} is '{stated}'; write hours as a number above 0")
    return None
