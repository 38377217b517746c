# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a fleet needs of disks, memory and lines between regions, from the stated series.

docs/estimate.md says where the figures come from. Nothing is said where no series are stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.meridian.metrics.plugins.plugin_utils.queue_size import (
    BYTES_PER_SAMPLE,
    queue_size,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import destinations
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    TopologyError,
    optional_variable,
)

# Bytes that a sample takes on disk: counters and gauges that seldom change, and noise.
DISK_BYTES = (1.0, 4.0)
# Merges of the data need free space beside it.
DISK_SPARE = 1.2
# Memory of the storage for a series that gets samples; half of all stays free for queries.
SERIES_BYTES = 1000
MEMORY_SPARE = 2.0

# What the roles have where an inventory states nothing.
ROLE_DEFAULTS = {
    "vmagent_scrape_interval": "15s",
    "vmagent_outage_hours": "24",
    "vmagent_samples_per_second": "10000",
    "vmstorage_retention": "1y",
    "vmsingle_retention": "1y",
}

# What an agent's queue is sized for.
_EXPECTED = "vmagent_samples_per_second"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 365 * 86400}
_MONTH = 31 * 86400
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_SENT = ("region", "series", "samples/s", "to other regions", "queue")
_STORED = ("stored in", "series", "samples/s", "kept for", "copies", "disk", "memory")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a region's writers send."""

    region: str
    series: int
    samples: float
    """Samples per second."""
    abroad: float
    """Bytes per second to other regions."""
    at_most: bool
    """Whether a selection of unknown size is a part of it, counted as if it were everything."""


def estimate_lines(fleet: Fleet) -> list[str]:
    """The estimate for people: what each region sends, and what each storage takes.

    Empty where no region has stated series. Raises TopologyError for a duration that cannot be
    read.
    """
    sent = [_sent(fleet, name) for name in sorted(fleet.settings.regions) if _series(fleet, name)]
    if not sent:
        return []
    rows = [_sent_row(fleet, each) for each in sent]
    stored = list(_stored_rows(fleet, sent))
    return [
        "",
        "estimate from the stated series (docs/estimate.md)",
        *_table([_SENT, *rows]),
        *(["", *_table([_STORED, *stored])] if stored else []),
    ]


def _series(fleet: Fleet, region: str) -> int:
    return fleet.region(region).series or 0


def _sent(fleet: Fleet, region: str) -> Sent:
    series = _series(fleet, region)
    samples = series / _least(fleet, region, "vmagent", "vmagent_scrape_interval")
    abroad = [each for each in destinations(fleet, region) if each.region != region]
    return Sent(
        region=region,
        series=series,
        samples=samples,
        abroad=samples * BYTES_PER_SAMPLE * len(abroad),
        at_most=any(each.keep for each in abroad),
    )


def _sent_row(fleet: Fleet, sent: Sent) -> tuple[str, ...]:
    most = "at most " if sent.at_most else ""
    line = f"{most}{_size(sent.abroad)}/s ({_bits(sent.abroad)})" if sent.abroad else "nothing"
    return (
        sent.region,
        _count(sent.series),
        _count(sent.samples),
        line,
        _queue(fleet, sent),
    )


def _queue(fleet: Fleet, sent: Sent) -> str:
    """What the agents of a region keep while its destinations are away, and what they may take."""
    agents = fleet.hosts(sent.region, "vmagent")
    if not agents:
        return "no agent here"
    usual = min(_number(fleet, agent, "vmagent_outage_hours") for agent in agents)
    needed = allowed = 0.0
    outages = []
    for each in destinations(fleet, sent.region):
        hours = each.queue_hours or usual
        outages.append(f"{hours:g} h without {each.region}")
        needed += sent.samples * BYTES_PER_SAMPLE * hours * 3600
        allowed += sum(
            1e6 * float(queue_size(hours, _number(fleet, agent, _EXPECTED)).removesuffix("MB"))
            for agent in agents
        )
    most = "at most " if sent.at_most else ""
    count = f"{len(agents)} agent{'' if len(agents) == 1 else 's'}"
    short = "" if allowed >= needed else f": raise {_EXPECTED}"
    return (
        f"{most}{_size(needed)} for {' and '.join(outages)}, "
        f"{count} may take {_size(allowed)}{short}"
    )


def _stored_rows(fleet: Fleet, sent: Sequence[Sent]) -> Iterator[tuple[str, ...]]:
    for region in sorted(fleet.settings.regions):
        component = "vmsingle" if fleet.hosts(region, "vmsingle") else "vmstorage"
        hosts = fleet.hosts(region, component)
        taken = [
            (each, bool(destination.keep))
            for each in sent
            for destination in destinations(fleet, each.region)
            if destination.region == region
        ]
        if not hosts or not taken:
            continue
        copies = 1 if component == "vmsingle" else fleet.region(region).replication_factor
        retention = max(
            _duration(fleet, host, f"{component}_retention", months=True) for host in hosts
        )
        samples = sum(each.samples for each, _selected in taken) * copies
        series = sum(each.series for each, _selected in taken)
        # The last part of the data goes as a whole: a day, or a month where more is kept.
        kept = retention + (86400 if retention <= 30 * 86400 else _MONTH)
        disk = [samples * kept * size * DISK_SPARE for size in DISK_BYTES]
        most = "at most " if any(selected for _each, selected in taken) else ""
        yield (
            region,
            f"{most}{_count(series)}",
            _count(samples / copies),
            f"{retention / 86400:g} d",
            f"{copies}",
            f"{most}{_size(disk[0])} to {_size(disk[1])}",
            f"{most}{_size(series * copies * SERIES_BYTES * MEMORY_SPARE)}",
        )


def _least(fleet: Fleet, region: str, component: str, name: str) -> float:
    """The shortest of a duration among a region's hosts, the role's default without hosts."""
    hosts = fleet.hosts(region, component)
    found = [_duration(fleet, host, name) for host in hosts]
    return min(found, default=_seconds(ROLE_DEFAULTS[name]))


def _duration(fleet: Fleet, host: str, name: str, *, months: bool = False) -> float:
    value = optional_variable(fleet, host, name) or ROLE_DEFAULTS[name]
    seconds = _seconds(value, months=months)
    if seconds <= 0:
        raise TopologyError(
            f"{name} of host '{host}' is '{value}'; write a duration with its unit, such as "
            f"{ROLE_DEFAULTS[name]}"
        )
    return seconds


def _seconds(value: str, *, months: bool = False) -> float:
    """Parse a duration such as 15s, 1h30m or 90d; 0 for what is none.

    With ``months`` a bare number is one of months, as a retention is.
    """
    if months and re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value) * _MONTH
    parts = _PART.findall(value)
    if "".join(number + unit for number, unit in parts) != value:
        return 0
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _number(fleet: Fleet, host: str, name: str) -> float:
    value = optional_variable(fleet, host, name) or ROLE_DEFAULTS[name]
    try:
        number = float(value)
    except ValueError:
        number = 0
    if number <= 0:
        raise TopologyError(f"{name} of host '{host}' is '{value}'; write a number above 0")
    return number


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _size(number: float) -> str:
    """A number of bytes with two significant digits, in steps of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{float(f'{number:.2g}'):g} {unit}"
        number /= 1000
    return f"{float(f'{number:.2g}'):g} TB" if number < 100 else f"{number:,.0f} TB"


def _bits(number: float) -> str:
    return _size(number * 8).replace("B", "bit/s")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * len(word) for word in rows[0]]
    return [
        "  "
        + "  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (rows[0], rule, *rows[1:])
    ]
