"""A secret reaches the program, and nobody else."""

from __future__ import annotations

import hashlib

import pytest
from daemon_fleet import HOSTS, Fleet, Machine, Run, config, secret, settings

FIRST = "first-S3cret-of-testd"
SECOND = "second-S3cret-of-testd"


@pytest.fixture(scope="module")
def runs(fleet: Fleet, machines: dict[str, Machine]) -> list[Run]:
    """Everything that handles a secret, told as much about as Ansible can tell."""
    fleet.bare()
    for machine in machines.values():
        machine.sh("touch /root/before")
    told = ("-vvv", "--diff")
    first = [config("hello"), settings(), secret(FIRST)]
    second = [config("good evening"), settings(), secret(SECOND)]
    return [
        fleet.run(*told, "--check", files=first),
        fleet.run(*told, files=first),
        fleet.run(*told, "--check", files=second),
        fleet.run(*told, files=second),
        fleet.run(*told, files=[{**config(), "content": "{}"}, settings(), secret(SECOND)]),
        fleet.run(*told, files=second, version="1.130.0"),
        fleet.run(*told, files=second),
    ]


@pytest.mark.usefixtures("runs")
class TestSecret:
    def test_reaches_the_program(self, machine: Machine) -> None:
        assert machine.ask()["secret_sha256"] == hashlib.sha256(SECOND.encode()).hexdigest()

    def test_is_not_in_what_ansible_says(self, runs: list[Run]) -> None:
        said = "".join(run.output for run in runs)
        assert "invocation" in said
        assert FIRST not in said
        assert SECOND not in said

    def test_is_not_in_a_process_list(self, machine: Machine) -> None:
        listed = machine.sh("ps -eww -o args")
        assert "-config=/etc/meridian/testd/config.json" in listed
        assert "S3cret-of-testd" not in listed.replace("grep", "")

    def test_is_not_in_an_environment(self, machine: Machine) -> None:
        found = machine.sh("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
        assert "MERIDIAN_GENERATION=" in found
        assert "S3cret-of-testd" not in found

    def test_is_not_in_the_journal(self, machine: Machine) -> None:
        found = machine.sh("journalctl --no-pager --output=export --all")
        assert "testd" in found
        assert "S3cret-of-testd" not in found

    def test_is_in_no_file_that_others_can_read(self, machine: Machine) -> None:
        found = machine.sh(
            "find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -type f -newer /root/before"
            " -exec grep -l S3cret-of-testd {} + ; find /run /tmp /dev/shm -type f"
            " -exec grep -l S3cret-of-testd {} + ; true"
        )
        readable = [
            path
            for path in found.split()
            if machine.sh(f"su -s /bin/sh nobody -c 'cat {path} 2>/dev/null | wc -c'") != "0"
        ]
        assert "/etc/meridian/testd/secret" in found.split()
        assert readable == []


class TestDiff:
    def test_shows_a_changed_config(self, runs: list[Run]) -> None:
        for run in (runs[2], runs[3]):
            assert '-{"greeting": "hello"}' in run.output
            assert '+{"greeting": "good evening"}' in run.output

    def test_says_that_a_secret_changes(self, runs: list[Run]) -> None:
        for run in (runs[2], runs[3]):
            assert "+++ after: /etc/meridian/testd/secret" in run.output
            assert "-(secret)" in run.output
            assert "+(secret), changed" in run.output

    def test_of_an_upgrade_shows_the_unit(self, fleet: Fleet) -> None:
        run = fleet.run("--check", "--diff", version="1.123.0", hosts=HOSTS[0])
        assert "-ExecStart=/opt/meridian/testd/1.122.1/testd" in run.output
        assert "+ExecStart=/opt/meridian/testd/1.123.0/testd" in run.output
        assert "+program, version 1.123.0" in run.output
