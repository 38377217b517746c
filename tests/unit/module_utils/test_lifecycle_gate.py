"""When a daemon asks its gate, and what it remembers of one that did not open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import gate as gates
from ansible_collections.meridian.metrics.plugins.module_utils import record, systemd
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import Failure
from ansible_collections.meridian.metrics.plugins.module_utils.lifecycle import Daemon

GATE = {"timeout": 300, "checks": [{"name": "no backlog"}]}
BASELINE = {"no backlog": {"vmagent a": 50.0}}

Make = Callable[..., Daemon]


class Gate:
    """A gate that keeps what it was asked, and fails where the test says so."""

    asked: list[tuple[Any, ...]] = []
    fails: set[str] = set()

    def __init__(self, declared: dict[str, Any]) -> None:
        assert declared == GATE
        self.skipped = ["something"]

    def before(self, owed: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("before", owed))
        if "before" in self.fails:
            raise Failure("not now")
        return BASELINE

    def after(self, baseline: dict[str, Any], since: float) -> float:
        self.asked.append(("after", baseline, since))
        if "after" in self.fails:
            raise Failure("not as before")
        return 12.34


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the gate was asked, and between that what was done to the process."""
    monkeypatch.setattr(Gate, "asked", [])
    monkeypatch.setattr(Gate, "fails", set())
    monkeypatch.setattr(gates, "Gate", Gate)

    def bring_up(_self: Daemon, pending: str, *_: object, **__: object) -> str:
        Gate.asked.append((pending,))
        return ""

    monkeypatch.setattr(Daemon, "_bring_up", bring_up)
    return Gate.asked


def activate(daemon: Daemon, pending: str) -> None:
    daemon.activate(daemon.stage(), pending, running("old"))


def running(generation: str) -> systemd.Status:
    return systemd.Status("active", "running", "success", "0", 4711, generation)


def owed() -> dict[str, Any]:
    found: dict[str, Any] = record.load("testd")["gate"]
    return found


class TestGate:
    def test_is_asked_before_and_after_a_restart(
        self, make: Make, asked: list[tuple[Any, ...]]
    ) -> None:
        daemon = make(gate=GATE)
        activate(daemon, "restart")
        assert [entry[0] for entry in asked] == ["before", "restart", "after"]
        assert asked[2][1] == BASELINE
        assert daemon.passed == {"skipped": ["something"], "seconds": 12.3}
        assert owed() == {}

    def test_is_asked_for_a_reload_that_is_a_restart(
        self, make: Make, asked: list[tuple[Any, ...]]
    ) -> None:
        activate(make(gate=GATE), "reload")
        assert [entry[0] for entry in asked] == ["before", "reload", "after"]

    @pytest.mark.parametrize("pending", ["start", "reload"])
    def test_is_not_asked_where_nothing_is_interrupted(
        self, pending: str, make: Make, asked: list[tuple[Any, ...]]
    ) -> None:
        reload = {"signal": "HUP", "url": None, "method": "POST"}
        activate(make(gate=GATE, reload=reload), pending)
        assert asked == [(pending,)]

    @pytest.mark.parametrize("gate", [None, {**GATE, "timeout": 0}, {**GATE, "checks": []}])
    def test_is_not_asked_when_there_is_none(
        self, gate: dict[str, Any] | None, make: Make, asked: list[tuple[Any, ...]]
    ) -> None:
        daemon = make(gate=gate)
        activate(daemon, "restart")
        assert asked == [("restart",)]
        assert daemon.passed == {}

    def test_that_is_shut_before_leaves_the_process_alone(
        self, make: Make, asked: list[tuple[Any, ...]]
    ) -> None:
        Gate.fails.add("before")
        with pytest.raises(Failure, match=r"^not now$"):
            activate(make(gate=GATE), "restart")
        assert asked == [("before", {})]
        assert owed() == {}


class TestGateThatDidNotOpen:
    @pytest.fixture(autouse=True)
    def _failed(self, make: Make, asked: list[tuple[Any, ...]]) -> None:
        Gate.fails.add("after")
        with pytest.raises(Failure, match=r"^not as before$"):
            activate(make(gate=GATE), "restart")
        Gate.fails.clear()
        asked.clear()

    def test_is_owed_by_a_process_that_is_as_declared(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        daemon = make()
        generation = daemon.stage().generation
        monkeypatch.setattr(systemd, "status", lambda _unit: running(generation))
        assert daemon.pending(generation)[0] == "gate"

    def test_is_asked_again_without_another_restart(self, make: Make) -> None:
        since = owed()["since"]
        activate(make(gate=GATE), "gate")
        assert Gate.asked == [("after", BASELINE, since)]
        assert owed() == {}

    def test_stays_owed_until_it_opens(self, make: Make) -> None:
        Gate.fails.add("after")
        with pytest.raises(Failure, match=r"^not as before$"):
            activate(make(gate=GATE), "gate")
        assert owed()["baseline"] == BASELINE

    def test_is_part_of_the_next_change(self, make: Make) -> None:
        activate(make(gate=GATE), "restart")
        assert Gate.asked[0] == ("before", BASELINE)
        assert owed() == {}

    def test_is_asked_after_a_start_too(self, make: Make) -> None:
        activate(make(gate=GATE), "start")
        assert [entry[0] for entry in Gate.asked] == ["start", "after"]

    def test_is_forgotten_when_there_is_none_any_more(self, make: Make) -> None:
        activate(make(), "gate")
        assert Gate.asked == []
        assert owed() == {}

    def test_is_left_to_the_task_that_has_it(self, make: Make) -> None:
        """The task that stages starts a stopped daemon, and has no gate."""
        daemon = make(state="staged")
        activate(daemon, "start")
        assert daemon.owed() == "gate"
        assert owed()["baseline"] == BASELINE


def test_a_run_that_finds_nothing_to_do_does_not_load_what_asks() -> None:
    """The HTTP client alone would double what each host loads."""
    module = "ansible_collections.meridian.metrics.plugins.modules.daemon"
    ask = f"import sys, {module}; print(*sorted(sys.modules))"
    found = {**os.environ, "PYTHONPATH": str(Path(gates.__file__).parents[5])}
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=found
    )
    loaded = {name.rpartition("module_utils.")[2] for name in done.stdout.split()}
    assert {"lifecycle", "staging"} <= loaded
    assert {"gate", "readiness", "validation", "http.client"} & loaded == set()
