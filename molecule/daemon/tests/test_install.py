"""A host gets its daemon, and a second run finds nothing to do."""

from __future__ import annotations

import hashlib
import re
import time

import pytest
from daemon_fleet import (
    HOSTS,
    NEVER_READY_SECONDS,
    PORT,
    SECRET,
    Fleet,
    Machine,
    Run,
    args,
    config,
    secret,
    settings,
)


@pytest.fixture(scope="class")
def installed(fleet: Fleet) -> Run:
    fleet.bare()
    return fleet.serving()


@pytest.mark.usefixtures("installed")
class TestFirstInstall:
    def test_is_a_change(self, installed: Run, machine: Machine) -> None:
        assert installed[machine.name]["changed"] is True

    def test_serves_when_the_task_ends(self, machine: Machine) -> None:
        assert machine.ask()["version"] == "1.122.1"

    def test_has_the_secret(self, machine: Machine) -> None:
        assert machine.ask()["secret_sha256"] == hashlib.sha256(SECRET.encode()).hexdigest()

    def test_runs_as_its_own_user(self, machine: Machine) -> None:
        assert (
            machine.sh("ps -o user= -p $(systemctl show meridian-testd --value -p MainPID)")
            == "testd"
        )

    def test_starts_with_the_host(self, machine: Machine) -> None:
        assert machine.sh("systemctl is-enabled meridian-testd") == "enabled"

    def test_is_confined(self, machine: Machine) -> None:
        said = machine.sh("systemd-analyze security --no-pager meridian-testd.service")
        level = re.search(r"exposure level for \S+: ([0-9.]+)", said)
        assert level
        assert float(level[1]) < 2

    def test_keeps_its_files_from_others(self, machine: Machine) -> None:
        modes = machine.sh("stat -c '%A %U %G' /etc/meridian/testd /etc/meridian/testd/secret")
        assert modes.splitlines() == ["drwxr-x--- root testd", "-rw-r----- root testd"]

    def test_owns_its_data(self, machine: Machine) -> None:
        assert machine.sh("stat -c '%A %U' /var/lib/testd") == "drwxr-x--- testd"

    def test_leaves_nothing_half_made(self, machine: Machine) -> None:
        names = " -o ".join(
            f"-name '{name}'" for name in (".meridian-*", ".unpack-*", "meridian-check-*")
        )
        assert machine.sh(f"find /etc /opt /var/lib /run -ignore_readdir_race -xdev {names}") == ""

    def test_second_run_changes_nothing(self, fleet: Fleet) -> None:
        again = fleet.serving()
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    def test_second_run_is_one_module_run(self, fleet: Fleet) -> None:
        again = fleet.run("-vvv")
        assert [again.output.count(f"<{address}> SSH: EXEC") for address in addresses(again)] == [
            1,
            1,
        ]

    def test_check_mode_agrees_that_nothing_is_to_be_done(self, fleet: Fleet) -> None:
        again = fleet.run("--check")
        assert [again[name]["changed"] for name in HOSTS] == [False, False]


def addresses(run: Run) -> list[str]:
    """The hosts that a -vvv output speaks of."""
    return sorted(set(re.findall(r"<([0-9.]+)> ESTABLISH SSH", run.output)))


ODD = {
    "percent": "100%n %%h",
    "dollar": "$HOME ${PATH} $$",
    "quotes": "say \"hi\" and 'ho'",
    "space": "  two  spaces ",
    "backslash": r"C:\new\table \x41",
    "semicolon": "; ls",
    "umlaut": "Zürich ✓",
    "tilde": "~/x",
    "hash": "#no comment",
    "empty": "",
    "list": ["a", "b c", "d"],
    "yes": True,
    "no": False,
    "number": 12,
    "fraction": 0.5,
    "absent": None,
}


@pytest.fixture(scope="class")
def started(fleet: Fleet) -> Run:
    environment = {"ODD": 'a "b" $HOME %h \\n ü', "FLAG": True, "COUNT": 3}
    return fleet.serving(args=args(**ODD), environment=environment)


