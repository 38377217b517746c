"""The writer: pushes each tick to every agent until the agent has acknowledged it.

One thread an agent, so one that hangs holds up no other. A tick is acknowledged when all its
requests were answered with 2xx; until then it is repeated, and the next one waits. What is not yet
pushed is not kept: it is computed again from the tick's number.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import child
from plan import AGENT_LABEL, Plan

# An agent that is only slow should not get a tick twice; one that is gone refuses at once.
TIMEOUT_SECONDS = 60
RETRY_SECONDS = 0.25
# An agent that was away gets what is due at this many times the usual rate, not all at once.
CATCH_UP = 3
PATH = "/api/v1/import/prometheus"


class Refused(Exception):
    """A push was answered, and not with 2xx."""


class AgentWriter(threading.Thread):
    """Pushes ticks to one agent, in order; `acknowledged` of them are done."""

    def __init__(
        self,
        plan: Plan,
        agent: str,
        requests: list[list[bytes]],
        offset: float,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=agent, daemon=True)
        self.acknowledged = 0
        self.repeated = 0
        self.error = ""
        self._plan = plan
        self._requests = requests
        self._offset = offset
        self._stop_word = stop
        self._url = urlsplit(plan.agents[agent])
        self._path = (
            f"{self._url.path.rstrip('/')}{PATH}?extra_label={AGENT_LABEL}={quote(agent, safe='')}"
        )
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Push tick after tick until the word to stop."""
        earliest = 0.0
        while True:
            due = self._plan.time(self.acknowledged) / 1000 + self._offset
            if self._stop_word.wait(max(0.0, max(due, earliest) - time.time())):
                return
            earliest = time.time() + self._plan.interval / 1000 / CATCH_UP
            for names in self._requests:
                if not self._insist(self._plan.body(names, self.acknowledged)):
                    return
            self.acknowledged += 1

    def _insist(self, body: bytes) -> bool:
        """Push until the agent acknowledges; False when it did not before the word to stop."""
        while True:
            try:
                self._push(body)
            except (OSError, http.client.HTTPException, Refused) as error:
                self.error = f"{type(error).__name__}: {error}"
                self.repeated += 1
                self._disconnect()
                if self._stop_word.wait(RETRY_SECONDS):
                    return False
            else:
                self.error = ""
                return True

    def _push(self, body: bytes) -> None:
        if self._connection is None:
            kind = (
                http.client.HTTPSConnection
                if self._url.scheme == "https"
                else http.client.HTTPConnection
            )
            self._connection = kind(self._url.netloc, timeout=TIMEOUT_SECONDS)
        self._connection.request("POST", self._path, body=body)
        answer = self._connection.getresponse()
        text = answer.read(500)
        if answer.status // 100 != 2:
            raise Refused(f"{answer.status} {text.decode(errors='replace')}")

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def work(settings: Mapping[str, Any], stop: threading.Event) -> Callable[[], Mapping[str, Any]]:
    """Start the threads; see child.serve."""
    plan = Plan.from_dict(settings["plan"])
    requests = plan.requests()
    step = plan.interval / 1000 / len(plan.agents)
    writers = {
        agent: AgentWriter(plan, agent, requests, number * step, stop)
        for number, agent in enumerate(plan.agents)
    }
    for writer in writers.values():
        writer.start()

    def tell() -> Mapping[str, Any]:
        if stop.is_set():
            for writer in writers.values():
                writer.join()
        return {
            "agents": {
                agent: {
                    "acknowledged": writer.acknowledged,
                    "repeated": writer.repeated,
                    "error": writer.error,
                }
                for agent, writer in writers.items()
            }
        }

    return tell


if __name__ == "__main__":
    child.serve(work)
