"""A receiver that lets known senders through only; side_effect.yml came before.

The machine that runs the tests has no allowed address, the receiver's own host has.
"""

from __future__ import annotations

from typing import Any

import pytest
from samples import Answer, metric, remote_write, request

testinfra_hosts = ["guarded-1"]

GUARD = "meridian-prometheus_receiver_guard"
ANY = {"__name__": "forged", "job": "node"}


@pytest.fixture
def door(address: str) -> str:
    return f"http://{address}:9091"


@pytest.fixture
def metrics(address: str) -> str:
    return f"http://{address}:8405"


@pytest.fixture
def password(host: Any) -> str:
    users = host.file("/etc/meridian/prometheus_receiver_guard/senders.cfg").content_string
    return str(users.split("insecure-password ")[1].strip().strip("'"))


def from_the_host(host: Any, path: str, *, user: str = "", more: str = "") -> Answer:
    """Send a request from the receiver's host, by default as nobody."""
    known = f"--user '{user}'" if user else ""
    url = f"http://127.0.0.1:9091{path}"
    said = host.check_output(f"curl -s -w '\\n%{{http_code}}' {known} {more} '{url}'")
    text, _, status = said.rpartition("\n")
    return Answer(int(status), text)


def refused(metrics: str, why: str) -> float:
    """How many requests were refused for a reason, as the guard's own exporter counts them."""
    return metric(metrics, "haproxy_backend_http_requests_total", proxy=f"refused_{why}")


def test_an_unknown_address_is_refused_with_the_reason_and_counted(
    door: str, metrics: str, password: str
) -> None:
    address, credentials = refused(metrics, "address"), refused(metrics, "credentials")
    answer = remote_write(f"{door}/api/v1/write", ANY, auth=("legacy-shop", password))
    assert answer.status == 403
    assert "may not send here; it is not in prometheus_receiver_allowed_addresses" in answer.text
    assert refused(metrics, "address") == address + 1
    assert refused(metrics, "credentials") == credentials


@pytest.mark.parametrize("user", ["", "legacy-shop:wrong", "operator:wrong"])
def test_an_unknown_sender_is_refused_with_the_reason_and_counted(
    host: Any, metrics: str, user: str
) -> None:
    address, credentials = refused(metrics, "address"), refused(metrics, "credentials")
    answer = from_the_host(host, "/api/v1/write", user=user, more="--data x --include")
    assert answer.status == 401
    assert 'www-authenticate: basic realm="prometheus_receiver"' in answer.text.lower()
    assert "user name or password is missing or wrong" in answer.text
    assert refused(metrics, "address") == address
    assert refused(metrics, "credentials") == credentials + 1


def test_refusals_are_in_the_log_and_accepted_writes_are_not(host: Any, door: str) -> None:
    remote_write(f"{door}/api/v1/write", ANY)
    log = host.check_output(f"journalctl --no-pager -o cat -u {GUARD}")
    assert "door refused_address/" in log
    assert "door door/" not in log


@pytest.mark.parametrize("path", ["/", "/metrics", "/targets", "/-/reload", "/api/v1/import"])
def test_a_known_sender_reaches_nothing_but_writes_and_queries(
    host: Any, password: str, path: str
) -> None:
    answer = from_the_host(host, path, user=f"legacy-shop:{password}")
    assert answer.status == 404
    assert answer.text == "this is a receiver of remote writes, at /api/v1/write\n"


def test_a_known_sender_may_query_the_local_prometheus(host: Any, password: str) -> None:
    query = "/api/v1/query?query=up"
    answer = from_the_host(host, query, user=f"legacy-shop:{password}")
    assert answer.status == 200
    assert '"site":"basement"' in answer.text
    assert from_the_host(host, query).status == 401


def test_everyone_may_ask_whether_the_door_is_open(door: str) -> None:
    assert request(f"{door}/-/healthy").status == 200


@pytest.mark.parametrize("port", [9090, 9092])
def test_nobody_passes_the_guard_by(address: str, port: int) -> None:
    with pytest.raises(OSError, match="refused"):
        request(f"http://{address}:{port}/metrics")


def test_the_guard_passes_on_the_metrics_of_what_it_guards(metrics: str) -> None:
    assert metric(f"{metrics}/agent", "vm_app_uptime_seconds") > 0
    assert metric(f"{metrics}/prometheus", "prometheus_tsdb_head_series") > 0
    assert request(f"{metrics}/agent/api/v1/write", body=b"x").status == 404


def test_the_password_is_for_its_group_only(host: Any) -> None:
    file = host.file("/etc/meridian/prometheus_receiver_guard/senders.cfg")
    assert (file.user, file.group, file.mode) == ("root", "prometheus_receiver_guard", 0o640)


def test_the_package_of_the_guard_runs_nothing_of_its_own(host: Any) -> None:
    assert host.service("haproxy").is_masked
    assert not host.service("haproxy").is_running


def test_a_further_network_was_taken_over_without_a_new_process(host: Any) -> None:
    config = host.file("/etc/meridian/prometheus_receiver_guard/haproxy.cfg").content_string
    assert "acl is_allowed src 192.0.2.0/24" in config
    pid = host.check_output(f"systemctl show -P MainPID {GUARD}")
    assert pid == host.file("/root/side_effect/pid").content_string


def test_the_guard_went_when_no_one_asked_for_it(host: Any) -> None:
    assert host.file("/root/side_effect/agent_is_door").content_string == "True False"


def test_what_is_no_network_was_refused_before_anything_changed(host: Any) -> None:
    refusal = host.file("/root/side_effect/refusal").content_string
    in_place = host.check_output(
        "find /etc/meridian /etc/systemd/system -type f -exec sha256sum {} +"
    )
    assert (
        "prometheus_receiver_allowed_addresses has '10.20.0.0/33', which is no network; "
        "write an IP address, or a network such as 10.20.0.0/16"
    ) in refusal
    assert (
        "\n".join(sorted(in_place.splitlines()))
        == host.file("/root/side_effect/in_place").content_string
    )
