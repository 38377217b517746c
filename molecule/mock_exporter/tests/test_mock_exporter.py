"""The exporter of an application that does not exist, on Debian 13's and 12's client library."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from samples import eventually, request

FAMILIES = {
    "http_request_duration_seconds": "histogram",
    "http_requests_total": "counter",
    "http_request_size_bytes": "histogram",
    "http_response_size_bytes": "histogram",
    "node_cpu_seconds_total": "counter",
    "node_memory_MemTotal_bytes": "gauge",
    "node_memory_MemAvailable_bytes": "gauge",
    "node_disk_io_time_seconds_total": "counter",
    "node_network_transmit_bytes_total": "counter",
    "node_network_receive_bytes_total": "counter",
    "node_filesystem_size_bytes": "gauge",
    "node_filesystem_avail_bytes": "gauge",
    "app_errors_total": "counter",
    "app_database_queries_duration_seconds": "histogram",
    "app_database_connections_active": "gauge",
    "app_cache_requests_total": "counter",
    "app_queue_size": "gauge",
    "app_worker_tasks_duration_seconds": "histogram",
    "app_business_transactions_total": "counter",
}


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:9200"


def samples(url: str) -> dict[str, float]:
    lines = request(f"{url}/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {series: float(value) for series, value in pairs}


@pytest.mark.parametrize("path", ["/health", "/-/healthy"])
def test_it_is_healthy(url: str, path: str) -> None:
    assert request(url + path).status == 200


def test_a_page_that_it_does_not_have_is_not_found(url: str) -> None:
    assert request(f"{url}/secret").status == 404


def test_it_exposes_exactly_the_agreed_families(url: str) -> None:
    text = request(f"{url}/metrics").text

    assert dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE)) == FAMILIES


def test_it_exposes_at_least_340_series(url: str) -> None:
    assert len(samples(url)) >= 340


def test_no_series_tells_only_when_another_was_made(url: str) -> None:
    assert [series for series in samples(url) if "_created" in series] == []


def test_counters_only_rise_and_requests_keep_coming(url: str) -> None:
    before = samples(url)
    time.sleep(3)
    eventually(lambda: served(samples(url)) > served(before))
    after = samples(url)

    cumulative = re.compile(r"\w+_(total|count|sum|bucket)\b")
    fell = [name for name in before if cumulative.match(name) and after[name] < before[name]]
    assert fell == []
    assert served(after) > served(before)


def served(found: dict[str, float]) -> float:
    return sum(value for name, value in found.items() if name.startswith("http_requests_total"))


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("mock_exporter") == []


def test_it_comes_back_after_a_crash(host: Any) -> None:
    pid = host.check_output("systemctl show -P MainPID meridian-mock_exporter")
    host.check_output(f"kill -KILL {pid}")

    eventually(lambda: host.run("curl -sf http://127.0.0.1:9200/health").rc == 0)
    assert host.check_output("systemctl show -P MainPID meridian-mock_exporter") != pid
