"""A daemon that runs is changed: upgraded, mended, reloaded; an interrupted run is completed."""

from __future__ import annotations

import time

import pytest
from daemon_fleet import (
    HOSTS,
    READY_SECONDS,
    TREE,
    Fleet,
    Machine,
    Run,
    args,
    config,
    secret,
    settings,
)

UNIT = "/etc/systemd/system/meridian-testd.service"
PROGRAM = "/opt/meridian/testd/1.122.1/testd"


def pids(machines: dict[str, Machine]) -> list[int]:
    return [machines[name].ask()["pid"] for name in HOSTS]


def on_all(machines: dict[str, Machine], command: str) -> list[str]:
    return [machines[name].sh(command) for name in HOSTS]


@pytest.fixture(scope="class")
def releases(fleet: Fleet, machines: dict[str, Machine]) -> dict[str, list[str]]:
    """What served, and which versions were on the disk, after each of four changes of version."""
    seen = {}
    fleet.bare()
    for version in ("1.122.1", "1.122.10", "1.122.1", "1.123.0"):
        fleet.serving(version=version)
        served = [machines[name].ask()["version"] for name in HOSTS]
        held = on_all(machines, "ls -A /opt/meridian/testd | tr '\\n' ' '")
        seen[f"{len(seen)} {version}"] = [*served, *held]
    return seen


class TestVersion:
    def test_is_upgraded(self, releases: dict[str, list[str]]) -> None:
        assert releases["1 1.122.10"][:2] == ["1.122.10", "1.122.10"]

    def test_is_downgraded(self, releases: dict[str, list[str]]) -> None:
        assert releases["2 1.122.1"][:2] == ["1.122.1", "1.122.1"]

    def test_before_stays_on_the_disk(self, releases: dict[str, list[str]]) -> None:
        assert releases["2 1.122.1"][2:] == ["1.122.1 1.122.10 ", "1.122.1 1.122.10 "]

    def test_older_ones_are_pruned(self, releases: dict[str, list[str]]) -> None:
        assert releases["3 1.123.0"][2:] == ["1.122.1 1.123.0 ", "1.122.1 1.123.0 "]


HAND_EDITS = {
    "unit": f"sed -i s/TimeoutStopSec=60/TimeoutStopSec=61/ {UNIT}",
    "unit, loaded": f"sed -i s/-listen/-x/ {UNIT} && systemctl daemon-reload",
    "unit, removed": f"rm {UNIT}",
    "link": "systemctl disable --quiet meridian-testd",
    "file": "echo '{}' > /etc/meridian/testd/settings.json",
    "file, removed": "rm /etc/meridian/testd/settings.json",
    "mode": "chmod 0666 /etc/meridian/testd/secret",
    "folder": "chmod 0777 /etc/meridian/testd",
    "program": f"echo '# backdoor' >> {PROGRAM}",
    "program, time kept": f"touch -r {PROGRAM} /root/t && sed -i 's/^import sys$/import  sys/' "
    f"{PROGRAM} && touch -r /root/t {PROGRAM}",
    "program, mode": f"chmod 0644 {PROGRAM}",
    "program, removed": f"rm {PROGRAM}",
}


@pytest.fixture(scope="class")
def good(fleet: Fleet, machines: dict[str, Machine]) -> list[str]:
    """What is on the disk of hosts as declared."""
    fleet.usual()
    return on_all(machines, SUMS)


SUMS = (
    f"cat {UNIT} {PROGRAM} /etc/meridian/testd/* | sha256sum; stat -c '%A %U %G' "
    f"{PROGRAM} /etc/meridian/testd /etc/meridian/testd/*; systemctl is-enabled meridian-testd"
)


