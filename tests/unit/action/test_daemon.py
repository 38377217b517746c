"""The controller's part of the daemon; the rest is proved on hosts by the scenario daemon."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.meridian.metrics.plugins.action.daemon import ActionModule


class Action(ActionModule):
    """The action with the module replaced by what `answers` says it answers."""

    def __init__(self, args: dict[str, Any], *answers: dict[str, Any] | Exception) -> None:
        task = SimpleNamespace(args=args, async_val=0, check_mode=False)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        super().__init__(task, connection, None, None, None, None)
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    def _execute_module(self, *, module_args: dict[str, Any], **_: object) -> dict[str, Any]:
        self.sent.append(module_args)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _remove_tmp_path(self, *_: object, **__: object) -> None:
        pass

    def on(self, host: str = "a") -> dict[str, Any]:
        """Run on a host."""
        return self.run(task_vars={"inventory_hostname": host})


@pytest.fixture(autouse=True)
def _playbook_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that one run of ansible-playbook has for itself."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))


def sent(**args: Any) -> dict[str, Any]:
    """What the module is given for a task's arguments."""
    action = Action({"name": "vmagent", **args}, {"changed": False})
    action.on()
    (given,) = action.sent
    return given


class TestRelease:
    def test_comes_from_the_release_list(self) -> None:
        given = sent()
        assert given["archive"]["name"] == "vmutils"
        assert given["archive"]["program"] == "vmagent-prod"
        assert re.fullmatch(r"[0-9.]+", given["version"])

    def test_is_found_by_another_name(self) -> None:
        assert sent(name="agent2", release="vmagent")["archive"]["name"] == "vmutils"

    def test_can_be_overridden_in_part(self) -> None:
        given = sent(version="1.2.3", archive={"sha256": {"amd64": "f00"}, "tree": True})
        assert given["version"] == "1.2.3"
        assert given["archive"]["sha256"] == {"amd64": "f00"}
        assert given["archive"]["tree"] is True
        assert given["archive"]["name"] == "vmutils"

    def test_of_a_package_has_its_names(self) -> None:
        assert sent(source="package")["package"] == {
            "names": ("victoria-metrics",),
            "program": "/usr/bin/vmagent",
            "units": ("victoria-metrics.service",),
        }

    def test_is_not_needed_to_remove_a_daemon(self) -> None:
        assert "archive" not in sent(name="unknown", state="absent")

    @pytest.mark.parametrize(
        ("args", "message"),
        [
            ({"release": "vmagnet"}, "release 'vmagnet' is not in the release list; known: "),
            (
                {"name": "mine"},
                "the archive of 'mine' lacks name, version, file, url, checksums, program: it is "
                "not in the release list, so the task has to state them",
            ),
            (
                {"name": "mine", "source": "package"},
                "'mine' has no package in the release list; use source 'archive', or state "
                "package.names, package.program and package.units",
            ),
            ({"archive": "vmutils"}, "archive is no dictionary"),
            ({"files": "x.yml"}, "files is no list of dictionaries"),
        ],
    )
    def test_that_is_wrong_is_named(self, args: dict[str, Any], message: str) -> None:
        with pytest.raises(AnsibleActionFail, match=f"^{re.escape(message)}"):
            sent(**args)


class TestSecret:
    @pytest.mark.parametrize("secret", [True, "yes", "True", 1])
    def test_travels_apart_from_its_file(self, secret: Any) -> None:
        given = sent(files=[{"path": "p", "content": "s3cr3t", "secret": secret, "mode": "0600"}])
        assert given["files"] == [{"path": "p", "secret": secret, "mode": "0600"}]
        assert given["secrets"] == {"p": "s3cr3t"}

    def test_is_not_what_everyone_may_read(self) -> None:
        given = sent(files=[{"path": "p", "content": "text", "secret": False}])
        assert given["files"] == [{"path": "p", "content": "text", "secret": False}]
        assert given["secrets"] == {}

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("args", {"password": "s3cr3t"}),
            ("args", {"url": ["http://x", "http://user:s3cr3t@host"]}),
            ("environment", {"PASSWORD": "s3cr3t"}),
            ("unit", {"Service": {"ExecStartPre": ["/bin/x s3cr3t"]}}),
        ],
    )
    def test_in_public_never_reaches_the_host(self, place: str, value: Any) -> None:
        files = [{"path": "p", "content": "s3cr3t\n", "secret": True}]
        action = Action({"name": "vmagent", "files": files, place: value})
        message = (
            f"vmagent: the content of the secret file p is also in {place}, which every user of "
            "the host can read; give the program the file's path instead"
        )
        with pytest.raises(AnsibleActionFail, match=f"^{re.escape(message)}$"):
            action.on()
        assert action.sent == []


class TestRoll:
    FAILED = {"failed": True, "msg": "not ready"}

    def test_stops_after_a_failure(self) -> None:
        Action({"name": "vmagent"}, self.FAILED).on("a")
        message = (
            "vmagent: the roll stopped at a; this host was not touched and still runs what it ran. "
            "Mend what failed on a and run again."
        )
        with pytest.raises(AnsibleActionFail, match=f"^{re.escape(message)}$"):
            Action({"name": "vmagent"}).on("b")

    def test_stops_after_a_lost_connection(self) -> None:
        with pytest.raises(AnsibleConnectionFailure):
            Action({"name": "vmagent"}, AnsibleConnectionFailure("gone")).on("a")
        with pytest.raises(AnsibleActionFail, match=r"^vmagent: the roll stopped at a; "):
            Action({"name": "vmagent"}).on("b")

    def test_of_another_daemon_goes_on(self) -> None:
        Action({"name": "vmagent"}, self.FAILED).on("a")
        assert Action({"name": "vmauth"}, {"changed": True}).on("b") == {"changed": True}

    def test_is_not_stopped_by_staging(self) -> None:
        Action({"name": "vmagent", "state": "staged"}, self.FAILED).on("a")
        assert Action({"name": "vmagent"}, {"changed": True}).on("b") == {"changed": True}

    def test_goes_on_after_a_retry_that_succeeds(self) -> None:
        Action({"name": "vmagent"}, self.FAILED).on("a")
        Action({"name": "vmagent"}, {"changed": True}).on("a")
        assert Action({"name": "vmagent"}, {"changed": True}).on("b") == {"changed": True}
