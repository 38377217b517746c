"""Read a data source of a fleet over and over, as dashboards do, and keep how each query went."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fleet import Source
from samples import request

# Grafana asks for the panels of a dashboard at once.
READERS = 6
QUESTION = "count by (region) (last_over_time(up[5m]))"


@dataclass(frozen=True, slots=True)
class Reading:
    """A query: when it was sent (a time of `time.monotonic`), and how it went."""

    at: float
    seconds: float
    status: int  # 0 for no answer
    partial: bool
    regions: frozenset[str]

    @property
    def ended(self) -> float:
        """Return when the answer was there."""
        return self.at + self.seconds


def read(source: Source, *, question: str = QUESTION, **parameters: str) -> Reading:
    """Ask once which regions a data source shows."""
    arguments = urllib.parse.urlencode({"query": question, "nocache": "1", **parameters})
    started = time.monotonic()
    try:
        answer = request(
            f"{source.gateways[0]}/api/v1/query?{arguments}", auth=source.auth, timeout=60
        )
    except (OSError, http.client.HTTPException):
        return Reading(started, time.monotonic() - started, 0, False, frozenset())
    seconds = time.monotonic() - started
    if answer.status != 200:
        return Reading(started, seconds, answer.status, False, frozenset())
    parsed = json.loads(answer.text)
    regions = {each["metric"].get("region", "") for each in parsed["data"]["result"]}
    partial = bool(parsed.get("isPartial"))
    return Reading(started, seconds, 200, partial, frozenset(regions))


@contextmanager
def reading(source: Source, *, pause: float = 0.2) -> Iterator[list[Reading]]:
    """Let several readers ask all the time; what they got is in the list that is given."""
    kept: list[Reading] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(pause):
            kept.append(read(source))

    readers = [threading.Thread(target=ask) for _ in range(READERS)]
    for each in readers:
        each.start()
    try:
        yield kept
    finally:
        ended.set()
        for each in readers:
            each.join()
