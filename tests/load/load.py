"""Load that knows what it sent: numbered samples, queries, and an exact count of both.

load = Load(agents={"agent-1": "http://10.30.1.31:8429"}, gateways=["http://10.30.1.21:8427"],
            auth=("operator", password), directory=Path("/tmp/load"))
load.start()
...                 # change or break the fleet
report = load.stop()
assert report.missing == 0, report.missing_spans
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import checker
from child import Child
from gateway import Gateway
from plan import Plan

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a load, in samples and queries.

    `sent`: acknowledged by an agent. `stored`: of these, readable. `missing`: of these, not.
    `duplicated`, `wrong`: see checker.Count. `missing_spans`: agent, start and end in unix seconds,
    samples. `query_failures`: at, gateway, error, the first hundred. Times in seconds, `rate` in
    samples per second.
    """

    sent: int
    stored: int
    duplicated: int
    wrong: int
    missing: int
    missing_spans: list[dict[str, Any]]
    queries: int
    queries_failed: int
    queries_partial: int
    queries_retried: int
    query_failures: list[dict[str, Any]]
    slowest_query: float
    seconds: float
    rate: float

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Held:
    """What the gateways of one region have of a load, in samples; the names are those of Report."""

    sent: int
    stored: int
    duplicated: int
    wrong: int
    missing: int
    missing_spans: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return what is held as JSON has it."""
        return asdict(self)


class Load:
    """A writer and a querier, each a process that ends with this one, and the checker."""

    def __init__(
        self,
        *,
        agents: Mapping[str, str],
        gateways: Sequence[str],
        auth: tuple[str, str],
        directory: Path,
        rate: float = 20000,
        queries_per_second: float = 5,
    ) -> None:
        """Prepare a load.

        `agents` are base URLs by name, `gateways` base URLs, `auth` a reader's user and password.
        `rate` is in samples per second over all agents; `directory` takes the processes' logs.
        """
        self._agents = dict(agents)
        self._auth = auth
        self._urls = list(gateways)
        self._gateways = [Gateway(url, auth) for url in gateways]
        self._rate = rate
        self._queries_per_second = queries_per_second
        self._directory = directory
        self._writer: Child | None = None
        self._querier: Child | None = None
        self._plan = Plan(start=0, interval=1000, series=1, agents={})

    def start(self) -> None:
        """Start writing and asking. RuntimeError when an agent takes no sample at all."""
        self._directory.mkdir(parents=True, exist_ok=True)
        start = (int(time.time()) + 1) * 1000
        self._plan = Plan.for_rate(self._rate, self._agents, start=start)
        plan = self._plan.as_dict()
        self._writer = Child("writer", self._directory, {"plan": plan})
        deadline = time.monotonic() + START_SECONDS
        while waiting := [agent for agent, ticks in self._acknowledged().items() if not ticks]:
            if time.monotonic() > deadline:
                states = self._writer.state().get("agents", {})
                told = [
                    f"{a} at {self._agents[a]}: {states.get(a, {}).get('error')}" for a in waiting
                ]
                self.close()
                raise RuntimeError(f"no sample taken by {'; '.join(told)}")
            time.sleep(0.1)
        settings = {
            "plan": plan,
            "gateways": self._urls,
            "auth": self._auth,
            "queries_per_second": self._queries_per_second,
        }
        self._querier = Child("querier", self._directory, settings)

    def sent(self) -> int:
        """Samples that agents have acknowledged so far."""
        return sum(self._acknowledged().values()) * self._plan.series

    def lag(self) -> float:
        """Seconds of samples that are due and that the slowest agent has not acknowledged."""
        due = self._plan.ticks_until(time.time() * 1000)
        slowest = min(self._acknowledged().values())
        return max(0, due - slowest) * self._plan.interval / 1000

    def readable(self) -> int:
        """Samples, of those acknowledged, that a reader gets now; counted one by one."""
        counts = checker.settle(self._plan, self._gateways, self._acknowledged(), seconds=0)
        return sum(count.stored for count in counts.values())

    def held(
        self,
        gateways: Sequence[str],
        *,
        agents: Collection[str] = (),
        auth: tuple[str, str] | None = None,
        settle_seconds: float = 0,
    ) -> Held:
        """Count what the gateways of another region have of what was acknowledged so far.

        Only of `agents`, where some are named; read as `auth`, else as the load is. Waits as `stop`
        does. Raises checker.NoAnswer.
        """
        asked = [Gateway(url, auth or self._auth) for url in gateways]
        acknowledged = {
            agent: ticks
            for agent, ticks in self._acknowledged().items()
            if not agents or agent in agents
        }
        counts = checker.settle(self._plan, asked, acknowledged, settle_seconds)
        return Held(
            sent=sum(acknowledged.values()) * self._plan.series,
            stored=sum(count.stored for count in counts.values()),
            duplicated=sum(count.duplicated for count in counts.values()),
            wrong=sum(count.wrong for count in counts.values()),
            missing=sum(count.missing.total() for count in counts.values()),
            missing_spans=checker.spans(self._plan, counts),
        )

    def stop(self, settle_seconds: float = 180) -> Report:
        """Stop, wait until what was acknowledged is readable or the time is over, and count.

        Raises checker.NoAnswer when no gateway gives a full answer by then.
        """
        assert self._writer, "start the load first"
        self._writer.stop()
        seconds = time.time() - self._plan.start / 1000
        asked = self._querier.stop() if self._querier else {}
        held = self.held(self._urls, settle_seconds=settle_seconds)
        return Report(
            **held.as_dict(),
            queries=asked.get("queries", 0),
            queries_failed=asked.get("failed", 0),
            queries_partial=asked.get("partial", 0),
            queries_retried=asked.get("retried", 0),
            query_failures=asked.get("failures", []),
            slowest_query=round(asked.get("slowest", 0.0), 3),
            seconds=round(seconds, 1),
            rate=round(held.sent / seconds),
        )

    def close(self) -> None:
        """End the processes, if they still run, without a count."""
        for process in (self._writer, self._querier):
            if process:
                process.kill()

    def _acknowledged(self) -> dict[str, int]:
        """Ticks that each agent has acknowledged."""
        state = self._writer.state().get("agents", {}) if self._writer else {}
        return {agent: state.get(agent, {}).get("acknowledged", 0) for agent in self._agents}
