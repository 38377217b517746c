"""What a load consists of: numbered samples, computed from tick numbers and never kept.

Every agent gets the series meridian_load{series="0"}, "1", ... Each has one sample a tick: its
value is the tick's number, its timestamp the tick's time. So what was sent is known from one number
an agent, the ticks that it has acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METRIC = "meridian_load"
# Tells the agents apart, whatever labels the gateway adds; two agents may serve one cluster.
AGENT_LABEL = "agent"
# A request of a few hundred kilobytes: far below every limit, few enough to cost nothing.
SERIES_PER_REQUEST = 5000


@dataclass(frozen=True, slots=True)
class Plan:
    """A load: `start` is tick 0 in unix milliseconds, `series` how many each agent has."""

    start: int
    interval: int  # milliseconds
    series: int
    agents: Mapping[str, str]  # name -> base URL

    @classmethod
    def for_rate(
        cls, rate: float, agents: Mapping[str, str], *, start: int, interval: int = 1000
    ) -> Plan:
        """Spread a rate, in samples per second over all agents, evenly over them."""
        series = max(1, round(rate * interval / 1000 / len(agents)))
        return cls(start=start, interval=interval, series=series, agents=dict(agents))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Plan:
        """Read what `as_dict` wrote."""
        return cls(**content)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as it is handed to another process."""
        return {name: getattr(self, name) for name in ("start", "interval", "series", "agents")}

    def time(self, tick: int) -> int:
        """Timestamp of a tick in unix milliseconds."""
        return self.start + tick * self.interval

    def ticks_until(self, milliseconds: float) -> int:
        """How many ticks are due at a time; never negative."""
        return max(0, int((milliseconds - self.start) // self.interval) + 1)

    def selector(self, agent: str) -> str:
        """Select all the series of an agent."""
        return f'{METRIC}{{{AGENT_LABEL}="{agent}"}}'

    def requests(self) -> list[list[bytes]]:
        """Names of the series, one list for each request that a tick takes."""
        return [
            [b'%s{series="%d"}' % (METRIC.encode(), number) for number in numbers]
            for numbers in self._portions()
        ]

    def body(self, names: list[bytes], tick: int) -> bytes:
        """Return one request's lines, `name value milliseconds`, at a tick."""
        stamp = b" %d %d\n" % (tick, self.time(tick))
        return stamp.join(names) + stamp

    def _portions(self) -> Iterator[range]:
        for first in range(0, self.series, SERIES_PER_REQUEST):
            yield range(first, min(first + SERIES_PER_REQUEST, self.series))
