"""Grafana as its API shows it: data sources, dashboards, who gets in, and two hosts as one."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

testinfra_hosts = ["ansible://grafana"]

SHARING = ("grafana-1", "grafana-2")
DASHBOARDS = {"meridian-overview", "meridian-application", "meridian-stack", "meridian-latency"}
INI = "/etc/meridian/grafana/grafana.ini"
# Grafana looks at the folders of dashboards every 10 seconds, and indexes what it finds.
PATIENCE_SECONDS = 120


class Api:
    """Grafana's HTTP API, asked with a password, a cookie, or nothing."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}:3000"

    def __call__(
        self, path: str, headers: dict[str, str] | None = None, data: Any = None
    ) -> tuple[int, Any, Any]:
        """Return status, headers and decoded body."""
        body = json.dumps(data).encode() if data is not None else None
        sent = {"Content-Type": "application/json", **(headers or {})}
        asked = urllib.request.Request(self.url + path, data=body, headers=sent)
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, None


def basic(user: str, password: str) -> dict[str, str]:
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {word}"}


@pytest.fixture
def api(address: str) -> Api:
    return Api(address)


@pytest.fixture
def password(host: Any) -> str:
    """The administrator's, as Grafana reads it."""
    file = host.file("/etc/meridian/grafana/secrets/security.admin_password")
    return str(file.content_string).strip()


@pytest.fixture
def administrator(password: str) -> dict[str, str]:
    return basic("admin", password)


@pytest.fixture
def name(host: Any) -> str:
    return str(host.backend.get_pytest_id().removeprefix("ansible://"))


def folders(api: Api, administrator: dict[str, str]) -> dict[str, str]:
    """Return the folder of each dashboard by its uid."""
    status, _headers, found = api("/api/search?type=dash-db", administrator)
    assert status == 200
    return {each["uid"]: each["folderTitle"] for each in found}


