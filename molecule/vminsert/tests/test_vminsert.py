"""The door for writes, before two storage nodes and a replication factor of 2."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from samples import Answer, eventually, import_text, labels, metric, query, request, scalar

NODES = ["vminsert-1", "vminsert-2"]
SERIES = 50

testinfra_hosts = ["vminsert-1"]


@pytest.fixture
def name() -> str:
    """The name of a metric that no test has written yet."""
    return f"written_{time.time_ns()}"


@pytest.fixture
def insert(address: str) -> str:
    return f"http://{address}:8480"


@pytest.fixture
def select(address: str) -> str:
    return f"http://{address}:8481/select/0/prometheus"


@pytest.fixture
def second_node(other_host: Callable[[str], Any]) -> Any:
    return other_host(NODES[1])


@pytest.fixture
def storage(address: str, second_node: Any) -> list[str]:
    other = second_node.ansible.get_variables()["ansible_host"]
    return [f"http://{address}:8482", f"http://{other}:8482"]


@pytest.fixture
def stopped_node(second_node: Any, insert: str) -> Iterator[None]:
    second_node.check_output("systemctl stop meridian-vmstorage")
    yield
    second_node.check_output("systemctl start meridian-vmstorage")
    eventually(lambda: metric(insert, "vm_rpc_vmstorage_is_reachable") == len(NODES))


def write(insert: str, name: str) -> Answer:
    stamp = int(time.time() * 1000)
    lines = "".join(f'{name}{{series="{number}"}} 1 {stamp}\n' for number in range(SERIES))
    return import_text(f"{insert}/insert/0/prometheus", lines)


def stored(storage: list[str], select: str, name: str) -> float:
    for node in storage:
        request(f"{node}/internal/force_flush")
    return scalar(query(select, f"sum(count_over_time({name}[5m]))"))


def test_it_is_healthy(insert: str) -> None:
    assert request(f"{insert}/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vminsert") == []


def test_a_sample_is_found_through_vmselect(
    insert: str, select: str, storage: list[str], name: str
) -> None:
    assert write(insert, name).status == 204

    eventually(lambda: stored(storage, select, name) == SERIES)


def test_every_sample_goes_to_two_nodes(insert: str, name: str) -> None:
    def sent() -> dict[str, float]:
        return {node: metric(insert, "vm_rpc_rows_sent_total", addr=node) for node in nodes}

    def still() -> bool:
        """Whether nothing is on its way any more, what is not pending and not counted yet too."""
        counted = sent()
        time.sleep(3)
        return metric(insert, "vm_rpc_rows_pending") == 0 and sent() == counted

    nodes = labels(insert, "vm_rpc_rows_sent_total", "addr")
    eventually(still, seconds=60)
    before = sent()

    write(insert, name)

    assert len(nodes) == len(NODES)
    eventually(lambda: sent() == {node: count + SERIES for node, count in before.items()})


def test_a_header_cannot_choose_the_tenant(insert: str) -> None:
    url = f"{insert}/insert/prometheus/api/v1/import/prometheus"

    answer = request(url, body=b"tenant 1\n", headers={"AccountID": "7"})

    assert answer.status == 400
    assert metric(insert, "flag", name="enableMultitenancyViaHeaders", value="false") == 1


@pytest.mark.usefixtures("stopped_node")
def test_writes_go_on_while_a_node_is_down(
    insert: str, select: str, storage: list[str], name: str
) -> None:
    assert write(insert, name).status == 204

    eventually(lambda: stored(storage[:1], select, name) == SERIES)
