"""Read the queries of panels and variables out of a dashboard's JSON, and fill in variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOUR = 3600
SECONDS = {"s": 1, "m": 60, "h": HOUR, "d": 24 * HOUR}
# What Grafana puts in for the built-in variables where a query's step is 30 s.
BUILT_IN = {"__rate_interval": "2m", "__interval": "30s", "__interval_ms": "30000"}

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})|\[\[(\w+)\]\]")
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), *(?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a panel: over the last `seconds`, or, when they are 0, of now."""

    dashboard: str
    panel: str
    ref_id: str
    expression: str
    seconds: int

    @property
    def place(self) -> str:
        """Name the panel: uid of the dashboard and title."""
        return f"{self.dashboard}/{self.panel}"


@dataclass(frozen=True, slots=True)
class VariableQuery:
    """The query of a variable: the values of a label in the series that a selector matches."""

    dashboard: str
    name: str
    selector: str
    label: str
    all_value: str


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the dashboards in a folder, by the names of their files."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every panel but rows, and those within collapsed rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def queries(dashboard: Mapping[str, Any]) -> Iterator[Query]:
    """Give the queries of every panel. Raises ValueError for one that runs neither way."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            where = f"{dashboard['uid']}/{panel['title']}/{target['refId']}"
            if target.get("instant", False) == target.get("range", False):
                raise ValueError(f"{where} is to run either as of now or over time")
            span = panel.get("timeFrom") or dashboard["time"]["from"].removeprefix("now-")
            yield Query(
                dashboard=dashboard["uid"],
                panel=panel["title"],
                ref_id=target["refId"],
                expression=target["expr"],
                seconds=seconds(span) if target.get("range") else 0,
            )


def variables(dashboard: Mapping[str, Any]) -> list[VariableQuery]:
    """Return the variables with a query, in their order. Raises ValueError for another kind."""
    found = []
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource":
            continue
        text = variable["query"]["query"] if variable["type"] == "query" else variable["type"]
        parts = _LABEL_VALUES.fullmatch(text)
        if not parts:
            raise ValueError(f"variable '{variable['name']}' is no label_values(): {text}")
        found.append(
            VariableQuery(
                dashboard=dashboard["uid"],
                name=variable["name"],
                selector=parts["selector"],
                label=parts["label"],
                all_value=variable["allValue"],
            )
        )
    return found


def names(text: str) -> set[str]:
    """Return the names of the variables that a text uses."""
    return {next(filter(None, match.groups())) for match in _VARIABLE.finditer(text)}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in for variables. Raises ValueError for a variable without a value."""

    def value(match: re.Match[str]) -> str:
        name: str = next(filter(None, match.groups()))
        known = {**BUILT_IN, **values}
        if name not in known:
            raise ValueError(f"variable '{name}' has no value in: {text}")
        return known[name]

    return _VARIABLE.sub(value, text)


def chosen(values: list[str]) -> str:
    """Return what Grafana puts in where these values of a variable were chosen."""
    escaped = [
        re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\" * 4))
        for value in values
    ]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def seconds(span: str) -> int:
    """Return the seconds of a time span such as `24h`. Raises ValueError for another form."""
    parts = re.fullmatch(r"(\d+)([smhd])", span)
    if not parts:
        raise ValueError(f"time span '{span}' is not of the form 24h")
    return int(parts[1]) * SECONDS[parts[2]]
