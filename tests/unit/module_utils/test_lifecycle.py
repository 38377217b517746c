"""What a daemon does that needs no systemd; the rest is proved on hosts by the scenario daemon."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import (
    files,
    record,
    systemd,
)
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import Failure
from ansible_collections.meridian.metrics.plugins.module_utils.lifecycle import Daemon, explain
from ansible_collections.meridian.metrics.plugins.module_utils.sources import Needs

Make = Callable[..., Daemon]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def declared(path: str, content: str = "x", **more: Any) -> dict[str, Any]:
    usual = {"mode": "0640", "secret": False, "on_change": "restart", "validate": [], "block": None}
    return {"path": path, "content": content, **usual, **more}


def running(generation: str, pid: int = 4711) -> systemd.Status:
    return systemd.Status("active", "running", "success", "0", pid, generation)


class TestStage:
    def test_a_subcommand_stands_before_the_flags(self, make: Make, host: Path) -> None:
        daemon = make(subcommand="server", args={"config": "/x"})
        daemon.stage()
        unit = (host / "etc/systemd/system/meridian-testd.service").read_text()
        assert f"ExecStart={host}/program server -config=/x\n" in unit

    def test_labels_every_path_that_it_writes(self, make: Make, host: Path) -> None:
        daemon = make(files=[declared("a.yml"), declared("/etc/b.yml".replace("/", f"{host}/", 1))])
        daemon.stage()
        assert daemon.labelled == [  # type: ignore[attr-defined]
            f"{host}/etc/meridian/testd",
            f"{host}/etc/meridian/testd/a.yml",
            f"{host}/etc/b.yml",
            f"{host}/etc/systemd/system/meridian-testd.service",
        ]

    def test_changes_nothing_the_second_time(self, make: Make) -> None:
        assert make(files=[declared("a.yml")]).stage().changed
        again = make(files=[declared("a.yml")])
        assert not again.stage().changed
        assert again.labelled == []  # type: ignore[attr-defined]

    def test_writes_nothing_in_check_mode(self, make: Make, host: Path) -> None:
        before = sorted(host.rglob("*"))
        daemon = make(check_mode=True, files=[declared("a.yml")])
        assert daemon.stage().changed
        assert sorted(host.rglob("*")) == before
        assert [entry["after_header"] for entry in daemon.diff] == [
            f"{host}/etc/meridian/testd/a.yml",
            f"{host}/etc/systemd/system/meridian-testd.service",
        ]

    def test_writes_down_what_is_owed_before_anything_is_in_place(
        self, make: Make, host: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(files=[declared("a.yml")]).stage()
        record.save("testd", {**record.load("testd"), "pending": "none"})
        (host / "etc/meridian/testd/a.yml").write_text("edited by hand")

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(files, "write_all", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(files=[declared("a.yml")]).stage()
        assert record.load("testd")["pending"] == "restart"

    def test_forgets_no_file_when_it_is_interrupted(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(files=[declared("old.yml")]).stage()

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as context:
            context.setattr(files, "write_all", interrupted)
            with pytest.raises(KeyboardInterrupt):
                make(files=[declared("new.yml")]).stage()
        daemon = make(files=[declared("new.yml")])
        daemon.stage()
        assert names_in(Path(daemon.config_dir)) == ["new.yml"]

    def test_asks_for_a_program_that_is_not_there(self, make: Make) -> None:
        archive = {"name": "testd", "program": "testd", "tree": False, "sha256": {}}
        with pytest.raises(Needs):
            make(source="archive", archive=archive, version="1").stage()


class TestGeneration:
    @pytest.mark.parametrize(
        "changes",
        [
            {"args": {"a": 1}},
            {"environment": {"A": 1}},
            {"unit": {"Service": {"Nice": 5}}},
            {"files": [declared("a.yml", "other")]},
            {"files": [declared("b.yml")]},
        ],
    )
    def test_differs_when_a_restart_is_needed(self, changes: dict[str, Any], make: Make) -> None:
        make().stage()
        usual = {"files": [declared("a.yml")], "check_mode": True}
        assert make(**{**usual, **changes}).stage().generation != make(**usual).stage().generation

    @pytest.mark.parametrize("on_change", ["reload", "none"])
    def test_is_the_same_when_a_file_needs_no_restart(self, on_change: str, make: Make) -> None:
        make().stage()
        first, second = (
            make(check_mode=True, files=[declared("a.yml", text, on_change=on_change)])
            for text in ("x", "y")
        )
        assert first.stage().generation == second.stage().generation

    def test_says_nothing_of_a_secret(self, make: Make, host: Path) -> None:
        """It is the same on one host only, so nobody can try passwords against it."""
        usual = {"files": [declared("p", secret=True)], "secrets": {"p": "s3cr3t"}}
        first = make(**usual).stage().generation
        assert make(**usual).stage().generation == first
        shutil.rmtree(host / "var")
        assert make(**usual).stage().generation != first


class TestPending:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (systemd.Status("inactive", "dead", "success", "0", 0, ""), "start"),
            (systemd.Status("activating", "auto-restart", "exit-code", "7", 0, ""), "start"),
            (running("another"), "restart"),
            (running(""), "restart"),
            (running("declared"), "none"),
        ],
    )
    def test_follows_the_process(
        self,
        status: systemd.Status,
        expected: str,
        make: Make,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(systemd, "status", lambda _unit: status)
        assert make().pending("declared")[0] == expected

    @pytest.mark.parametrize("owed", ["reload", "restart"])
    def test_remembers_what_is_owed(
        self, owed: str, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(systemd, "status", lambda _unit: running("declared"))
        daemon = make()
        daemon.record["pending"] = owed
        assert daemon.pending("declared")[0] == owed

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("x", "y", "reload"),
            ("x", "x", "none"),
        ],
    )
    def test_sees_a_reload_that_a_check_would_do(
        self,
        before: str,
        after: str,
        expected: str,
        make: Make,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        make(files=[declared("a.yml", before, on_change="reload")]).stage()
        record.save("testd", {**record.load("testd"), "pending": "none"})
        daemon = make(check_mode=True, files=[declared("a.yml", after, on_change="reload")])
        staged = daemon.stage()
        monkeypatch.setattr(systemd, "status", lambda _unit: running(staged.generation))
        assert daemon.pending(staged.generation)[0] == expected


class TestRoots:
    def test_of_a_daemon_are_all_that_it_may_need(self, host: Path) -> None:  # noqa: ARG002
        record.save("testd", {**record.EMPTY, "root": "/new", "previous_root": "/old"})
        record.save_good("testd", {"root": "/runs"})
        assert record.roots("testd") == {"/new", "/old", "/runs"}

    def test_of_a_new_daemon_are_none(self, host: Path) -> None:  # noqa: ARG002
        assert record.roots("testd") == set()


class TestRecord:
    def test_that_is_damaged_is_named(self, host: Path) -> None:
        path = host / "var/lib/meridian/testd/record.json"
        path.parent.mkdir(parents=True)
        path.write_text("{")
        with pytest.raises(ValueError, match=f"^{path} is damaged; delete it and run again$"):
            record.load("testd")

    def test_is_for_root_only(self, host: Path) -> None:
        record.save("testd", record.EMPTY)
        folder = host / "var/lib/meridian/testd"
        modes = [path.stat().st_mode & 0o777 for path in (folder, folder / "record.json")]
        assert modes == [0o700, 0o600]

    def test_of_others_skips_what_is_no_daemon(self, host: Path) -> None:
        record.save("a", record.EMPTY)
        record.save("b", record.EMPTY)
        (host / "var/lib/meridian/note").write_text("")
        assert record.others("a") == ["b"]


class TestRedact:
    SECRET = (
        "users:\n- username: writer\n  password: 'pa/ss+word=='\n  url_prefix: http://127.0.0.1\n"
    )

    @pytest.mark.parametrize(
        ("said", "shown"),
        [
            ("bad password pa/ss+word", "bad password ********"),
            ("cannot parse url_prefix", "cannot parse url_prefix"),
            ("user writer has no route", "user ******** has no route"),
            ("listening on /run/x", "listening on /run/x"),
        ],
    )
    def test_blanks_out_values_but_not_names(self, said: str, shown: str, make: Make) -> None:
        daemon = make(files=[declared("auth.yml", secret=True)], secrets={"auth.yml": self.SECRET})
        assert daemon.redact(said) == shown

    def test_blanks_out_a_whole_secret(self, make: Make) -> None:
        daemon = make(files=[declared("p", secret=True)], secrets={"p": "a secret text\n"})
        assert daemon.redact("got: a secret text.") == "got: ********."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "/opt/x"), "/opt/x: No space left on device"),
        (PermissionError(13, "Permission denied", "/etc"), "/etc: Permission denied"),
        (RuntimeError("systemctl stop failed"), "systemctl stop failed"),
        (OSError("no HTTP answer"), "no HTTP answer"),
    ],
)
def test_error_is_one_sentence(error: Exception, sentence: str) -> None:
    assert explain(error) == sentence


def test_relative_and_absolute_file_cannot_be_one(make: Make, host: Path) -> None:
    path = f"{host}/etc/meridian/testd/a.yml"
    with pytest.raises(Failure, match=f"^the file {re.escape(path)} is declared twice$"):
        make(files=[declared("a.yml"), declared(path)])


def test_links_follow_the_install_section(make: Make, host: Path) -> None:
    daemon = make(unit={"Install": {"WantedBy": "a.target b.target", "RequiredBy": ["c.target"]}})
    daemon.stage()
    units = host / "etc/systemd/system"
    assert sorted(str(path.parent.relative_to(units)) for path in units.glob("*/*")) == [
        "a.target.wants",
        "b.target.wants",
        "c.target.requires",
    ]
    make().stage()
    assert [path.parent.name for path in units.glob("*/*")] == ["multi-user.target.wants"]
