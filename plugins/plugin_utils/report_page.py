# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report as one HTML file that needs nothing else: no script, no font, no picture to load.

Every value that comes from elsewhere is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path as FilePath

from ansible_collections.meridian.metrics.plugins.plugin_utils.report_drawing import draw
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_model import (
    DOWN,
    PARTIAL,
    UNKNOWN,
    UP,
    Path,
    Report,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = FilePath(__file__).parents[2] / "playbooks" / "templates"
# Upper ends of the bands of latency, in milliseconds; the last band has none.
BANDS = (10, 50, 100, 200)
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 22.0
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that sums up a part of the report; `state` is up, partial, down or unknown."""

    label: str
    value: str
    note: str
    state: str
    section: str


def page(report: Report, *, name: str, now: float) -> str:
    """Render the report; `name` is the inventory's, `now` in seconds of the Unix epoch."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": amount,
        "size": size,
        "moment": moment,
        "iso": iso,
        "milliseconds": milliseconds,
        "percent": percent,
        "band": band,
        "spark": spark,
    }
    environment.filters["age"] = lambda then: duration(now - then)
    return environment.get_template("report.html.j2").render(
        report=report,
        name=name,
        now=now,
        tiles=tiles(report),
        drawing=draw(report),
        bands=BANDS,
        most=max((each.samples or 0 for each in report.clusters), default=0) or 1,
    )


def tiles(report: Report) -> list[Tile]:
    """Sum the report up."""
    hosts = [host for region in report.regions for host in region.hosts]
    programs = [program for host in hosts for program in host.programs]
    paths = [path for row in report.paths for path in row if path]
    samples = [each.samples for each in report.clusters if each.samples is not None]
    series = [each.series for each in report.clusters if each.series is not None]
    backlog = [each.backlog for each in report.clusters if each.backlog is not None]
    return [
        _count("Hosts all up", [host.state for host in hosts], "fleet", "all answer"),
        _count("Programs up", [program.state for program in programs], "fleet", "all answer"),
        _count("Paths without loss", [path.state for path in paths], "paths", "between regions"),
        Tile(
            label="Samples a second",
            value=amount(sum(samples)) if samples else NOTHING,
            note=f"{amount(sum(series))} series" if series else "no sample was found",
            state=UP if samples else UNKNOWN,
            section="clusters",
        ),
        Tile(
            label="Waiting to be sent",
            value=size(sum(backlog)) if backlog else NOTHING,
            note="at the senders",
            state=UNKNOWN if not backlog else UP if sum(backlog) < 1_000_000 else PARTIAL,
            section="clusters",
        ),
        _alert_tile(report),
    ]


def _count(label: str, states: Sequence[str], section: str, good: str) -> Tile:
    counts = {state: states.count(state) for state in (DOWN, PARTIAL, UNKNOWN) if state in states}
    words = {DOWN: "down", PARTIAL: "with loss", UNKNOWN: "unknown"}
    return Tile(
        label=label,
        value=f"{states.count(UP)} of {len(states)}",
        note=", ".join(f"{count} {words[state]}" for state, count in counts.items())
        or (good if states else "none in this inventory"),
        state=next(iter(counts), UP if states else UNKNOWN),
        section=section,
    )


def _alert_tile(report: Report) -> Tile:
    severities = [alert.severity for alert in report.alerts]
    critical = severities.count("critical")
    evaluated = report.has_vmalert or report.watchdog or bool(severities)
    worst = DOWN if critical else PARTIAL
    return Tile(
        label="Alerts firing",
        value=str(len(severities)) if evaluated and report.answered else NOTHING,
        note=(
            f"{critical} critical"
            if critical
            else "none critical"
            if severities
            else "not known"
            if not report.answered
            else "all quiet"
            if evaluated
            else "no vmalert in this fleet"
        ),
        state=worst if severities else UP if evaluated and report.answered else UNKNOWN,
        section="alerts",
    )


def amount(value: float) -> str:
    """A number to read: 0.4, 98, 12,345, 1.2 million."""
    if value >= 10_000_000:
        return f"{value / 1_000_000:,.0f} million"
    if value >= 1_000_000:
        return f"{value / 1_000_000:.1f} million"
    return f"{value:.1f}" if 0 < value < 10 and value != int(value) else f"{value:,.0f}"


def size(value: float) -> str:
    """Bytes to read, in powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def duration(seconds: float) -> str:
    """Seconds to read, with the two units that matter: 3 d 4 h."""
    left = max(int(seconds), 0)
    counts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        counts.append((count, unit))
    first = next((i for i, (count, _unit) in enumerate(counts) if count), len(counts) - 1)
    return " ".join(
        f"{count} {unit}"
        for i, (count, unit) in enumerate(counts[first : first + 2])
        if count or i == 0
    )


def moment(then: float) -> str:
    """A time to read, in UTC."""
    return f"{datetime.fromtimestamp(then, timezone.utc):%Y-%m-%d %H:%M}"


def iso(then: float) -> str:
    """A time for programs."""
    return f"{datetime.fromtimestamp(then, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def milliseconds(seconds: float) -> str:
    """A latency in milliseconds, with a decimal where it is small."""
    value = seconds * 1000
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def percent(ratio: float) -> str:
    """A ratio in percent that says 100 only when nothing is missing, and 0 only for nothing."""
    value = ratio * 100
    if 99.9 < value < 100:
        return "> 99.9 %"
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.0f} %" if value == int(value) else f"{value:.1f} %"


def band(path: Path) -> int:
    """The band of a path's latency, from 0."""
    return sum((path.seconds or 0) * 1000 >= end for end in BANDS)


def spark(values: Sequence[float]) -> str:
    """Points of a line through values, from zero at the bottom to the highest at the top."""
    top = max(values) or 1
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    inner = SPARK_HEIGHT - 2
    return " ".join(
        f"{step * position:.1f},{1 + inner * (1 - value / top):.1f}"
        for position, value in enumerate(values)
    )