def until(see: Callable[[], Any], wanted: Any) -> None:
    """Wait until what is seen is what is wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := see()) != wanted and time.monotonic() < deadline:
        time.sleep(1)
    assert seen == wanted


def test_it_is_healthy(api: Api) -> None:
    status, _headers, body = api("/api/health")
    assert (status, body["database"]) == (200, "ok")


def test_the_generated_password_lets_the_administrator_in(
    api: Api, administrator: dict[str, str]
) -> None:
    status, _headers, body = api("/api/user", administrator)
    assert (status, body["login"]) == (200, "admin")


def test_the_password_that_everyone_knows_does_not(api: Api) -> None:
    assert api("/api/user", basic("admin", "admin"))[0] == 401


@pytest.mark.parametrize("path", ["/api/user", "/api/datasources", "/api/search"])
def test_nobody_gets_in_without_a_password(api: Api, path: str) -> None:
    assert api(path)[0] == 401


def test_data_sources_that_left_the_files_are_gone(api: Api, administrator: dict[str, str]) -> None:
    status, _headers, found = api("/api/datasources", administrator)
    assert status == 200
    assert [
        (each["name"], each["uid"], each["type"], each["access"], each["isDefault"])
        for each in found
    ] == [("us-east-1", "meridian-us-east-1", "prometheus", "proxy", True)]
    assert found[0]["url"] == "http://gateway.us-east-1.meridian.internal:8427"
    assert found[0]["basicAuth"] is True
    assert found[0]["readOnly"] is True
    assert found[0]["jsonData"]["httpMethod"] == "POST"


def test_the_dashboards_are_in_their_folders(api: Api, administrator: dict[str, str]) -> None:
    wanted = dict.fromkeys(DASHBOARDS, "Meridian")
    wanted |= dict.fromkeys(("team", "coming"), "Own dashboards")
    until(lambda: folders(api, administrator), wanted)


def test_the_folder_of_the_dashboards_has_the_uid_of_its_links(
    api: Api, administrator: dict[str, str]
) -> None:
    found = api("/api/search?type=dash-db", administrator)[2]
    assert {each["folderUid"] for each in found if each["uid"] in DASHBOARDS} == {"meridian"}


def test_a_dashboard_that_left_its_folder_left_the_host(host: Any, name: str) -> None:
    folder = host.file("/etc/meridian/grafana/dashboards/own")
    assert sorted(folder.listdir()) == ["coming.json", "team.json"], name


def test_dashboards_come_and_go_without_a_restart(host: Any) -> None:
    seen = json.loads(host.file("/root/side_effect.json").content_string)
    assert seen["pid_after"] == seen["pid_before"]


def test_a_session_holds_on_both_hosts(
    api: Api, password: str, name: str, other_host: Callable[[str], Any]
) -> None:
    if name != SHARING[0]:
        pytest.skip("one of the two is enough")
    status, headers, _body = api("/login", data={"user": "admin", "password": password})
    assert status == 200
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("grafana_session=")

    other = Api(other_host(SHARING[1]).ansible.get_variables()["ansible_host"])
    status, _headers, body = other("/api/user", {"Cookie": cookie})
    assert (status, body["login"]) == (200, "admin")


def journal(host: Any) -> list[tuple[int, str]]:
    """Return the time in microseconds and the text of all that was logged of Grafana."""
    lines = host.check_output("journalctl -u meridian-grafana --output=json").splitlines()
    entries = [json.loads(line) for line in lines]
    return [(int(each["__REALTIME_TIMESTAMP"]), str(each["MESSAGE"])) for each in entries]


def test_the_second_host_started_when_the_first_served(other_host: Callable[[str], Any]) -> None:
    logs = sorted(journal(other_host(name)) for name in SHARING)
    serves = next(at for at, text in logs[0] if "HTTP Server Listen" in text)
    assert logs[0][0][0] < serves <= logs[1][0][0]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            "ini",
            "grafana_ini.server has a key 'http_prt' that Grafana does not know there; "
            "write 'http_port'",
        ),
        ("defaults", "2 data sources are the default one ("),
        ("dashboard", "dashboards_wrong/wrong.json is not JSON: Expecting ',' delimiter"),
        ("database", "cannot be reached from"),
    ],
)
def test_what_is_wrong_was_refused_and_what_runs_not_touched(
    host: Any, case: str, said: str
) -> None:
    seen = json.loads(host.file("/root/side_effect.json").content_string)
    assert said in host.file(f"/root/refused-{case}.txt").content_string
    assert seen["pid_after"] == seen["pid_before"]


def test_a_wrong_password_of_the_database_was_taken_back(host: Any, name: str) -> None:
    if name != SHARING[0]:
        pytest.skip("only grafana-1 was given one")
    said = host.file("/root/refused-password.txt").content_string
    assert "was put back and serves" in said
    assert "not-the-password" not in said


def test_no_secret_stands_where_others_can_read_it(host: Any, password: str) -> None:
    folder = host.file("/etc/meridian/grafana")
    assert (folder.user, folder.group, folder.mode) == ("root", "grafana", 0o750)
    ini = host.file(INI).content_string
    for key in ("admin_password", "secret_key"):
        file = host.file(f"/etc/meridian/grafana/secrets/security.{key}")
        assert (file.user, file.group, file.mode) == ("root", "grafana", 0o640)
        assert len(file.content_string.strip()) == 32
        assert file.content_string.strip() not in ini
        assert f"{key} = $__file{{{file.path}}}" in ini
    assert password not in host.check_output("systemctl cat meridian-grafana")
    assert password not in host.check_output("journalctl -u meridian-grafana")


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("grafana") == []


def test_the_gateways_names_have_their_addresses(host: Any) -> None:
    hosts = host.file("/etc/hosts").content_string
    assert "192.0.2.11 gateway.us-east-1.meridian.internal" in hosts
    assert "192.0.2.21 gateway.eu-west-1.meridian.internal" in hosts
