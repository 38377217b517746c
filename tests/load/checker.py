"""The checker: compares every sample that a reader gets with what was sent.

It exports through the gateway, one agent and some ticks at a time. A series that is all right is
known by its text; only others are taken apart. The export is what a reader gets: without duplicates
where the storage removes them, and in full, for vmselect refuses one of which it lacks a part.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway import Broken, Gateway
from plan import Plan

# An export is taken in portions of so many samples, which bounds the memory on both sides.
PORTION_SAMPLES = 2_000_000
PORTION_TICKS = 300
READ_BYTES = 1 << 18
# An agent that was refused waits for up to 60 seconds and a tenth more before it sends again (its
# default of -remoteWrite.retryMaxInterval); then the samples have to come through.
STILL_SECONDS = 90


class NoAnswer(Exception):
    """No gateway gave a full export."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Ticks of one agent, from `first` to before `end`."""

    agent: str
    first: int
    end: int


@dataclass(slots=True)
class Count:
    """What came back of a portion, in samples.

    `stored`: sent, and there. `missing`: sent, and not there, by tick. `duplicated`: more than the
    first one of a series at a timestamp. `wrong`: of a value, a time or a series that was not sent.
    """

    stored: int = 0
    duplicated: int = 0
    wrong: int = 0
    missing: Counter[int] = field(default_factory=Counter)


def portions(plan: Plan, acknowledged: dict[str, int]) -> list[Portion]:
    """Cut what the agents have acknowledged, given as ticks, into portions."""
    size = max(1, min(PORTION_TICKS, PORTION_SAMPLES // plan.series))
    return [
        Portion(agent, first, min(first + size, ticks))
        for agent, ticks in acknowledged.items()
        for first in range(0, ticks, size)
    ]


def compare(plan: Plan, portion: Portion, lines: Iterable[bytes]) -> Count:
    """Compare an export, one JSON object a line, with what was sent. ValueError if it is none."""
    ticks = range(portion.first, portion.end)
    times = [plan.time(tick) for tick in ticks]
    right = (
        f'"values":[{",".join(map(str, ticks))}],"timestamps":[{",".join(map(str, times))}]}}'
    ).encode()
    count = Count()
    whole = bytearray(plan.series)
    # Of series that are not whole: how often each tick was there.
    broken: dict[int, Counter[int]] = {}
    for line in lines:
        number = series_number(line)
        if number is None or number >= plan.series:
            count.wrong += len(json.loads(line)["timestamps"])
        elif line.endswith(right) and not whole[number]:
            whole[number] = 1
        else:
            found = broken.setdefault(number, Counter())
            sample = json.loads(line)
            for value, at in zip(sample["values"], sample["timestamps"], strict=True):
                tick, rest = divmod(at - plan.start, plan.interval)
                if rest or tick not in ticks or value != tick:
                    count.wrong += 1
                else:
                    found[tick] += 1
    for number, found in broken.items():
        if whole[number]:
            count.duplicated += found.total()
            continue
        count.stored += len(found)
        count.duplicated += found.total() - len(found)
        count.missing.update(tick for tick in ticks if tick not in found)
    absent = plan.series - whole.count(1) - sum(not whole[number] for number in broken)
    if absent:
        count.missing.update(dict.fromkeys(ticks, absent))
    count.stored += whole.count(1) * len(ticks)
    return count


def series_number(line: bytes) -> int | None:
    """Number of the series on a line of an export; None when it has none."""
    _, found, rest = line.partition(b'"series":"')
    number = rest[: rest.find(b'"')]
    return int(number) if found and number.isdigit() else None


def export(plan: Plan, gateways: Sequence[Gateway], portion: Portion) -> Count:
    """Count a portion through the first gateway that gives it in full. Raises NoAnswer."""
    parameters = [
        ("match[]", plan.selector(portion.agent)),
        ("start", f"{plan.time(portion.first) / 1000:.3f}"),
        ("end", f"{plan.time(portion.end - 1) / 1000:.3f}"),
    ]
    errors = []
    for gateway in gateways:
        try:
            with gateway.get("/api/v1/export", parameters) as answer:
                if answer.status != 200:
                    text = answer.read()[:300].decode(errors="replace")
                    errors.append(f"{gateway.url}: {answer.status} {text}")
                    continue
                return compare(plan, portion, lines_of(answer))
        except (OSError, http.client.HTTPException, ValueError, Broken) as error:
            errors.append(f"{gateway.url}: {error}")
    raise NoAnswer(f"no gateway exports {parameters[0][1]} in full: {'; '.join(errors)}")


def lines_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of an answer; HTTPException when it breaks off, ValueError on half a line."""
    rest = b""
    while block := answer.read(READ_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        raise ValueError(f"the export ends in half a line: {rest[:200]!r}")


def settle(
    plan: Plan, gateways: Sequence[Gateway], acknowledged: dict[str, int], seconds: float
) -> dict[Portion, Count]:
    """Count everything; what misses samples again and again, until it is whole or time is over.

    Time is also over when nothing more has come for STILL_SECONDS.
    """
    deadline = time.monotonic() + seconds
    progress = time.monotonic()
    missing = -1
    counts: dict[Portion, Count] = {}
    pending = portions(plan, acknowledged)
    while True:
        failure: NoAnswer | None = None
        for portion in pending:
            try:
                counts[portion] = export(plan, gateways, portion)
            except NoAnswer as error:
                failure = error
                break
        pending = [each for each in pending if each not in counts or counts[each].missing]
        now = sum(count.missing.total() for count in counts.values())
        if failure or now != missing:
            missing, progress = now, time.monotonic()
        if time.monotonic() >= min(deadline, progress + STILL_SECONDS):
            if failure:
                raise failure
            return counts
        if not pending:
            return counts
        time.sleep(1)


def spans(plan: Plan, counts: dict[Portion, Count]) -> list[dict[str, Any]]:
    """Where samples are missing: by agent, from the first to the last tick of each gap."""
    missing: dict[str, Counter[int]] = {}
    for portion, count in counts.items():
        missing.setdefault(portion.agent, Counter()).update(count.missing)
    found: list[dict[str, Any]] = []
    for agent, ticks in missing.items():
        previous = None
        for tick in sorted(ticks):
            if previous is None or tick != previous + 1:
                found.append({"agent": agent, "start": plan.time(tick) / 1000, "samples": 0})
            found[-1]["end"] = plan.time(tick) / 1000
            found[-1]["samples"] += ticks[tick]
            previous = tick
    return found
