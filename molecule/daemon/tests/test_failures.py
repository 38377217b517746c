"""What cannot work is refused before anything changes, or undone: the old state serves on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from daemon_fleet import (
    HOSTS,
    NEVER_READY_SECONDS,
    PORT,
    SECRET,
    Fleet,
    Machine,
    Run,
    config,
    secret,
    settings,
)


@pytest.fixture(scope="class")
def refused(fleet: Fleet, machines: dict[str, Machine]) -> dict[str, tuple[Run, bool, bool]]:
    """An upgrade that testd's dry run refuses; whether the disk and the process are the same."""
    fleet.usual()
    before = [(machines[name].listing(), machines[name].ask()["pid"]) for name in HOSTS]
    broken = {**config(), "content": json.dumps({"greetings": "hello"})}
    run = fleet.run(version="1.123.0", files=[broken, settings(), secret()])
    after = [(machines[name].listing(), machines[name].ask()["pid"]) for name in HOSTS]
    return {
        name: (run, old[0] == new[0], old[1] == new[1])
        for name, old, new in zip(HOSTS, before, after, strict=True)
    }


Refused = dict[str, tuple[Run, bool, bool]]


class TestInvalidConfig:
    def test_is_refused_with_the_words_of_the_program(
        self, refused: Refused, machine: Machine
    ) -> None:
        assert refused[machine.name][0][machine.name]["msg"] == (
            "testd: /etc/meridian/testd/config.json was refused by its check (status 1):\n"
            "testd: /etc/meridian/testd/config.json: the greeting is missing (secret is ********)\n"
            "What runs was not touched."
        )

    def test_changes_nothing_on_the_disk(self, refused: Refused, machine: Machine) -> None:
        assert refused[machine.name][1]

    def test_leaves_the_process_alone(self, refused: Refused, machine: Machine) -> None:
        assert refused[machine.name][2]

    def test_on_a_bare_host_installs_nothing(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.bare()
        fleet.run(files=[{**config(), "content": "{"}, settings(), secret()])
        left = "ls -d /etc/meridian /etc/systemd/system/meridian-testd.service /opt/meridian/*/*"
        assert [machines[name].sh(f"{left} 2>/dev/null || true") for name in HOSTS] == ["", ""]


REFUSED = {
    "name": ({"name": "Test"}, "'Test' is no daemon name; "),
    "reserved name": ({"name": "meridian"}, "a daemon cannot be named 'meridian'"),
    "mode": (
        {"files": [{**config(), "mode": "640"}]},
        "the file /etc/meridian/testd/config.json has the mode '640'; "
        "write four octal digits in quotes, such as '0640'",
    ),
    "twice": (
        {"files": [config(), config()]},
        "the file /etc/meridian/testd/config.json is declared twice",
    ),
    "open secret": (
        {"files": [{**secret(), "mode": "0644"}]},
        "the secret file /etc/meridian/testd/secret has mode 0644, which lets everyone in; "
        "write 0640 or less",
    ),
    "secret block": (
        {"files": [{**secret(), "path": "/etc/hosts", "block": "x"}]},
        "the managed block in /etc/hosts cannot be secret: others read that file too",
    ),
    "ready": (
        {"ready": {"url": "127.0.0.1/health"}},
        "ready.url '127.0.0.1/health' is no URL that starts with http:// or https://",
    ),
    "body": ({"ready": {"body": "("}}, "ready.body '(' is no regular expression: "),
    "signal": (
        {"reload": {"signal": "HUPP"}},
        "reload.signal 'HUPP' is no signal; write one such as HUP",
    ),
    "flag": (
        {"args": {"-x": 1}},
        "'-x' is no flag name; write it without leading dashes or '='",
    ),
    "line break": (
        {"args": {"x": "a\nb"}},
        "flag 'x' has a control character in its value 'a\\nb'; put such text in a file",
    ),
    "section": (
        {"unit": {"service": {}}},
        "unit section 'service' is not one of Unit, Service, Install",
    ),
    "install": (
        {"unit": {"Install": {"Alias": "x.service"}}},
        "unit setting Install.Alias is not supported; use WantedBy or RequiredBy",
    ),
    "user": (
        {"user": "nobody"},
        "this host has no group 'nobody'",
    ),
    "variable": (
        {"environment": {"A B": 1}},
        "'A B' is no name of an environment variable",
    ),
    "program": (
        {"source": "files", "program": "/nowhere"},
        "the program /nowhere is neither on this host nor among its files",
    ),
    "archive": (
        {"archive": {"name": "x"}},
        "the archive of 'testd' lacks file, url, checksums, program: it is not in the release "
        "list, so the task has to state them",
    ),
    "version": (
        {"version": "9.9.9"},
        "testd-linux-amd64-v9.9.9.tar.gz is not in ",
    ),
    "secret in args": (
        {"args": {"password": f"x{SECRET}"}},
        "testd: the content of the secret file secret is also in args, which every user of the "
        "host can read; give the program the file's path instead",
    ),
    "secret in the environment": (
        {"environment": {"PASSWORD": SECRET}},
        "testd: the content of the secret file secret is also in environment, which every user of "
        "the host can read; give the program the file's path instead",
    ),
}


@pytest.fixture(scope="class")
def refusals(fleet: Fleet) -> dict[str, str]:
    """What the daemon's task says to each of them, in one run."""
    fleet.usual()
    tasks, variables = [], {}
    for number, (case, (changes, _message)) in enumerate(REFUSED.items()):
        given = fleet.parameters(**changes)
        variables[f"p{number}"] = given
        task = {key: f"{{{{ p{number}.{key} }}}}" for key in given}
        tasks.append({"name": case, "meridian.metrics.daemon": task, "ignore_errors": True})
    play = {"hosts": HOSTS[0], "gather_facts": False, "tasks": tasks}
    run = fleet.playbook([play], variables)
    return {task["task"]: task["msg"] for task in run.tasks}


class TestDeclaration:
    @pytest.mark.parametrize("case", REFUSED)
    def test_that_cannot_be_is_refused(self, case: str, refusals: dict[str, str]) -> None:
        assert REFUSED[case][1] in refusals[case]

    @pytest.mark.usefixtures("refusals")
    def test_that_is_refused_changes_nothing(self, fleet: Fleet) -> None:
        again = fleet.serving()
        assert [again[name]["changed"] for name in HOSTS] == [False, False]


@pytest.fixture(scope="class")
def exits(fleet: Fleet) -> dict[str, Run]:
    """An upgrade, with changed files, to a version that exits; one run a host, each fails."""
    fleet.usual()
    extra = {"path": "extra", "content": "of the broken version"}
    files = [config("broken"), settings(broken=True), secret("another-secret"), extra]
    return fleet.each(version="1.130.0", files=files)


class TestUpgradeThatExits:
    def test_fails_with_the_reason(self, exits: dict[str, Run], machine: Machine) -> None:
        assert exits[machine.name][machine.name]["msg"].startswith(
            "testd: version 1.130.0 is not ready after its restart: it exited with status 7 "
            "(exit-code). The previous state (1.122.1) was put back and serves.\n"
            "Its last log lines:\n"
            "  testd: the licence of this version has run out"
        )

    def test_says_that_it_was_rolled_back(self, exits: dict[str, Run], machine: Machine) -> None:
        assert exits[machine.name][machine.name]["rolled_back"] is True

    @pytest.mark.usefixtures("exits")
    def test_leaves_the_old_version_serving(self, machine: Machine) -> None:
        assert machine.ask()["version"] == "1.122.1"

    @pytest.mark.usefixtures("exits")
    def test_leaves_the_old_files(self, machine: Machine) -> None:
        about = machine.ask()
        assert (about["greeting"], about["settings"]) == ("hello", {})
        assert machine.sh("ls /etc/meridian/testd").split() == [
            "config.json",
            "secret",
            "settings.json",
        ]

    @pytest.mark.usefixtures("exits")
    def test_leaves_nothing_to_do_for_the_old_declaration(self, fleet: Fleet) -> None:
        again = fleet.serving()
        assert [again[name]["changed"] for name in HOSTS] == [False, False]


@pytest.fixture(scope="class")
def never_ready(fleet: Fleet) -> dict[str, Run]:
    """An upgrade to a version, and another port, that never becomes ready."""
    fleet.usual()
    ready = {"url": f"http://127.0.0.1:{PORT + 1}/health", "timeout": NEVER_READY_SECONDS}
    arguments = {**fleet.parameters()["args"], "listen": f":{PORT + 1}"}
    return fleet.each(version="1.131.0", ready=ready, args=arguments)


class TestUpgradeThatNeverBecomesReady:
    def test_fails_with_the_reason(self, never_ready: dict[str, Run], machine: Machine) -> None:
        assert never_ready[machine.name][machine.name]["msg"].startswith(
            "testd: version 1.131.0 is not ready after its restart: http://127.0.0.1:7071/health "
            f"answered 503 instead of 200 within {NEVER_READY_SECONDS} s. "
            "The previous state (1.122.1) was put back and serves."
        )

    @pytest.mark.usefixtures("never_ready")
    def test_leaves_the_old_version_serving(self, machine: Machine) -> None:
        assert machine.ask()["version"] == "1.122.1"


@pytest.fixture(scope="class", params=["dies", "is unready", "is refused"])
def failed_reload(request: pytest.FixtureRequest, fleet: Fleet) -> tuple[str, dict[str, Run]]:
    """A config that passes the dry run, but not the reload."""
    trouble, reload, complaint = {
        "dies": ({"die_on_reload": True}, {"signal": "HUP"}, "it exited"),
        "is unready": ({"unready": True}, {"signal": "HUP"}, "answered 503 instead of 200"),
        "is refused": (
            {"refuse_reload": True},
            {"url": f"http://127.0.0.1:{PORT}/-/reload"},
            "refused the reload (500): this config cannot be reloaded",
        ),
    }[request.param]
    ready = {"url": f"http://127.0.0.1:{PORT}/health", "timeout": NEVER_READY_SECONDS}
    fleet.serving(reload=reload, ready=ready)
    files = [config("trouble", **trouble), settings(), secret()]
    return complaint, fleet.each(files=files, reload=reload, ready=ready)


class TestReloadThatFails:
    def test_says_why(self, failed_reload: tuple[str, dict[str, Run]], machine: Machine) -> None:
        complaint, runs = failed_reload
        message = runs[machine.name][machine.name]["msg"]
        assert "testd: version 1.122.1 is not ready after its reload: " in message
        assert complaint in message
        assert "The previous state (1.122.1) was put back and serves." in message

    @pytest.mark.usefixtures("failed_reload")
    def test_is_rolled_back(self, machine: Machine) -> None:
        assert machine.ask()["greeting"] == "hello"


@pytest.fixture(scope="class")
def failed_install(fleet: Fleet) -> Run:
    """A first install of a version that exits."""
    fleet.bare()
    return fleet.run(role=True, version="1.130.0")


class TestFirstInstallThatFails:
    def test_shows_what_the_program_said(self, failed_install: Run, machine: Machine) -> None:
        message, log = failed_install[machine.name]["msg"].split("\nIts last log lines:\n")
        assert message == (
            "testd: version 1.130.0 is not ready after its start: it exited with status 7 "
            "(exit-code). There is no earlier state to go back to, so it was stopped and is not "
            "started again until a run succeeds."
        )
        # systemd has started it again where a second passed before it was stopped.
        assert set(log.splitlines()) == {"  testd: the licence of this version has run out"}

    @pytest.mark.usefixtures("failed_install")
    def test_leaves_no_restart_loop(self, machine: Machine) -> None:
        assert (machine.shown("ActiveState"), machine.shown("NRestarts")) == ("inactive", "0")

    @pytest.mark.usefixtures("failed_install")
    def test_does_not_start_with_the_host(self, machine: Machine) -> None:
        assert machine.shown("UnitFileState") == "disabled"

    @pytest.mark.usefixtures("failed_install")
    def test_is_completed_by_a_version_that_works(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(role=True)
        assert [machines[name].shown("UnitFileState") for name in HOSTS] == ["enabled", "enabled"]


NEW = "/opt/meridian/testd/1.123.0"
FOLDERS = ["/opt/meridian", "/etc/meridian/testd", "/etc/systemd/system", "/var/lib/meridian"]


@pytest.fixture(params=FOLDERS)
def full(request: pytest.FixtureRequest, machines: dict[str, Machine]) -> Iterator[str]:
    """A folder that has the same files, and a full disk below it."""
    folder = request.param
    for machine in machines.values():
        machine.sh(
            f"rm -rf {NEW} && mkdir /root/held && cp -a {folder}/. /root/held"
            f" && mount -t tmpfs -o size=1m tmpfs {folder} && cp -a /root/held/. {folder}"
            f" && ! dd if=/dev/zero of={folder}/filler 2>/dev/null"
        )
    yield folder
    for machine in machines.values():
        machine.sh(f"umount {folder} && rm -r /root/held")


@pytest.fixture(params=FOLDERS)
def read_only(request: pytest.FixtureRequest, machines: dict[str, Machine]) -> Iterator[str]:
    """A folder on a file system that cannot be written to."""
    folder = request.param
    for machine in machines.values():
        machine.sh(
            f"rm -rf {NEW} && mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
        )
    yield folder
    for machine in machines.values():
        machine.sh(f"umount {folder}")


@pytest.fixture(scope="class")
def served(fleet: Fleet) -> None:
    """Hosts as usual."""
    fleet.bare()
    fleet.serving()


@pytest.mark.usefixtures("served")
class TestDisk:
    UPGRADE = {"version": "1.123.0", "files": [config("new"), settings(new=True), secret()]}

    def test_that_is_full_is_named(
        self, full: str, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        run = fleet.run(**self.UPGRADE)
        for name in HOSTS:
            message = run[name]["msg"].splitlines()
            assert message[0].startswith(f"testd: {full}/")
            assert message[0].endswith(": No space left on device")
            assert message[1] == "What runs was not touched."
            assert machines[name].ask()["version"] == "1.122.1"

    def test_that_is_read_only_is_named(
        self, read_only: str, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        run = fleet.run(**self.UPGRADE)
        for name in HOSTS:
            message = run[name]["msg"].splitlines()
            assert message[0].startswith(f"testd: {read_only}")
            assert message[0].endswith(": Read-only file system")
            assert message[1] == "What runs was not touched."
            assert machines[name].ask()["version"] == "1.122.1"

    def test_with_room_again_lets_the_upgrade_through(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        fleet.serving(**self.UPGRADE)
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.123.0", "1.123.0"]
