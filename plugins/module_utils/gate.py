# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate between two hosts of a roll: what held before a host was changed holds again after it.

A check looks at series, either through a gateway of the region, which proves the whole way from the
agents over storage to a reader, or on the program's own metrics page. Series are judged by target,
which is what was scraped: one job on one instance. A target that was seen before the change has to
be seen again, in a sample newer than the change. Those that were silent before do not block.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.meridian.metrics.plugins.module_utils.declaration import Failure

# Of one request; reading the newest samples of a few hundred series takes a hundredth of that.
_REQUEST_SECONDS = 10
# How often a gateway is asked before the roll goes on without a gate.
_ATTEMPTS = 2
_PAUSE = 1.0
# Samples that have to be overdue until a target counts as gone, and seconds that one may take to
# its reader: a host or a scrape job that was taken out before the roll is not waited for.
_MISSED = 2
_ON_THE_WAY = 15
# A page of metrics has no past: seconds after which what holds samples back is looked at again.
_WATCH = 5.0
# Windows to look back: at the end of one window a single sample is left, which has no pace.
_WINDOWS = 2
# An answer that is longer is not one of a gateway.
_LONGEST = 64 * 1024 * 1024
_SHOWN = 4
_SERIES = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})? (?P<value>\S+)")
# An agent numbers the URLs that it sends to, each of which has a backlog of its own.
_URL_PLACE = re.compile(r'[{,]url="(?P<place>\d+):')
_OWN = "its own metrics"

GO_ON = (
    "Mend that and run the same command again, which asks again before it goes on. "
    "With -e meridian_gate_timeout=0 it goes on without asking."
)


class Unanswered(Exception):
    """Nobody answered; the text says who was asked and what came instead."""


class Seen(NamedTuple):
    """What is known of a target."""

    at: float
    """Unix time of its newest sample."""
    values: Mapping[str, float]
    """Value by series, as of then."""
    most: float
    """Largest sum of its series in the window."""
    rise: float
    """By how much that sum changed over the window."""
    pace: float = 0.0
    """Longest time between two of its samples, older ones too; 0 when there is but one."""

    def ended(self, now: float) -> bool:
        """Whether it is not scraped any more: its next samples should long have come."""
        return self.pace > 0 and now - self.at > _MISSED * self.pace + _ON_THE_WAY


