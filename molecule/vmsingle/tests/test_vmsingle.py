"""A region's storage in one program, from Debian's package."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from samples import eventually, import_text, metric, query, request, scalar

DAY = 86400


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:8428"


def write(url: str, name: str, seconds_ago: float) -> None:
    milliseconds = int((time.time() - seconds_ago) * 1000)
    assert import_text(url, f"{name} 1 {milliseconds}\n").status == 204
    request(f"{url}/internal/force_flush")


def test_it_is_healthy(url: str) -> None:
    assert request(f"{url}/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmsingle") == []


def test_the_units_of_the_package_stay_off(host: Any) -> None:
    assert not host.service("victoria-metrics").is_running
    assert host.service("victoria-metrics").is_masked


def test_nobody_else_reads_its_data(host: Any) -> None:
    directory = host.file("/var/lib/vmsingle")

    assert (directory.user, directory.mode) == ("vmsingle", 0o750)
    assert host.check_output("find /var/lib/vmsingle -mindepth 1 -perm /077") == ""


def test_a_written_sample_outlives_a_restart(host: Any, url: str) -> None:
    write(url, "restarted", 60)
    eventually(lambda: scalar(query(url, "count_over_time(restarted[1h])")))
    before = scalar(query(url, "count_over_time(restarted[1h])"))

    host.check_output("systemctl restart meridian-vmsingle")

    eventually(lambda: host.run("curl -sf http://127.0.0.1:8428/health").rc == 0)
    assert before >= 1
    assert scalar(query(url, "count_over_time(restarted[1h])")) == before


def test_a_sample_within_the_retention_of_a_year_is_kept(url: str) -> None:
    write(url, "ten_months", 300 * DAY)

    def found() -> float:
        return scalar(query(url, "last_over_time(ten_months[1h])", at=time.time() - 299.99 * DAY))

    # A series that is new becomes searchable after some seconds.
    eventually(lambda: found() == 1)


def test_a_sample_older_than_the_retention_is_dropped(url: str) -> None:
    def ignored() -> float:
        return metric(url, "vm_rows_ignored_total", reason="small_timestamp")

    before = ignored()

    write(url, "two_years", 730 * DAY)

    eventually(lambda: ignored() == before + 1)


def test_a_query_before_the_retention_is_refused(url: str) -> None:
    answer = query(url, "up", at=time.time() - 730 * DAY)

    assert answer.status == 503
    assert "-retentionPeriod" in answer.text


def test_its_caches_take_no_more_than_its_share_of_the_memory(url: str) -> None:
    allowed = metric(url, "vm_allowed_memory_bytes")

    assert 0 < allowed <= 0.6 * metric(url, "vm_available_memory_bytes")
