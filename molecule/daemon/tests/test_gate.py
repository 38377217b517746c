"""A roll goes on to the next host when what held before the change of one holds again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from daemon_fleet import HOSTS, PORT, SECRET, Fleet, Machine, Run, config, secret, settings

BACKLOG = {
    "name": "nothing waits",
    "query": "testd_backlog",
    "metrics_url": f"http://127.0.0.1:{PORT}/metrics",
    "growth": 1000,
}
GATE = {"timeout": 2, "checks": [BACKLOG]}
# One that is expected to open: longer than a slow machine takes to ask.
PATIENT = {**GATE, "timeout": 60}
NOBODY = {
    "timeout": 2,
    "urls": ["http://127.0.0.1:9"],
    "username": "operator",
    "checks": [{"name": "all is up", "query": "up", "wanted": 1}],
}


def change(number: int, **more: Any) -> dict[str, Any]:
    """Parameters that need a restart."""
    return {"files": [config(), settings(number=number, **more), secret()]}


def pids(machines: Mapping[str, Machine]) -> list[int]:
    return [machines[name].ask()["pid"] for name in HOSTS]


class TestGateThatOpens:
    @pytest.fixture(scope="class")
    def run(self, fleet: Fleet) -> Run:
        fleet.serving(role=True, gate=PATIENT)
        return fleet.serving(role=True, gate=PATIENT, **change(1, backlog=900))

    def test_is_part_of_the_result(self, run: Run) -> None:
        for name in HOSTS:
            assert run[name]["gate"]["skipped"] == []
            assert 0 <= run[name]["gate"]["seconds"] < PATIENT["timeout"]

    @pytest.mark.usefixtures("run")
    def test_is_not_asked_when_nothing_is_changed(self, fleet: Fleet) -> None:
        again = fleet.serving(role=True, gate=PATIENT, **change(1, backlog=900))
        assert [(again[name]["changed"], "gate" in again[name]) for name in HOSTS] == [
            (False, False),
            (False, False),
        ]


class TestGateThatStaysShut:
    """The change makes one wait; it is mended later, and the same command is run again."""

    @pytest.fixture(scope="class")
    def before(self, fleet: Fleet, machines: dict[str, Machine]) -> list[int]:
        fleet.serving(role=True, gate=GATE)
        return pids(machines)

    @pytest.fixture(scope="class")
    def failed(self, fleet: Fleet, before: list[int]) -> Run:  # noqa: ARG002
        return fleet.run(role=True, gate=GATE, **change(2, backlog=5000))

    @pytest.fixture(scope="class")
    def after(self, failed: Run, machines: dict[str, Machine]) -> list[int]:  # noqa: ARG002
        return pids(machines)

    @pytest.fixture(scope="class")
    def again(self, fleet: Fleet, after: list[int]) -> Run:  # noqa: ARG002
        return fleet.run(role=True, gate=GATE, **change(2, backlog=5000))

    @pytest.fixture(scope="class")
    def mended(self, fleet: Fleet, machines: dict[str, Machine], again: Run) -> Run:  # noqa: ARG002
        for machine in machines.values():
            machine.sh("touch /var/lib/testd/mended")
        return fleet.run(role=True, gate=GATE, **change(2, backlog=5000))

    @staticmethod
    def first(run: Run) -> str:
        return next(
            task["host"]
            for task in run.tasks
            if task["task"].endswith("Activate testd") and task["status"] == "failed"
        )

    def test_says_what_waits_and_how_to_go_on(self, failed: Run) -> None:
        assert failed[self.first(failed)]["msg"] == (
            "testd: it runs as declared and serves, but after 2 s not all is as before its change: "
            "nothing waits: its own metrics has 5000, before it had 0. Nothing is rolled back. "
            "Mend that and run the same command again, which asks again before it goes on. "
            "With -e meridian_gate_timeout=0 it goes on without asking."
        )

    def test_leaves_the_first_host_changed_and_the_other_alone(
        self, failed: Run, before: list[int], after: list[int], machines: dict[str, Machine]
    ) -> None:
        first = HOSTS.index(self.first(failed))
        assert after[first] != before[first]
        assert after[1 - first] == before[1 - first]
        assert machines[HOSTS[first]].ask()["settings"]["number"] == 2

    def test_is_asked_again_by_the_next_run_without_a_restart(
        self, failed: Run, again: Run, after: list[int], machines: dict[str, Machine]
    ) -> None:
        assert again[self.first(again)]["msg"] == failed[self.first(failed)]["msg"]
        assert self.first(again) == self.first(failed)
        assert again.returncode != 0
        assert (
            pids(machines)[HOSTS.index(self.first(failed))]
            == after[HOSTS.index(self.first(failed))]
        )

    def test_lets_the_roll_go_on_when_it_is_mended(
        self, mended: Run, failed: Run, after: list[int], machines: dict[str, Machine]
    ) -> None:
        assert mended.ok, mended.output
        first = HOSTS.index(self.first(failed))
        now = pids(machines)
        assert now[first] == after[first]
        assert now[1 - first] != after[1 - first]
        assert mended[HOSTS[first]]["changed"] is False
        assert [machines[name].ask()["settings"]["number"] for name in HOSTS] == [2, 2]


class TestGateThatIsTurnedOff:
    def test_is_forgotten(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        for machine in machines.values():
            machine.sh("rm -f /var/lib/testd/mended")
        fleet.serving(role=True)
        assert not fleet.run(role=True, gate=GATE, **change(3, backlog=5000)).ok
        fleet.serving(role=True, gate={**GATE, "timeout": 0}, **change(3, backlog=5000))
        again = fleet.serving(role=True, gate=GATE, **change(3, backlog=5000))
        assert [again[name]["pending"] for name in HOSTS] == ["none", "none"]


class TestGateThatNobodyAnswers:
    @pytest.fixture(scope="class")
    def run(self, fleet: Fleet) -> Run:
        fleet.serving(role=True)
        given = {"gate": NOBODY, "gate_password": SECRET, **change(4)}
        return fleet.run("-vvv", role=True, **given)

    def test_lets_a_broken_fleet_be_repaired(self, run: Run) -> None:
        assert run.ok, run.output
        why = "http://127.0.0.1:9/api/v1/query did not answer ([Errno 111] Connection refused)"
        skipped = f"all is up: not known before the change ({why})"
        gates = [run[name]["gate"] for name in HOSTS]
        assert [gate["skipped"] for gate in gates] == [[skipped]] * 2
        # It does not wait: between two looks it waits for a second.
        assert [gate for gate in gates if gate["seconds"] >= 1] == []

    def test_is_warned_of(self, run: Run) -> None:
        said = " ".join(run.output.split())
        assert "testd: the gate leaves out all is up: not known before the change" in said

    def test_keeps_its_password_to_itself(self, run: Run) -> None:
        assert re.search(r'"username": "operator"', run.output)
        assert SECRET not in run.output