@pytest.mark.usefixtures("good")
class TestHandEdit:
    @pytest.mark.parametrize("edit", HAND_EDITS)
    def test_is_mended(
        self, edit: str, good: list[str], fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        on_all(machines, HAND_EDITS[edit])
        run = fleet.serving()
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        assert on_all(machines, SUMS) == good
        assert [machines[name].ask()["settings"] for name in HOSTS] == [{}, {}]

    def test_of_what_the_process_may_have_read_restarts_it(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        before = pids(machines)
        on_all(machines, HAND_EDITS["file"])
        fleet.serving()
        assert not set(before) & set(pids(machines))

    def test_of_a_mode_restarts_nothing(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        before = pids(machines)
        on_all(machines, HAND_EDITS["mode"])
        fleet.serving()
        assert pids(machines) == before


class TestInterruptedRun:
    def test_between_stage_and_activate_is_completed(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        staged = fleet.run(state="staged", version="1.123.0")
        assert [staged[name]["pending"] for name in HOSTS] == ["restart", "restart"]
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.122.1", "1.122.1"]
        run = fleet.serving(version="1.123.0")
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.123.0", "1.123.0"]

    def test_after_a_mended_file_is_completed(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        """The process that runs has read the edit, though its generation is the declared one."""
        fleet.usual()
        on_all(machines, "echo '{\"x\": 1}' > /etc/meridian/testd/settings.json")
        on_all(machines, "systemctl restart meridian-testd")
        wait_for(lambda: pids(machines))
        assert [machines[name].ask()["settings"] for name in HOSTS] == [{"x": 1}, {"x": 1}]
        fleet.run(state="staged")
        fleet.serving()
        assert [machines[name].ask()["settings"] for name in HOSTS] == [{}, {}]

    def test_before_a_reload_is_completed(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.usual()
        new = [config("after the pause"), settings(), secret()]
        staged = fleet.run(state="staged", files=new)
        assert [staged[name]["pending"] for name in HOSTS] == ["reload", "reload"]
        fleet.serving(files=new)
        greetings = [machines[name].ask()["greeting"] for name in HOSTS]
        assert greetings == ["after the pause", "after the pause"]

    def test_staged_twice_is_still_owed(self, fleet: Fleet) -> None:
        fleet.usual()
        fleet.run(state="staged", version="1.123.0")
        again = fleet.run(state="staged", version="1.123.0")
        assert [again[name]["changed"] for name in HOSTS] == [False, False]
        assert [again[name]["pending"] for name in HOSTS] == ["restart", "restart"]

    def test_staging_keeps_the_program_that_runs(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        """Another daemon of the same archive may prune between stage and activate."""
        fleet.usual()
        fleet.run(state="staged", version="1.123.0")
        other = {"name": "other", "args": args(listen=":7071"), "user": "testd"}
        ready = {"url": "http://127.0.0.1:7071/health", "timeout": READY_SECONDS}
        fleet.serving(**other, ready=ready, version="1.122.10")
        held = on_all(machines, "ls -A /opt/meridian/testd | tr '\\n' ' '")
        assert held == ["1.122.1 1.122.10 1.123.0 "] * 2
        fleet.serving(name="other", state="absent", purge_data=True, user="testd")
        held = on_all(machines, "ls -A /opt/meridian/testd | tr '\\n' ' '")
        assert held == ["1.122.1 1.123.0 "] * 2


def wait_for(ask: object, seconds: float = READY_SECONDS) -> None:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ask()  # type: ignore[operator]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="class")
def reloaded(fleet: Fleet, machines: dict[str, Machine]) -> tuple[list[int], Run]:
    """A changed file that testd reloads; its processes before, and the run."""
    fleet.usual()
    before = pids(machines)
    return before, fleet.serving(files=[config("good evening"), settings(), secret()])


class TestReload:
    def test_is_a_change(self, reloaded: tuple[list[int], Run]) -> None:
        assert [reloaded[1][name]["changed"] for name in HOSTS] == [True, True]

    def test_keeps_the_process(
        self, reloaded: tuple[list[int], Run], machines: dict[str, Machine]
    ) -> None:
        assert pids(machines) == reloaded[0]

    @pytest.mark.usefixtures("reloaded")
    def test_brings_the_new_text_to_the_program(self, machine: Machine) -> None:
        assert machine.ask()["greeting"] == "good evening"

    @pytest.mark.usefixtures("reloaded")
    def test_happens_once(self, fleet: Fleet) -> None:
        again = fleet.serving(files=[config("good evening"), settings(), secret()])
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    def test_by_url_keeps_the_process(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.usual()
        before = pids(machines)
        url = {"url": "http://127.0.0.1:7070/-/reload"}
        fleet.serving(files=[config("by URL"), settings(), secret()], reload=url)
        assert [machines[name].ask()["greeting"] for name in HOSTS] == ["by URL", "by URL"]
        assert pids(machines) == before

    def test_that_the_program_does_not_know_is_a_restart(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        before = pids(machines)
        fleet.serving(files=[config("restarted"), settings(), secret()], reload=None)
        assert [machines[name].ask()["greeting"] for name in HOSTS] == ["restarted", "restarted"]
        assert not set(before) & set(pids(machines))

    def test_is_not_asked_for_by_a_file_of_no_interest(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        before = pids(machines)
        readme = {"path": "README", "content": "written for people", "on_change": "none"}
        fleet.serving(files=[config(), settings(), secret(), readme])
        assert pids(machines) == before


class TestProcess:
    def test_that_crashes_is_started_again(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        before = pids(machines)
        on_all(machines, "systemctl kill --signal KILL meridian-testd")
        time.sleep(1)
        wait_for(lambda: pids(machines))
        assert not set(before) & set(pids(machines))

    def test_that_somebody_stopped_is_started(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        on_all(machines, "systemctl stop meridian-testd")
        run = fleet.serving()
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        assert len(pids(machines)) == 2


@pytest.fixture(scope="class")
def tree(fleet: Fleet) -> Run:
    """A program that needs the whole tree of its archive."""
    fleet.usual()
    return fleet.serving(archive=TREE, version="1.0.0")


@pytest.mark.usefixtures("tree")
class TestTree:
    def test_is_installed_whole(self, machine: Machine) -> None:
        found = machine.sh(
            "cd /opt/meridian/testd-tree/1.0.0 && find . -type f ! -name '.*' | sort"
        )
        assert found.split() == ["./bin/testd", "./share/motd.txt", "./share/pages/index.html"]

    def test_serves_from_its_place(self, machine: Machine) -> None:
        assert machine.ask()["motd"] == "tree 1.0.0\n"

    def test_changes_nothing_the_second_time(self, fleet: Fleet) -> None:
        again = fleet.serving(archive=TREE, version="1.0.0")
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    def test_with_an_edited_file_is_mended(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        on_all(machines, "echo vandal > /opt/meridian/testd-tree/1.0.0/share/motd.txt")
        fleet.serving(archive=TREE, version="1.0.0")
        assert [machines[name].ask()["motd"] for name in HOSTS] == ["tree 1.0.0\n"] * 2

    def test_of_another_version_replaces_it(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(archive=TREE, version="2.0.0")
        assert [machines[name].ask()["motd"] for name in HOSTS] == ["tree 2.0.0\n"] * 2

    def test_of_another_archive_leaves_two_versions_in_all(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(archive=TREE, version="2.0.0")
        fleet.serving()
        fleet.serving(version="1.123.0")
        held = on_all(machines, "cd /opt/meridian && find . -maxdepth 2 -mindepth 2 | sort")
        assert held == ["./testd/1.122.1\n./testd/1.123.0"] * 2
