"""The door for queries, behind it two storage nodes and a replication factor of 2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from samples import eventually, import_text, metric, query, request, scalar

NODES = ["vmselect-1", "vmselect-2"]
SERIES = 50
HEALTH = "curl -sf http://127.0.0.1:8482/health"

testinfra_hosts = ["vmselect-1"]


@pytest.fixture
def select(address: str) -> str:
    return f"http://{address}:8481/select/0/prometheus"


@pytest.fixture
def nodes(other_host: Callable[[str], Any]) -> list[Any]:
    return [other_host(name) for name in NODES]


@pytest.fixture
def written(address: str, select: str, nodes: list[Any]) -> str:
    """The name of a metric with some series, stored on both nodes."""
    name = f"written_{time.time_ns()}"
    stamp = int(time.time() * 1000)
    lines = "".join(f'{name}{{series="{number}"}} 1 {stamp}\n' for number in range(SERIES))
    import_text(f"http://{address}:8480/insert/0/prometheus", lines)

    def everywhere() -> bool:
        for node in nodes:
            node.check_output("curl -sf http://127.0.0.1:8482/internal/force_flush")
        return scalar(query(select, f"count({name})")) == SERIES

    eventually(everywhere)
    return name


@pytest.fixture
def stop(nodes: list[Any], select: str) -> Iterator[Callable[[int], None]]:
    """Stop that many storage nodes, the last one first; they run again after the test."""
    stopped = []

    def stop_nodes(count: int) -> None:
        for node in nodes[-count:]:
            node.check_output("systemctl stop meridian-vmstorage")
            stopped.append(node)

    yield stop_nodes
    for node in stopped:
        node.check_output("systemctl start meridian-vmstorage")
    eventually(lambda: all(node.run(HEALTH).rc == 0 for node in stopped))
    eventually(lambda: is_partial(select) is False)


def is_partial(select: str) -> bool | None:
    answer = query(select, "up")
    return bool(json.loads(answer.text)["isPartial"]) if answer.status == 200 else None


def test_it_is_healthy(address: str) -> None:
    assert request(f"http://{address}:8481/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmselect") == []


def test_its_cache_is_its_own(host: Any) -> None:
    directory = host.file("/var/lib/vmselect")

    assert (directory.user, directory.mode) == ("vmselect", 0o750)


def test_it_keeps_its_cache_over_a_restart(host: Any) -> None:
    host.check_output("systemctl restart meridian-vmselect")

    eventually(lambda: host.run("curl -sf http://127.0.0.1:8481/health").rc == 0)
    assert host.file("/var/lib/vmselect/rollupResult").is_directory


def test_a_replicated_sample_counts_once(select: str, written: str) -> None:
    assert scalar(query(select, f"sum(count_over_time({written}[5m]))")) == SERIES


def test_answers_are_complete_with_a_node_down(
    select: str, written: str, stop: Callable[[int], None]
) -> None:
    stop(1)

    # A storage node finds series that are new to it after 12 seconds at the latest.
    complete = f"sum(count_over_time({written}[5m]))"
    eventually(lambda: scalar(query(select, complete)) == SERIES)
    assert is_partial(select) is False


def test_a_query_fails_with_all_nodes_down(
    select: str, written: str, stop: Callable[[int], None]
) -> None:
    stop(2)

    assert query(select, written).status == 503


def test_a_header_cannot_choose_the_tenant(address: str) -> None:
    url = f"http://{address}:8481"

    answer = request(f"{url}/select/prometheus/api/v1/labels", headers={"AccountID": "7"})

    assert answer.status == 400
    assert metric(url, "flag", name="enableMultitenancyViaHeaders", value="false") == 1
