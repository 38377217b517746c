"""A change rolls over the hosts of a play, and stops at the first that fails."""

from __future__ import annotations

import pytest
from daemon_fleet import HOSTS, Fleet, Machine, Run, config, secret, settings


@pytest.fixture(scope="class")
def broken(fleet: Fleet, machines: dict[str, Machine]) -> tuple[Run, list[int]]:
    """An upgrade of both hosts to a version that exits, and the processes before it."""
    fleet.serving(role=True)
    before = [machines[name].ask()["pid"] for name in HOSTS]
    return fleet.run(role=True, version="1.130.0"), before


def order(run: Run) -> list[str]:
    """The hosts in the order in which they were activated."""
    tasks = [task for task in run.tasks if task["task"].endswith("Activate testd")]
    return [task["host"] for task in tasks if task["status"] != "skipped"]


class TestRollOfABrokenVersion:
    def test_fails(self, broken: tuple[Run, list[int]]) -> None:
        assert not broken[0].ok

    def test_rolls_the_first_host_back(
        self, broken: tuple[Run, list[int]], machines: dict[str, Machine]
    ) -> None:
        first = order(broken[0])[0]
        assert broken[0][first]["rolled_back"] is True
        assert machines[first].ask()["version"] == "1.122.1"

    def test_does_not_touch_the_other(
        self, broken: tuple[Run, list[int]], machines: dict[str, Machine]
    ) -> None:
        other = order(broken[0])[1]
        assert machines[other].ask()["pid"] == broken[1][HOSTS.index(other)]

    def test_says_so(self, broken: tuple[Run, list[int]]) -> None:
        first, other = order(broken[0])
        assert broken[0][other]["msg"] == (
            f"testd: the roll stopped at {first}; this host was not touched and still runs what it "
            f"ran. Mend what failed on {first} and run again."
        )

    @pytest.mark.usefixtures("broken")
    def test_is_mended_by_the_old_declaration(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(role=True)
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.122.1", "1.122.1"]
        again = fleet.serving()
        assert [again[name]["changed"] for name in HOSTS] == [False, False]


class TestRoll:
    def test_waits_for_each_host(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.serving(role=True)
        slow = settings(seconds_to_ready=1.5)
        run = fleet.serving(role=True, files=[config(), slow, secret()])
        first, second = (machines[name].ask()["started"] for name in order(run))
        assert second - first >= 1.5

    def test_starts_stopped_hosts_at_once(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.bare()
        run = fleet.serving(role=True)
        assert order(run) == []
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.122.1", "1.122.1"]

    def test_goes_on_at_the_host_that_failed(self, fleet: Fleet) -> None:
        """Its own failure does not keep a host from a rescue."""
        fleet.usual()
        given = fleet.parameters()
        task = {key: f"{{{{ p.{key} }}}}" for key in given}
        tasks = {
            "block": [{"meridian.metrics.daemon": {**task, "version": "1.130.0"}}],
            "rescue": [{"meridian.metrics.daemon": {**task, "version": "1.123.0"}}],
        }
        play = {"hosts": HOSTS[0], "gather_facts": False, "tasks": [tasks]}
        run = fleet.playbook([play], {"p": given})
        assert run.ok, run.output