@pytest.mark.usefixtures("started")
class TestArguments:
    def test_arrive_unchanged(self, machine: Machine) -> None:
        arrived = machine.ask()["argv"][len(args()) :]
        assert arrived == [
            "-percent=100%n %%h",
            "-dollar=$HOME ${PATH} $$",
            "-quotes=say \"hi\" and 'ho'",
            "-space=  two  spaces ",
            r"-backslash=C:\new\table \x41",
            "-semicolon=; ls",
            "-umlaut=Zürich ✓",
            "-tilde=~/x",
            "-hash=#no comment",
            "-empty=",
            "-list=a",
            "-list=b c",
            "-list=d",
            "-yes=true",
            "-no=false",
            "-number=12",
            "-fraction=0.5",
        ]

    def test_of_the_environment_arrive_unchanged(self, machine: Machine) -> None:
        environment = machine.ask()["environment"]
        found = {name: environment[name] for name in ("ODD", "FLAG", "COUNT")}
        assert found == {"ODD": 'a "b" $HOME %h \\n ü', "FLAG": "true", "COUNT": "3"}

    def test_change_nothing_the_second_time(self, fleet: Fleet) -> None:
        environment = {"ODD": 'a "b" $HOME %h \\n ü', "FLAG": True, "COUNT": 3}
        again = fleet.serving(args=args(**ODD), environment=environment)
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    def test_in_gnu_style_arrive_unchanged(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(args=args(color=True, banner=False), arg_style="gnu")
        arrived = [machines[name].ask()["argv"][-2:] for name in HOSTS]
        assert arrived == [["--color", "--no-banner"]] * 2


@pytest.fixture(scope="class")
def overridden(fleet: Fleet) -> Run:
    unit = {
        "Unit": {"Description": "Testing"},
        "Service": {
            "MemoryMax": "300M",
            "ProtectHome": None,
            "ExecStartPre": ["/bin/true", "/bin/true"],
            "PrivateTmp": False,
        },
    }
    return fleet.serving(unit=unit)


@pytest.mark.usefixtures("overridden")
class TestUnit:
    def test_takes_overrides(self, machine: Machine) -> None:
        shown = machine.sh(
            "systemctl show meridian-testd -p Description -p MemoryMax -p PrivateTmp -p ProtectHome"
        )
        assert sorted(shown.splitlines()) == [
            "Description=Testing",
            "MemoryMax=314572800",
            "PrivateTmp=no",
            "ProtectHome=no",
        ]

    def test_repeats_a_key_for_a_list(self, machine: Machine) -> None:
        unit = machine.sh("cat /etc/systemd/system/meridian-testd.service")
        assert unit.count("ExecStartPre=/bin/true\n") == 2

    def test_goes_back_to_the_defaults(self, fleet: Fleet) -> None:
        run = fleet.serving()
        assert [run[name]["changed"] for name in HOSTS] == [True, True]


def test_modes_do_not_depend_on_the_umask(fleet: Fleet, machines: dict[str, Machine]) -> None:
    fleet.bare()
    for machine in machines.values():
        machine.sh("printf '#!/bin/sh\\numask 0077\\nexec python3 \"$@\"\\n' > /root/python")
        machine.sh("chmod 0755 /root/python")
    run = fleet.run("-e", "ansible_python_interpreter=/root/python")
    assert run.ok, run.output
    modes = "stat -c %a /opt/meridian/testd/1.122.1/testd /etc/meridian /opt/meridian/testd"
    assert [machines[name].sh(modes) for name in HOSTS] == ["755\n755\n755"] * 2


@pytest.fixture(scope="class")
def checked(fleet: Fleet, machines: dict[str, Machine]) -> dict[str, tuple[bool, bool]]:
    """Bare hosts in check mode: is a change announced, is the disk the same?"""
    fleet.bare()
    before = {name: machines[name].listing() for name in HOSTS}
    run = fleet.run("--check", "--diff")
    after = {name: machines[name].listing() for name in HOSTS}
    return {name: (run[name]["changed"], before[name] == after[name]) for name in HOSTS}


class TestCheckMode:
    def test_on_a_bare_host_announces_the_change(
        self, checked: dict[str, tuple[bool, bool]], machine: Machine
    ) -> None:
        assert checked[machine.name][0]

    def test_on_a_bare_host_changes_nothing_at_all(
        self, checked: dict[str, tuple[bool, bool]], machine: Machine
    ) -> None:
        assert checked[machine.name][1]

    @pytest.mark.usefixtures("checked")
    def test_goes_through_the_role_on_a_bare_host(self, fleet: Fleet) -> None:
        run = fleet.run("--check", role=True)
        assert run.ok, run.output
        assert run[HOSTS[0]]["changed"] is True

    def test_of_an_upgrade_changes_nothing_at_all(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.usual()
        before = {name: machines[name].listing() for name in HOSTS}
        run = fleet.run("--check", version="1.123.0", files=[config("new"), settings(), secret()])
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        assert {name: machines[name].listing() for name in HOSTS} == before


class TestReadiness:
    def test_waits_for_the_body(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        fleet.serving(ready={"url": f"http://127.0.0.1:{PORT}/", "body": '"greeting": "hel+o"'})
        assert [machines[name].ask()["greeting"] for name in HOSTS] == ["hello", "hello"]

    def test_without_the_body_is_none(self, fleet: Fleet) -> None:
        ready = {"url": f"http://127.0.0.1:{PORT}/", "body": "no such word"}
        run = fleet.run(
            files=[config(), settings(colour="red"), secret()],
            ready={**ready, "timeout": NEVER_READY_SECONDS},
        )
        within = f"within {NEVER_READY_SECONDS} s"
        assert f"answered without 'no such word' in its body {within}" in run[HOSTS[0]]["msg"]

    def test_waits_until_a_slow_start_is_over(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(files=[config(), settings(seconds_to_ready=1.5), secret()])
        now = time.time()
        assert all(now - machines[name].ask()["started"] >= 1.5 for name in HOSTS)
