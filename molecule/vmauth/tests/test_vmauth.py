"""The gateway of a region, before two backends that are one program each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import eventually, metric, query, remote_write, request, scalar, vector

CLUSTER = "us-east-1-eks-01-prod"
LABELS = {
    "env": "prod",
    "region": "us-east-1",
    "storage_region": "us-east-1",
    "cluster": CLUSTER,
    "availability_zone": "us-east-1a",
}
HEALTH = "curl -sf http://127.0.0.1:8428/health"

BROKEN_BACKEND = """
import http.server, pathlib
class Broken(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        pathlib.Path("/run/broken-backend").write_text(self.command)
        self.send_error(503)
http.server.HTTPServer(("127.0.0.1", 9999), Broken).serve_forever()
"""

testinfra_hosts = ["vmauth-1"]


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:8427"


@pytest.fixture
def second_backend(other_host: Callable[[str], Any]) -> Any:
    return other_host("vmauth-2")


@pytest.fixture
def backends(address: str, second_backend: Any) -> list[str]:
    other = second_backend.ansible.get_variables()["ansible_host"]
    return [f"http://{address}:8428", f"http://{other}:8428"]


@pytest.fixture
def stopped_backend(second_backend: Any) -> Iterator[None]:
    second_backend.check_output("systemctl stop meridian-vmsingle")
    yield
    second_backend.check_output("systemctl start meridian-vmsingle")
    eventually(lambda: second_backend.run(HEALTH).rc == 0)


@pytest.fixture
def broken_backend(host: Any) -> Iterator[None]:
    """The first backend of the user first-broken: takes a write, and answers with 503."""
    host.check_output("systemd-run --unit=broken-backend python3 -c %s", BROKEN_BACKEND)
    eventually(lambda: host.socket("tcp://127.0.0.1:9999").is_listening)
    yield
    host.check_output("systemctl stop broken-backend")


def stored(host: Any, user: str) -> tuple[str, str]:
    """A user and the password that the run generated on the controller."""
    inventory = Path(host.backend.ansible_inventory)
    folder = inventory if inventory.is_dir() else inventory.parent
    return user, (folder / ".credentials" / f"{user}.txt").read_text().strip()


@pytest.fixture
def writer(host: Any) -> tuple[str, str]:
    return stored(host, CLUSTER)


@pytest.fixture
def reader(host: Any) -> tuple[str, str]:
    return stored(host, "grafana")


@pytest.fixture
def name() -> str:
    """The name of a metric that no test has written yet."""
    return f"written_{time.time_ns()}"


def test_it_is_healthy_for_everyone(url: str) -> None:
    assert request(f"{url}/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmauth") == []


def test_only_its_program_reads_the_passwords(host: Any) -> None:
    config = host.file("/etc/meridian/vmauth/auth.yml")

    assert (config.user, config.group, config.mode) == ("root", "vmauth", 0o640)
    assert host.file("/etc/meridian/vmauth").mode == 0o750


def test_no_password_is_in_a_process_list_or_a_log(
    host: Any, writer: tuple[str, str], reader: tuple[str, str]
) -> None:
    seen = host.check_output("ps -efww; journalctl --no-pager; systemctl cat meridian-vmauth")

    assert "meridian-vmauth" in seen
    for password in (writer[1], reader[1], "given-by-the-operator"):
        assert password not in seen


def test_a_reader_finds_what_a_cluster_wrote(
    url: str, backends: list[str], writer: tuple[str, str], reader: tuple[str, str], name: str
) -> None:
    assert remote_write(f"{url}/api/v1/write", {"__name__": name}, 42, auth=writer).status == 204

    def found() -> float:
        for backend in backends:
            request(f"{backend}/internal/force_flush")
        # one of the backends has it
        return max(scalar(query(backend, name)) for backend in backends)

    eventually(lambda: found() == 42)
    assert query(url, name, auth=reader).status == 200


def test_the_labels_of_the_cluster_are_enforced(
    url: str, backends: list[str], writer: tuple[str, str], name: str
) -> None:
    forged = {"__name__": name, "cluster": "other", "region": "mars", "job": "kept"}
    target = f"{url}/api/v1/write?extra_label=env=dev&extra_label=cluster=another"

    assert remote_write(target, forged, auth=writer).status == 204

    def found() -> list[dict[str, str]]:
        for backend in backends:
            request(f"{backend}/internal/force_flush")
        return [dict(one) for backend in backends for one in vector(query(backend, name))]

    eventually(found)
    assert found() == [{"__name__": name, "job": "kept", **LABELS}]


def test_a_cluster_cannot_read(url: str, writer: tuple[str, str]) -> None:
    answer = query(url, "up", auth=writer)

    assert answer.status == 400
    assert "missing route" in answer.text


def test_a_reader_cannot_write(url: str, reader: tuple[str, str], name: str) -> None:
    answer = remote_write(f"{url}/api/v1/write", {"__name__": name}, auth=reader)

    assert answer.status == 400
    assert "missing route" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/write", "/api/v1/query?query=up", "/metrics", "/flags"])
def test_nothing_but_health_is_open(url: str, path: str) -> None:
    assert request(url + path).status == 401


@pytest.mark.parametrize("user", [CLUSTER, "grafana", "nobody"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_wrong_password_is_refused(url: str, user: str, password: str) -> None:
    assert query(url, "up", auth=(user, password)).status == 401


def test_a_password_of_the_inventory_wins(url: str) -> None:
    assert query(url, "up", auth=("operator", "given-by-the-operator")).status == 200


def test_a_further_user_was_added_by_a_reload(url: str) -> None:
    assert query(url, "up", auth=("reporting", "for-reports")).status == 200


def test_its_own_metrics_are_on_the_internal_port(address: str) -> None:
    assert metric(f"http://{address}:8426", "vmauth_config_last_reload_successful") == 1


def test_writes_are_spread_over_the_backends(
    url: str, backends: list[str], writer: tuple[str, str], name: str
) -> None:
    def rows() -> list[float]:
        return [
            metric(backend, "vm_http_requests_total", path="/api/v1/write") for backend in backends
        ]

    def still() -> bool:
        counted = rows()
        time.sleep(3)
        return rows() == counted

    # a backend brings its own metrics up to date every few seconds
    eventually(still)
    before = rows()
    for _ in range(20):
        remote_write(f"{url}/api/v1/write", {"__name__": name}, auth=writer)

    eventually(lambda: sum(rows()) == sum(before) + 20)
    assert all(now >= earlier + 5 for now, earlier in zip(rows(), before, strict=True))


@pytest.mark.usefixtures("stopped_backend")
def test_no_write_is_lost_while_a_backend_is_down(
    url: str, backends: list[str], writer: tuple[str, str], name: str
) -> None:
    series = [{"__name__": name, "number": f"{number}"} for number in range(6)]
    answers = [remote_write(f"{url}/api/v1/write", one, auth=writer).status for one in series]

    assert answers == [204] * len(series)

    def found() -> float:
        request(f"{backends[0]}/internal/force_flush")
        return scalar(query(backends[0], f"count({name})"))

    # series that are new become searchable after some seconds
    eventually(lambda: found() == len(series))


@pytest.mark.usefixtures("broken_backend")
def test_a_large_write_is_sent_again_when_a_backend_answers_with_an_error(
    host: Any, url: str, name: str
) -> None:
    # more than the 16 KiB that vmauth keeps on its own
    series = {"__name__": name, **{f"label_{number}": "x" * 4000 for number in range(10)}}

    answer = remote_write(f"{url}/api/v1/write", series, auth=("first-broken", "for-a-test"))

    assert answer.status == 204
    assert host.file("/run/broken-backend").content_string == "POST"


@pytest.mark.usefixtures("stopped_backend")
def test_queries_are_answered_while_a_backend_is_down(url: str, reader: tuple[str, str]) -> None:
    assert [query(url, "up", auth=reader).status for _ in range(6)] == [200] * 6
