"""Two Alertmanagers that are told the same: people hear of it once, also while one is away."""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from samples import eventually, request

testinfra_hosts = ["ansible://alertmanager-1"]

# The second one waits for this time whether the first one tells; then it would tell as well. That
# is the scenario's cluster.peer-timeout: longer than a slow machine holds the first one up. Its
# group interval is longer still: an end that comes while the second one waits is told by both.
PEER_TIMEOUT_SECONDS = 10
# Until people are told, whoever tells them, or both know each other again.
PATIENCE_SECONDS = 120
SERVICE = "meridian-alertmanager"


@dataclass(frozen=True)
class Mesh:
    """Both Alertmanagers, as vmalert and people use them, and the listener of all receivers."""

    addresses: tuple[str, str]

    @property
    def urls(self) -> list[str]:
        return [f"http://{address}:9093/api/v2" for address in self.addresses]

    def post(self, *alerts: dict[str, Any], to: list[str] | None = None) -> None:
        for url in to or self.urls:
            answer = send(f"{url}/alerts", list(alerts))
            assert answer.status == 200, answer

    def came(self) -> list[dict[str, Any]]:
        """Everything that the listener was told, in order."""
        return list(json.loads(request(f"http://{self.addresses[0]}:8080/").text))

    def told(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.came() if name in json.dumps(one["body"])]

    def members(self) -> list[int]:
        """How many each one knows, once it is ready to tell people; 0 while it starts."""
        return [self._members(url) for url in self.urls]

    @staticmethod
    def _members(url: str) -> int:
        try:
            cluster = json.loads(request(f"{url}/status").text)["cluster"]
        except OSError:
            return 0
        return len(cluster["peers"]) if cluster["status"] == "ready" else 0

    def silences(self, url: str) -> list[str]:
        return [one["id"] for one in json.loads(request(f"{url}/silences").text)]


def send(url: str, body: object) -> Any:
    headers = {"Content-Type": "application/json"}
    return request(url, body=json.dumps(body).encode(), headers=headers)


