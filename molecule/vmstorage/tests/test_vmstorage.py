"""A storage node on a host that also carries vminsert and vmselect."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from samples import eventually, import_text, metric, query, request, scalar

DAY = 86400


@pytest.fixture
def storage(address: str) -> str:
    return f"http://{address}:8482"


@pytest.fixture
def insert(address: str) -> str:
    return f"http://{address}:8480/insert/0/prometheus"


@pytest.fixture
def select(address: str) -> str:
    return f"http://{address}:8481/select/0/prometheus"


def write(insert: str, name: str, seconds_ago: float) -> None:
    milliseconds = int((time.time() - seconds_ago) * 1000)
    assert import_text(insert, f"{name} 1 {milliseconds}\n").status == 204


def found(storage: str, select: str, name: str, *, seconds_ago: float = 0) -> float:
    request(f"{storage}/internal/force_flush")
    return scalar(query(select, f"last_over_time({name}[1h])", at=time.time() - seconds_ago))


def test_it_is_healthy(storage: str) -> None:
    assert request(f"{storage}/health").status == 200


@pytest.mark.parametrize("port", [8482, 8400, 8401])
def test_it_listens(host: Any, port: int) -> None:
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmstorage") == []


def test_nobody_else_reads_its_data(host: Any) -> None:
    directory = host.file("/var/lib/vmstorage")

    assert (directory.user, directory.mode) == ("vmstorage", 0o750)
    assert host.check_output("find /var/lib/vmstorage -mindepth 1 -perm /077") == ""


def test_a_written_sample_outlives_a_restart(
    host: Any, storage: str, insert: str, select: str
) -> None:
    write(insert, "restarted", 60)
    eventually(lambda: found(storage, select, "restarted"))

    host.check_output("systemctl restart meridian-vmstorage")

    eventually(lambda: host.run("curl -sf http://127.0.0.1:8482/health").rc == 0)
    eventually(lambda: query(select, "restarted").status == 200)
    eventually(lambda: found(storage, select, "restarted") == 1)


def test_a_sample_within_the_retention_of_a_year_is_kept(
    storage: str, insert: str, select: str
) -> None:
    write(insert, "ten_months", 300 * DAY)

    eventually(lambda: found(storage, select, "ten_months", seconds_ago=299.99 * DAY))


def test_a_sample_older_than_the_retention_is_dropped(storage: str, insert: str) -> None:
    def ignored() -> float:
        return metric(storage, "vm_rows_ignored_total", reason="small_timestamp")

    before = ignored()

    write(insert, "two_years", 730 * DAY)

    eventually(lambda: ignored() == before + 1)


def test_a_query_before_the_retention_is_refused(select: str) -> None:
    answer = query(select, "up", at=time.time() - 730 * DAY)

    assert answer.status == 503
    assert "-retentionPeriod" in answer.text


def test_the_programs_of_the_host_share_its_memory(address: str) -> None:
    urls = [f"http://{address}:{port}" for port in (8480, 8481, 8482)]
    allowed = [metric(url, "vm_allowed_memory_bytes") for url in urls]

    assert min(allowed) > 0
    assert sum(allowed) <= 0.6 * metric(urls[0], "vm_available_memory_bytes") + len(urls)
