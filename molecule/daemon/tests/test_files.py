"""Files that others own too, files that are declared no longer, and a daemon that is removed."""

from __future__ import annotations

import pytest
from daemon_fleet import HOSTS, Fleet, Machine, Run, config, secret, settings
from samples import becomes

BLOCK = {
    "path": "/etc/hosts",
    "block": "testd gateways",
    "content": "10.20.1.1 gateway.one.test\n10.20.1.2 gateway.one.test\n",
    "on_change": "none",
}


@pytest.fixture(scope="class")
def hosts_files(fleet: Fleet, machines: dict[str, Machine]) -> dict[str, str]:
    """/etc/hosts before the block; in a container it is a bind mount."""
    fleet.bare()
    before = {name: machines[name].sh("cat /etc/hosts") for name in HOSTS}
    fleet.serving(files=[config(), settings(), secret(), BLOCK])
    return before


class TestBlock:
    def test_is_added_to_the_file(self, hosts_files: dict[str, str], machine: Machine) -> None:
        assert machine.sh("cat /etc/hosts") == (
            f"{hosts_files[machine.name]}\n# BEGIN meridian testd gateways\n"
            "10.20.1.1 gateway.one.test\n10.20.1.2 gateway.one.test\n# END meridian testd gateways"
        )

    @pytest.mark.usefixtures("hosts_files")
    def test_is_written_in_place(self, machine: Machine) -> None:
        assert machine.sh("findmnt --noheadings --output TARGET /etc/hosts") == "/etc/hosts"
        assert "10.20.1.2" in machine.sh("getent ahosts gateway.one.test")

    @pytest.mark.usefixtures("hosts_files")
    def test_is_no_change_the_second_time(self, fleet: Fleet) -> None:
        again = fleet.serving(files=[config(), settings(), secret(), BLOCK])
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    @pytest.mark.usefixtures("hosts_files")
    def test_follows_its_declaration(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        pids = [machines[name].ask()["pid"] for name in HOSTS]
        moved = {**BLOCK, "content": "10.20.1.3 gateway.one.test\n"}
        fleet.serving(files=[config(), settings(), secret(), moved])
        found = [machines[name].sh("grep -c gateway.one.test /etc/hosts") for name in HOSTS]
        assert found == ["1", "1"]
        assert [machines[name].ask()["pid"] for name in HOSTS] == pids

    def test_is_taken_out_when_it_is_declared_no_longer(
        self, hosts_files: dict[str, str], fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        assert {name: machines[name].sh("cat /etc/hosts") for name in HOSTS} == hosts_files

    def test_is_taken_out_with_the_daemon(
        self, hosts_files: dict[str, str], fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(files=[config(), settings(), secret(), BLOCK])
        fleet.serving(state="absent", files=[])
        assert {name: machines[name].sh("cat /etc/hosts") for name in HOSTS} == hosts_files


class TestFile:
    def test_declared_no_longer_disappears(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        rules = {"path": "rules/a.yml", "content": "a", "on_change": "reload"}
        fleet.serving(files=[config(), settings(), secret(), rules])
        assert machines[HOSTS[0]].sh("cat /etc/meridian/testd/rules/a.yml") == "a"
        run = fleet.serving()
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        found = "find /etc/meridian/testd -name a.yml"
        assert [machines[name].sh(found) for name in HOSTS] == ["", ""]

    def test_of_the_program_itself_runs(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        """A script that comes with the task, checked by itself before it is there."""
        fleet.bare()
        program = {
            "path": "/opt/meridian/script/testd",
            "content": (fleet.archives / "testd.py").read_text(),
            "mode": "0755",
        }
        mine = {"source": "files", "program": program["path"], "version": None, "archive": None}
        fleet.serving(**mine, files=[config(), settings(), secret(), program])
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.122.1", "1.122.1"]
        again = fleet.serving(**mine, files=[config(), settings(), secret(), program])
        assert [again[name]["changed"] for name in HOSTS] == [False, False]
        fleet.bare()
        assert [machines[name].sh("ls -d /opt/* || true") for name in HOSTS] == ["", ""]


@pytest.fixture(scope="class")
def removed(fleet: Fleet, machines: dict[str, Machine]) -> Run:
    """A daemon that was removed, but for its data."""
    fleet.bare()
    for machine in machines.values():
        machine.sh("touch /root/before")
    fleet.serving()
    for name in HOSTS:
        machines[name].sh("echo precious > /var/lib/testd/data && chown testd /var/lib/testd/data")
    return fleet.serving(state="absent")


class TestAbsent:
    def test_is_a_change(self, removed: Run, machine: Machine) -> None:
        assert removed[machine.name]["changed"] is True

    @pytest.mark.usefixtures("removed")
    def test_stops_the_process(self, machine: Machine) -> None:
        assert machine.sh("pgrep -u testd || true") == ""

    @pytest.mark.usefixtures("removed")
    def test_removes_all_but_the_data(self, machine: Machine) -> None:
        find = (
            "find / -ignore_readdir_race -xdev"
            " \\( -path /proc -o -path /sys -o -path /var/log \\) -prune"
            " -o \\( -name '*testd*' -o -name '*meridian*' \\) -newer /root/before -print"
        )
        # systemd removes the private folder below /var/tmp after the service has ended.
        becomes(lambda: machine.sh(find), "/var/lib/testd")
        assert machine.sh("cat /var/lib/testd/data") == "precious"

    @pytest.mark.usefixtures("removed")
    def test_is_no_change_the_second_time(self, fleet: Fleet) -> None:
        again = fleet.serving(state="absent")
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    @pytest.mark.usefixtures("removed")
    def test_announces_the_end_of_the_data_in_check_mode(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        run = fleet.run("--check", state="absent", purge_data=True)
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        data = [machines[name].sh("cat /var/lib/testd/data") for name in HOSTS]
        assert data == ["precious", "precious"]

    @pytest.mark.usefixtures("removed")
    def test_removes_data_and_user_with_the_second_flag(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(state="absent", purge_data=True)
        for name in HOSTS:
            assert machines[name].sh("ls -d /var/lib/testd 2>/dev/null || true") == ""
            assert machines[name].sh("getent passwd testd || true") == ""

    def test_leaves_a_user_alone_that_was_there_before(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        for name in HOSTS:
            machines[name].sh("useradd --user-group --home-dir /home/alice alice")
        fleet.serving(user="alice")
        fleet.serving(state="absent", purge_data=True, user="alice")
        for name in HOSTS:
            assert machines[name].sh("getent passwd alice").startswith("alice:")
            machines[name].sh("userdel alice")

    def test_goes_through_the_role(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.serving(role=True)
        fleet.serving(role=True, state="absent", purge_data=True)
        found = "systemctl list-unit-files 'meridian-*' --no-legend || true"
        assert [machines[name].sh(found) for name in HOSTS] == ["", ""]
