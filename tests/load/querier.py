"""The querier: asks what it knows the answer to, by turns over the gateways, and counts what fails.

It learns which ticks have arrived in full by asking for the latest ones; from then on every answer
must have them. A third of the queries learn, a third ask for one known tick, a third for a range of
ticks, with vmselect's caches in use. A gateway that refuses, or breaks off before it answers, is a
reason to ask the next one at once, as a Go client that knows all addresses does; that counts as
retried. Anything else but a 200 with the right data is a failed query.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import child
from gateway import Broken, Gateway
from plan import AGENT_LABEL, METRIC, Plan

WORKERS = 16
POINTS = 15
# A sample takes a few seconds to its reader; younger ones are not asked for.
DELAY_SECONDS = 5
KEPT_FAILURES = 100
# Series that a range query takes, as a dashboard looks at a part of all.
BLOCK = 100

Points = dict[int, float]  # tick -> value


class Failed(Exception):
    """A query without the right answer; says at which gateway."""

    def __init__(self, gateway: str, message: str) -> None:
        super().__init__(message)
        self.gateway = gateway


class Querier:
    """Asks, and keeps count."""

    def __init__(self, plan: Plan, gateways: list[Gateway]) -> None:
        self._plan = plan
        self._gateways = gateways
        self._agents = list(plan.agents)
        # Ticks that were seen in full, in the order of their discovery.
        self._known: dict[str, list[int]] = {agent: [] for agent in plan.agents}
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._counts = {"queries": 0, "failed": 0, "partial": 0, "retried": 0}
        self._slowest = 0.0
        self._failures: list[dict[str, Any]] = []

    def ask(self) -> None:
        """Send one query, of the kind whose turn it is; none before there is what to ask for."""
        if self._newest() < 1:
            return
        number = next(self._numbers)
        turn, kind = divmod(number, 3)
        agent = self._agents[turn % len(self._agents)]
        began = time.time()
        try:
            if kind == 0 or not self._known[agent]:
                self._learn(number, agent)
            elif kind == 1:
                self._ask_tick(number, agent)
            else:
                self._ask_range(number, agent)
        except Failed as failure:
            with self._lock:
                self._counts["failed"] += 1
                if len(self._failures) < KEPT_FAILURES:
                    told = {"at": began, "gateway": failure.gateway, "error": str(failure)}
                    self._failures.append(told)
        with self._lock:
            self._counts["queries"] += 1
            self._slowest = max(self._slowest, time.time() - began)

    def tell(self) -> dict[str, Any]:
        """Return the counts."""
        with self._lock:
            return {
                **self._counts,
                "slowest": self._slowest,
                "failures": list(self._failures),
                "known": {agent: len(ticks) for agent, ticks in self._known.items()},
            }

    def _newest(self) -> int:
        """The newest tick that is old enough to be asked for; 0 when there is none."""
        return self._plan.ticks_until((time.time() - DELAY_SECONDS) * 1000) - 1

    def _learn(self, number: int, agent: str) -> None:
        """Ask for the latest ticks; what has arrived in full is known from now on."""
        last = self._newest()
        ticks = range(max(1, last - POINTS + 1), last + 1)
        # Not from a cache, and not into one: some of it may still be on its way.
        points, _ = self._range(number, self._plan.selector(agent), ticks, nocache="1")
        known = self._known[agent]
        recent = set(known[-2 * POINTS :])
        for tick, value in points.items():
            if value == tick * self._plan.series and tick not in recent:
                known.append(tick)

    def _ask_tick(self, number: int, agent: str) -> None:
        tick = random.choice(self._known[agent])
        parameters = {
            "query": self._sum(self._plan.selector(agent)),
            "time": f"{self._plan.time(tick) / 1000:.3f}",
        }
        result, gateway = self._answer(number, "/api/v1/query", parameters)
        values = [float(one["value"][1]) for one in result]
        refuse_difference(
            dict(zip([tick], values, strict=False)),
            {tick: float(tick * self._plan.series)},
            gateway,
        )

    def _ask_range(self, number: int, agent: str) -> None:
        known = self._known[agent]
        newest = random.choice(known)
        ticks = range(max(1, newest - POINTS + 1), newest + 1)
        selector, series = self._block(agent)
        expected = {tick: float(tick * series) for tick in set(ticks).intersection(known)}
        points, gateway = self._range(number, selector, ticks)
        refuse_difference(points, expected, gateway)

    def _block(self, agent: str) -> tuple[str, int]:
        """Select a block of an agent's series; how many it has."""
        blocks = self._plan.series // BLOCK
        if blocks < 2:
            return self._plan.selector(agent), self._plan.series
        prefix = random.randrange(1, blocks)
        return f'{METRIC}{{{AGENT_LABEL}="{agent}",series=~"{prefix}.."}}', BLOCK

    def _range(self, number: int, selector: str, ticks: range, **more: str) -> tuple[Points, str]:
        parameters = {
            "query": self._sum(selector),
            "start": f"{self._plan.time(ticks[0]) / 1000:.3f}",
            "end": f"{self._plan.time(ticks[-1]) / 1000:.3f}",
            "step": f"{self._plan.interval}ms",
            **more,
        }
        result, gateway = self._answer(number, "/api/v1/query_range", parameters)
        points = {
            round((at * 1000 - self._plan.start) / self._plan.interval): float(value)
            for one in result
            for at, value in one["values"]
        }
        return points, gateway

    def _sum(self, selector: str) -> str:
        """Sum up what has exactly the timestamp asked for: nothing older stands in for a gap."""
        return f"sum(sum_over_time({selector}[{self._plan.interval}ms]))"

    def _answer(
        self, number: int, path: str, parameters: Mapping[str, str]
    ) -> tuple[list[dict[str, Any]], str]:
        """Ask one gateway after the other for a result; also says which one answered."""
        # vmselect would shift what is younger than 30 s.
        asked = {**parameters, "latency_offset": "1ms"}
        broken = ""
        for step in range(len(self._gateways)):
            gateway = self._gateways[(number + step) % len(self._gateways)]
            try:
                with gateway.get(path, asked) as answer:
                    status, text = answer.status, answer.read()
            except Broken as error:
                broken = str(error)
                if step + 1 < len(self._gateways):
                    with self._lock:
                        self._counts["retried"] += 1
                continue
            except (OSError, http.client.HTTPException) as error:
                raise Failed(gateway.url, f"{type(error).__name__}: {error}") from error
            if status != 200:
                raise Failed(gateway.url, f"{status} {text[:300].decode(errors='replace')}")
            content = json.loads(text)
            if content.get("isPartial"):
                with self._lock:
                    self._counts["partial"] += 1
            result: list[dict[str, Any]] = content["data"]["result"]
            return result, gateway.url
        raise Failed(gateway.url, f"no gateway answered; this one: {broken}")