class Gate:
    """A gate as the module's parameter ``gate`` declares it.

    ``baseline`` maps checks to targets to the sum of the target's series, and is plain data, to be
    kept until the gate is passed.
    """

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.declared = declared
        self.checks: list[Mapping[str, Any]] = declared["checks"]
        self.skipped: list[str] = []

    # What is asked

    def _get(self, url: str, *, secret: bool) -> str:
        """The body of an answer with status 200; raises Unanswered."""
        request = urllib.request.Request(url)
        if secret and self.declared["username"]:
            login = f"{self.declared['username']}:{self.declared['password'] or ''}"
            # Unredirected: no other server is told the password.
            request.add_unredirected_header(
                "Authorization", "Basic " + base64.b64encode(login.encode()).decode()
            )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        place = url.split("?", maxsplit=1)[0]
        try:
            with opener.open(request, timeout=_REQUEST_SECONDS) as answer:
                return str(answer.read(_LONGEST).decode(errors="replace"))
        except urllib.error.HTTPError as error:
            raise Unanswered(f"{place} answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", error)
            raise Unanswered(f"{place} did not answer ({why})") from error

    def _samples(self, selector: str) -> list[Mapping[str, Any]]:
        """Raw samples, older ones too, from the first gateway that answers; raises Unanswered."""
        words = {
            # A range in brackets gives samples as they are stored, without the latency offset.
            "query": f"{selector}[{_WINDOWS * self.declared['window']}s]",
            "time": f"{time.time():.3f}",
            "nocache": "1",
        }
        failures = []
        for url in self.declared["urls"]:
            address = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode(words)}"
            try:
                series: list[Mapping[str, Any]] = json.loads(self._get(address, secret=True))[
                    "data"
                ]["result"]
                return series
            except Unanswered as error:
                failures.append(str(error))
            except (ValueError, KeyError, TypeError):
                failures.append(f"{url} gave no answer of a query")
        raise Unanswered("; ".join(failures) or "there is no gateway to ask")

    def _look(self, check: Mapping[str, Any]) -> dict[str, Seen]:
        """What a check sees now, by target; raises Unanswered."""
        if check["metrics_url"]:
            at = time.time()
            return _on_page(self._get(check["metrics_url"], secret=False), check["query"], at)
        return _by_target(self._samples(check["query"]), time.time() - self.declared["window"])

    # Before

    def before(self, owed: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        """Wait until the host may be touched; the baseline.

        ``owed`` is the baseline of a gate that was not passed yet: what was lower then, or was
        there, is still wanted. Raises Failure when something does not hold in time.
        """
        deadline = time.monotonic() + self.declared["timeout"]
        seen = self._first_look()
        while True:
            problems = [
                f"{check['name']}: {problem}"
                for check in self.checks
                for problem in _wrong_values(check, seen.get(check["name"], {}), spare_own=True)
            ]
            if not problems:
                return self._baseline(seen, owed)
            if time.monotonic() >= deadline:
                raise Failure(
                    f"its change waits, because for {self.declared['timeout']} s this did not "
                    f"hold: {_listed(problems)}. This host was not touched. {GO_ON}"
                )
            time.sleep(_PAUSE)
            for check in self.checks:
                try:
                    seen[check["name"]] = self._look(check)
                except Unanswered:
                    continue  # It answered before; what it said then still holds it up.

    def _first_look(self) -> dict[str, dict[str, Seen]]:
        """What each check sees; checks that see nothing are left out, and said to be."""
        seen: dict[str, dict[str, Seen]] = {}
        silent = ""
        for check in self.checks:
            direct = bool(check["metrics_url"])
            why = "" if direct else silent
            if not why:
                seen[check["name"]], why = self._look_patiently(check)
                silent = silent if direct else why
            if direct:
                seen[check["name"]] = self._watched(check, seen.get(check["name"], {}))
            if not seen.get(check["name"]):
                why = why or f"no sample of the last {self.declared['window']} s"
                self.skipped.append(f"{check['name']}: not known before the change ({why})")
        return seen

    def _look_patiently(self, check: Mapping[str, Any]) -> tuple[dict[str, Seen], str]:
        """What a check sees, or why it sees nothing."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE)
            try:
                return self._look(check), ""
            except Unanswered as error:
                why = str(error)
        return {}, why

    def _watched(self, check: Mapping[str, Any], first: dict[str, Seen]) -> dict[str, Seen]:
        """What a page says, with the rise of it; a second look only where there is a backlog."""
        if check["growth"] is None or all(each.most <= check["growth"] for each in first.values()):
            return first
        started = time.monotonic()
        time.sleep(_WATCH)
        try:
            second = self._look(check)
        except Unanswered:
            return first
        windows = self.declared["window"] / max(time.monotonic() - started, 0.001)
        return {
            target: each._replace(rise=(each.most - first[target].most) * windows)
            if target in first
            else each
            for target, each in second.items()
        }

    def _baseline(
        self,
        seen: Mapping[str, Mapping[str, Seen]],
        owed: Mapping[str, Mapping[str, float]],
    ) -> dict[str, dict[str, float]]:
        baseline: dict[str, dict[str, float]] = {}
        for check in self.checks:
            name, growth = check["name"], check["growth"]
            found: dict[str, float] = dict(owed.get(name, {}))
            for target, each in seen.get(name, {}).items():
                if each.ended(time.time()) and target not in found:
                    self.skipped.append(f"{name}: {target} is not scraped any more")
                    continue
                if growth is not None and each.rise > growth and target not in found:
                    self.skipped.append(f"{name}: {target} was growing before the change")
                    continue
                found[target] = min(each.most, found.get(target, each.most))
            baseline[name] = found
        return baseline

    # After

    def after(self, baseline: Mapping[str, Mapping[str, float]], since: float) -> float:
        """Wait until all holds again that did before; how long that took, in seconds.

        ``since`` is the Unix time at which the changed program served. Raises Failure.
        """
        started = time.monotonic()
        # What has to hold is asked for at the end: it may hold no more by then.
        time.sleep(max(0.0, since + (self.declared["settle"] or 0) - time.time()))
        deadline = time.monotonic() + self.declared["timeout"]
        waiting = [check for check in self.checks if baseline.get(check["name"])]
        while True:
            problems: list[str] = []
            for check in list(waiting):
                found = list(self._not_as_before(check, baseline[check["name"]], since))
                if not found:
                    waiting.remove(check)
                problems += [f"{check['name']}: {problem}" for problem in found]
            if not waiting:
                return time.monotonic() - started
            if time.monotonic() >= deadline:
                raise Failure(
                    "it runs as declared and serves, but after "
                    f"{self.declared['timeout']} s not all is as before its change: "
                    f"{_listed(problems)}. Nothing is rolled back. {GO_ON}"
                )
            time.sleep(_PAUSE)

    def _not_as_before(
        self, check: Mapping[str, Any], targets: Mapping[str, float], since: float
    ) -> Iterator[str]:
        try:
            seen = self._look(check)
        except Unanswered as error:
            yield str(error)
            return
        newer = {target: each for target, each in seen.items() if each.at > since}
        if check["metrics_url"] and seen:
            # The agent may have been told not to send to one of its URLs any more.
            targets = {target: base for target, base in targets.items() if target in seen}
        for target in targets:
            if target not in newer:
                yield f"{target} has no sample since the change"
        yield from _wrong_values(check, newer, spare_own=False)
        if check["growth"] is not None:
            for target, base in targets.items():
                total = sum(newer[target].values.values()) if target in newer else 0.0
                if total > base + check["growth"]:
                    yield f"{target} has {total:.0f}, before it had {base:.0f}"


def _wrong_values(
    check: Mapping[str, Any], seen: Mapping[str, Seen], *, spare_own: bool
) -> Iterator[str]:
    """Name the series that have not the wanted value; with ``spare_own`` the host's may differ."""
    if check["wanted"] is None:
        return
    own = [f'{label}="{value}"' for label, value in (check["own"] or {}).items()]
    for target, each in seen.items():
        for series, value in each.values.items():
            if value != check["wanted"] and not (
                spare_own and own and all(label in series for label in own)
            ):
                yield f"{target} says {series} is {value:g} instead of {check['wanted']:g}"


def _listed(problems: list[str]) -> str:
    more = len(problems) - _SHOWN
    return "; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _shown(labels: Mapping[str, str]) -> str:
    """A series as it is written."""
    inner = ",".join(
        f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__"
    )
    return f"{labels.get('__name__', '')}{{{inner}}}"


def _target(labels: Mapping[str, str]) -> str:
    words = [labels[name] for name in ("job", "instance") if labels.get(name)]
    return " ".join(words) or _shown(labels)


def _by_target(series: list[Mapping[str, Any]], start: float) -> dict[str, Seen]:
    """The targets with a sample since `start`, the window's beginning.

    The series of one scrape have one time, so that older ones are gone.
    """
    scrapes: dict[str, dict[float, dict[str, float]]] = {}
    for each in series:
        times = scrapes.setdefault(_target(each["metric"]), {})
        for at, text in each["values"]:
            value = float(text)
            if not math.isnan(value):  # not the marker of a series that ended
                times.setdefault(float(at), {})[_shown(each["metric"])] = value
    return {
        target: _seen(times, start)
        for target, times in scrapes.items()
        if times and max(times) >= start
    }


def _seen(times: Mapping[float, Mapping[str, float]], start: float) -> Seen:
    ordered = sorted(times)
    pace = max((after - before for before, after in zip(ordered, ordered[1:])), default=0.0)
    sums = [sum(times[at].values()) for at in ordered if at >= start]
    return Seen(ordered[-1], times[ordered[-1]], max(sums), sums[-1] - sums[0], pace)


def _on_page(text: str, metric: str, at: float) -> dict[str, Seen]:
    """The series of a metric on a program's own page: one target, or one for each of its URLs."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        match = _SERIES.match(line)
        if match and match["name"] == metric:
            url = _URL_PLACE.search(match["labels"] or "")
            place = int(url["place"]) if url else 1
            target = f"{_OWN} (url {place})" if place > 1 else _OWN
            series = metric + (match["labels"] or "")
            found.setdefault(target, {})[series] = float(match["value"])
    return {target: Seen(at, values, sum(values.values()), 0.0) for target, values in found.items()}
