"""What a Prometheus scraped, and what became of it elsewhere; for the tests of the receivers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from urllib.parse import urlencode

from samples import eventually, request

# VictoriaMetrics keeps 12 digits of a value that is no whole number and cuts off the rest
# (conversionPrecision in its lib/decimal).
PRECISION = 1e-11

# The values by their times in milliseconds, by the labels of their series.
Samples = dict[frozenset[tuple[str, str]], dict[int, float]]


def in_prometheus(url: str, selector: str, start: float, end: float) -> Samples:
    """The samples of a Prometheus itself; times are in seconds, `start` is left out."""
    asked = {"query": f"{selector}[{round((end - start) * 1000)}ms]", "time": f"{end:.3f}"}
    answer = request(f"{url}/api/v1/query?{urlencode(asked)}")
    assert answer.status == 200, answer
    return {
        frozenset(one["metric"].items()): _finite(
            {round(at * 1000): float(value) for at, value in one["values"]}
        )
        for one in json.loads(answer.text)["data"]["result"]
    }


def in_storage(url: str, selector: str, start: float, end: float) -> Samples:
    """The samples of a VictoriaMetrics. AssertionError for a series with one time twice."""
    asked = {"match[]": selector, "start": f"{start + 0.001:.3f}", "end": f"{end:.3f}"}
    answer = request(f"{url}/api/v1/export?{urlencode(asked)}")
    assert answer.status == 200, answer
    found: Samples = {}
    for line in answer.text.splitlines():
        one = json.loads(line)
        times = one["timestamps"]
        assert len(times) == len(set(times)), f"twice: {one['metric']}"
        # Not a number is exported as null, and so is the mark of a series that ended.
        values = [math.nan if value is None else float(value) for value in one["values"]]
        key = frozenset(one["metric"].items())
        found.setdefault(key, {}).update(_finite(dict(zip(times, values, strict=True))))
    return found


def _finite(values: Mapping[int, float]) -> dict[int, float]:
    return {at: value for at, value in values.items() if math.isfinite(value)}


def relabelled(samples: Samples, labels: Mapping[str, str]) -> Samples:
    """The same samples, of series with further labels."""
    return {
        frozenset({**dict(series), **labels}.items()): values for series, values in samples.items()
    }


def differences(expected: Samples, found: Samples) -> list[str]:
    """What is missing, what is too much and what has another value, one line a series."""
    lines = []
    for series in expected.keys() | found.keys():
        wanted, got = expected.get(series, {}), found.get(series, {})
        missing, additional = wanted.keys() - got.keys(), got.keys() - wanted.keys()
        other = [
            at
            for at in wanted.keys() & got.keys()
            if not math.isclose(wanted[at], got[at], rel_tol=PRECISION)
        ]
        if missing or additional or other:
            lines.append(
                f"{sorted(series)}: missing {sorted(missing)}, additional {sorted(additional)}, "
                f"with another value {sorted(other)}"
            )
    return lines


def count(samples: Samples) -> int:
    """How many samples there are."""
    return sum(len(values) for values in samples.values())


def wait_for(url: str, selector: str, after: float) -> None:
    """Wait until a storage or a Prometheus has samples that are younger than a time."""
    asked = urlencode({"query": f"min(timestamp({selector}))"})

    def has() -> bool:
        result = json.loads(request(f"{url}/api/v1/query?{asked}").text)["data"]["result"]
        return bool(result) and float(result[0]["value"][1]) > after

    eventually(has, seconds=240)
    time.sleep(2)