def at(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.isoformat()


def alert(name: str, *, over: bool = False, **labels: str) -> dict[str, Any]:
    named = {"alertname": name, "region": "us-east-1", "severity": "warning", **labels}
    # An alert without an end ends after five minutes in which it is not told again.
    start, end = (-2, -1) if over else (0, 3600)
    times = {"startsAt": at(start), "endsAt": at(end)}
    return {"labels": named, **times}


def wait_for_the_second() -> None:
    time.sleep(PEER_TIMEOUT_SECONDS + 2)


def second(host: Any) -> Any:
    name = "ansible://alertmanager-2"
    return host.get_host(
        name,
        ansible_inventory=host.backend.ansible_inventory,
        ssh_identity_file=host.backend.ssh_identity_file,
    )


@pytest.fixture(scope="module")
def mesh(host: Any) -> Mesh:
    both = [each.ansible.get_variables()["ansible_host"] for each in (host, second(host))]
    made = Mesh((both[0], both[1]))
    eventually(lambda: made.members() == [2, 2], seconds=PATIENCE_SECONDS)
    return made


# What each env's receiver gets.
BY_ENV = {"ForDev": "dev", "ForBeta": "beta", "ForProd": "prod"}


@pytest.fixture(scope="module")
def silence(mesh: Mesh) -> str:
    """A silence that was made on the first one."""
    silenced = {
        "matchers": [{"name": "alertname", "value": "Silenced", "isRegex": False}],
        "startsAt": at(0),
        "endsAt": at(3600),
        "createdBy": "a test",
        "comment": "maintenance",
    }
    return str(json.loads(send(f"{mesh.urls[0]}/silences", silenced).text)["silenceID"])


@pytest.fixture(scope="module")
def fired(mesh: Mesh, silence: str) -> list[dict[str, Any]]:
    """Alerts of all kinds, told to both, and some time after the last that is expected."""
    eventually(lambda: silence in mesh.silences(mesh.urls[1]))
    mesh.post(
        alert("Everywhere"),
        alert("Remembered"),
        alert("Silenced"),
        alert("Watchdog", severity="info"),
        alert("DiskFull", instance="a", severity="critical"),
        alert("DiskFull", instance="a", severity="warning"),
        alert("RegionStale", region="eu-west-1", severity="critical"),
        alert("InStaleRegion", region="eu-west-1", severity="critical"),
        alert("AgentClockWrong", region="eu-west-1", cluster="c", severity="critical"),
        alert("AgentClockWrong", region="us-east-1", cluster="d", severity="critical"),
        alert("AgentDead", region="us-east-1", cluster="d", severity="critical"),
        alert("StorageTakesNothing", region="", storage_region="us-west-2", severity="critical"),
        alert("RegionStale", region="us-west-1", storage_region="us-west-2", severity="critical"),
        *(alert(name, env=env) for name, env in BY_ENV.items()),
    )
    causes = ("RegionStale", "AgentClockWrong", "StorageTakesNothing")
    expected = ("Everywhere", "Remembered", "Watchdog", "DiskFull", *causes, *BY_ENV)
    eventually(lambda: all(mesh.told(name) for name in expected), seconds=PATIENCE_SECONDS)
    wait_for_the_second()
    return mesh.came()


def bodies(came: list[dict[str, Any]], name: str) -> list[tuple[str, Any]]:
    return [(one["path"], one["body"]) for one in came if name in json.dumps(one["body"])]


def test_an_alert_that_both_are_told_reaches_the_webhook_once(fired: list[dict[str, Any]]) -> None:
    (path, body), *more = bodies(fired, "Everywhere")
    assert more == []
    # The first token was replaced while it ran.
    assert path == "/webhook/second-webhook-token"
    assert (body["status"], body["receiver"]) == ("firing", "everyone")


def test_production_reaches_pagerduty_with_its_key(fired: list[dict[str, Any]]) -> None:
    ((path, body),) = bodies(fired, "ForProd")
    assert path == "/pagerduty"
    assert (body["routing_key"], body["event_action"]) == ("second-pagerduty-key", "trigger")


def test_beta_reaches_slack_with_a_title_of_the_users_template(
    fired: list[dict[str, Any]],
) -> None:
    ((path, body),) = bodies(fired, "ForBeta")
    assert path == "/slack/second-slack-token"
    assert body["channel"] == "#beta"
    assert body["attachments"][0]["title"] == "us-east-1: ForBeta is firing"


def test_dev_reaches_a_mailbox_after_a_login(fired: list[dict[str, Any]]) -> None:
    ((path, body),) = bodies(fired, "ForDev")
    assert path == "mail"
    assert body["login"] == ["alerts", "second-mail-password"]
    assert {"To: dev@example.net", "From: alerts@example.net"} <= set(body["text"])


def test_the_watchdog_reaches_the_heartbeat_receiver_only(fired: list[dict[str, Any]]) -> None:
    assert [path for path, _body in bodies(fired, "Watchdog")] == ["/heartbeat"]


def test_a_silence_holds_on_both(fired: list[dict[str, Any]]) -> None:
    assert bodies(fired, "Silenced") == []


def test_a_critical_alert_silences_the_lesser_one(fired: list[dict[str, Any]]) -> None:
    ((_path, body),) = bodies(fired, "DiskFull")
    assert [one["labels"]["severity"] for one in body["alerts"]] == ["critical"]


def test_a_stale_region_silences_the_rest_of_it(fired: list[dict[str, Any]]) -> None:
    assert len(bodies(fired, '"RegionStale"')) == 1
    assert bodies(fired, "InStaleRegion") == []


def test_a_wrong_clock_is_told_instead_of_what_it_causes(fired: list[dict[str, Any]]) -> None:
    assert len(bodies(fired, '"AgentClockWrong"')) == 2
    assert bodies(fired, '"AgentDead"') == []


def test_the_end_of_an_alert_is_told_once(mesh: Mesh, fired: list[dict[str, Any]]) -> None:
    names = {"Everywhere": {}, **{name: {"env": env} for name, env in BY_ENV.items()}}
    mesh.post(*(alert(name, over=True, **labels) for name, labels in names.items()))

    eventually(lambda: all(len(mesh.told(one)) > 1 for one in names), seconds=PATIENCE_SECONDS)
    wait_for_the_second()
    after = mesh.came()[len(fired) :]
    (_path, webhook), *more = bodies(after, "Everywhere")
    assert (webhook["status"], more) == ("resolved", [])
    assert [body["event_action"] for _path, body in bodies(after, "ForProd")] == ["resolve"]
    assert [path for path, _body in bodies(after, "ForBeta")] == ["/slack/second-slack-token"]
    assert [path for path, _body in bodies(after, "ForDev")] == ["mail"]


@pytest.mark.usefixtures("fired")
def test_the_other_one_tells_while_one_is_away(mesh: Mesh, host: Any) -> None:
    host.check_output(f"systemctl kill --signal=KILL {SERVICE}; systemctl stop {SERVICE}")
    try:
        mesh.post(alert("AfterKill"), to=mesh.urls[1:])
        eventually(lambda: mesh.told("AfterKill"), seconds=PATIENCE_SECONDS)
        wait_for_the_second()
        assert len(mesh.told("AfterKill")) == 1
    finally:
        host.check_output(f"systemctl start {SERVICE}")


@pytest.mark.usefixtures("fired")
def test_a_restart_of_both_forgets_neither_silences_nor_what_was_told(
    mesh: Mesh, host: Any, silence: str
) -> None:
    eventually(lambda: mesh.members() == [2, 2], seconds=PATIENCE_SECONDS)
    for each in (host, second(host)):
        each.check_output(f"systemctl stop {SERVICE}")
    for each in (host, second(host)):
        each.check_output(f"systemctl start {SERVICE}")
    eventually(lambda: mesh.members() == [2, 2], seconds=PATIENCE_SECONDS)

    mesh.post(alert("Remembered"), alert("Silenced"), alert("AfterRestart"))
    eventually(lambda: mesh.told("AfterRestart"), seconds=PATIENCE_SECONDS)
    wait_for_the_second()
    assert [silence in mesh.silences(url) for url in mesh.urls] == [True, True]
    assert len(mesh.told("AfterRestart")) == 1
    assert len(mesh.told("Remembered")) == 1
    assert mesh.told("Silenced") == []