def refuse_difference(points: Points, expected: Points, gateway: str) -> None:
    """Raise Failed when an answer lacks an expected point or has it with another value."""
    wrong = {
        tick: points.get(tick) for tick, value in expected.items() if points.get(tick) != value
    }
    if wrong:
        tick = min(wrong)
        raise Failed(
            gateway,
            f"{len(wrong)} of {len(expected)} points differ; tick {tick} should be "
            f"{expected[tick]:g} and is {wrong[tick]}",
        )


def work(settings: Mapping[str, Any], stop: threading.Event) -> Callable[[], Mapping[str, Any]]:
    """Start the threads; see child.serve."""
    user, password = settings["auth"]
    gateways = [Gateway(url, (user, password)) for url in settings["gateways"]]
    querier = Querier(Plan.from_dict(settings["plan"]), gateways)
    turns = threading.Semaphore(0)

    def pace() -> None:
        while not stop.wait(1 / settings["queries_per_second"]):
            turns.release()
        turns.release(WORKERS)

    def answer() -> None:
        while turns.acquire() and not stop.is_set():
            querier.ask()

    threads = [threading.Thread(target=answer, daemon=True) for _ in range(WORKERS)]
    threads.append(threading.Thread(target=pace, daemon=True))
    for thread in threads:
        thread.start()

    def tell() -> Mapping[str, Any]:
        if stop.is_set():
            for thread in threads:
                thread.join()
        return querier.tell()

    return tell


if __name__ == "__main__":
    child.serve(work)
