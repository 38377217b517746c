# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Count through gateways what storages have of a region, and copy what one of them lacks by vmctl.

A span is more than its start and not more than its end, in unix seconds, and at most a day of UTC.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

DAY = 86400
# Storages take samples that are so far ahead of their clock.
AHEAD = 2 * DAY
# Below it a storage that refuses to count a span is not asked for halves of it.
_SHORTEST = 60
_TIMEOUT = 600
_SHOWN = 5
# Proxies of the environment are for other hosts.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class HistoryError(Exception):
    """What cannot be counted or copied, in one line that says where and why."""


class Refused(HistoryError):
    """A gateway answered, and not with what it was asked for."""


class Span(NamedTuple):
    """Samples after `start` and not after `end`; what is copied ends at `until`."""

    start: int
    end: int
    until: int

    @property
    def day(self) -> str:
        """The day of UTC, for people."""
        return time.strftime("%Y-%m-%d", time.gmtime(self.start))


class Store(NamedTuple):
    """A storage behind gateways; the next one is asked where one does not answer."""

    urls: list[str]
    user: str
    password: str

    def ask(self, path: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        """The answer of the first gateway that gives one. Raises HistoryError."""
        errors = []
        for url in self.urls:
            try:
                return self._ask(url, path, parameters)
            except Refused:
                raise
            except (OSError, ValueError) as error:
                errors.append(f"{url} did not answer {path} ({error})")
        raise HistoryError("; ".join(errors))

    def first(self) -> str:
        """The first gateway that answers. Raises HistoryError."""
        errors = []
        for url in self.urls:
            try:
                self._ask(url, "/api/v1/query", {"query": "1"})
                return url
            except (OSError, ValueError, HistoryError) as error:
                errors.append(f"{url}: {error}")
        raise HistoryError("; ".join(errors))

    def _ask(self, url: str, path: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"{url}{path}", urlencode(parameters).encode(), {"Authorization": f"Basic {pair}"}
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT) as answer:
                found: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace").strip()[:300]
            raise Refused(f"{url} answered {path} with {error.code}: {said}") from None
        if found.get("isPartial"):
            raise Refused(f"{url} answered in part only; all storage nodes behind it have to run")
        return found


def spans(oldest: float, now: float) -> list[Span]:
    """Every day from a time until now, oldest first; what is copied of the last one ends later."""
    found = []
    start = int(oldest)
    while start < int(now):
        end = min((start // DAY + 1) * DAY, int(now))
        found.append(Span(start, end, end if end < int(now) else end + AHEAD))
        start = end
    return found


def has_samples(store: Store, region: str, span: Span) -> bool:
    """Whether a storage knows a series of a region in a span; it looks at whole days."""
    answer = store.ask(
        "/api/v1/label/cluster/values",
        {"match[]": selector(region), "start": span.start, "end": span.end, "limit": 1},
    )
    return bool(answer["data"])


def selector(region: str, cluster: str | None = None) -> str:
    """What selects the series of a region, or those of one of its clusters."""
    rest = "" if cluster is None else f",cluster={json.dumps(cluster)}"
    return f"{{region={json.dumps(region)}{rest}}}"


def count(store: Store, region: str, span: Span) -> dict[str, int]:
    """How many samples of a region a storage has in a span, by the names of metrics."""
    answer = store.ask(
        "/api/v1/label/cluster/values",
        {"match[]": selector(region), "start": span.start, "end": span.end},
    )
    found: dict[str, int] = {}
    # One cluster at a time, because storages bound the series of a query.
    for cluster in ["", *answer["data"]]:
        _add(found, _count(store, selector(region, cluster), span.start, span.end))
    return found


def _count(store: Store, series: str, start: int, end: int) -> dict[str, int]:
    expression = f"sum(count_over_time({series}[{end - start}s]) keep_metric_names) by (__name__)"
    try:
        # Past all caches: what was copied a moment ago counts.
        answer = store.ask("/api/v1/query", {"query": expression, "time": end, "nocache": 1})
    except Refused:
        # Storages bound the samples of a query as well.
        if end - start <= _SHORTEST:
            raise
        middle = (start + end) // 2
        found = _count(store, series, start, middle)
        _add(found, _count(store, series, middle, end))
        return found
    return {
        each["metric"].get("__name__", ""): int(float(each["value"][1]))
        for each in answer["data"]["result"]
    }


def _add(found: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        found[name] = found.get(name, 0) + number


def missing(wanted: Mapping[str, int], found: Mapping[str, int]) -> dict[str, int]:
    """How many samples of each metric are not there; more than wanted is none too few."""
    lacking = {name: number - found.get(name, 0) for name, number in wanted.items()}
    return {name: number for name, number in sorted(lacking.items()) if number > 0}


def told(lacking: Mapping[str, int], wanted: Mapping[str, int]) -> str:
    """What is missing, for people: the metrics with the most of it."""
    most = sorted(lacking, key=lambda name: (-lacking[name], name))
    shown = [f"{name} {lacking[name]} of {wanted[name]}" for name in most[:_SHOWN]]
    more = [f"{len(most) - _SHOWN} more metrics"] if len(most) > _SHOWN else []
    return ", ".join(shown + more)


def copy(
    program: list[str], source: Store, destination: Store, region: str, span: Span, rate: int = 0
) -> None:
    """Copy a span by vmctl, as it is stored. Raises HistoryError."""
    arguments = {
        "vm-native-src-addr": source.first(),
        "vm-native-dst-addr": destination.first(),
        "vm-native-filter-match": selector(region),
        "vm-native-filter-time-start": _moment(span.start),
        "vm-native-filter-time-end": _moment(span.until),
        "vm-native-step-interval": "day",
        "vm-native-backoff-retries": 5,
        "vm-rate-limit": rate,
    }
    # The passwords are not among the arguments, which everybody on the host can read.
    secrets = {
        "VM_NATIVE_SRC_USERNAME": source.user,
        "VM_NATIVE_SRC_PASSWORD": source.password,
        "VM_NATIVE_DST_USERNAME": destination.user,
        "VM_NATIVE_DST_PASSWORD": destination.password,
    }
    flags = [f"--{name}={value}" for name, value in arguments.items()]
    done = subprocess.run(
        [*program, "vm-native", "-s", "--disable-progress-bar", *flags],
        env={"PATH": os.environ.get("PATH", ""), **secrets},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise HistoryError(f"vmctl failed: {last_line(done.stdout.decode(errors='replace'))}")


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "without a word")


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
