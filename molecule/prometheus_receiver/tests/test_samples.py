"""What becomes of the samples that an unmodified Prometheus pushes; side_effect.yml came before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pushed import (
    Samples,
    count,
    differences,
    in_prometheus,
    in_storage,
    relabelled,
    wait_for,
)
from samples import eventually, labels, metric, request

testinfra_hosts = ["receiver-1"]

# What the sender adds to its samples itself.
OWN = {"site": "basement"}


def known_as(region: str) -> dict[str, str]:
    return OWN | {
        "env": "prod",
        "region": region,
        "storage_region": "us-east-1",
        "cluster": f"{region}-eks-01-prod-legacy",
        "availability_zone": f"{region}a",
    }


@pytest.fixture
def url_of(other_host: Callable[[str], Any]) -> Callable[[str, int], str]:
    """The base URL of a port of another host."""

    def get(name: str, port: int) -> str:
        address = other_host(name).ansible.get_variables()["ansible_host"]
        return f"http://{address}:{port}"

    return get


@pytest.fixture
def storage(url_of: Callable[[str, int], str]) -> str:
    return url_of("gateway-1", 8428)


@pytest.fixture
def times(host: Any) -> dict[str, float]:
    """When side_effect.yml stopped and started what."""
    names = ("prometheus_stopped", "prometheus_started", "door_stopped", "door_started")
    return {name: float(host.check_output(f"cat /root/side_effect/{name}")) for name in names}


@pytest.fixture
def window(times: dict[str, float]) -> tuple[float, float]:
    """From before the first outage until after the last one."""
    return times["prometheus_stopped"] - 5, times["door_started"] + 5


@pytest.fixture
def sent(url_of: Callable[[str, int], str], window: tuple[float, float]) -> Samples:
    """What the sender scraped in that time, and keeps itself."""
    return in_prometheus(url_of("legacy-1", 9090), '{__name__!=""}', *window)


def stored(storage: str, region: str, window: tuple[float, float]) -> Samples:
    """What the storage holds of it."""
    selector = f'{{cluster="{region}-eks-01-prod-legacy"}}'
    wait_for(storage, f'up{{job="node",cluster="{region}-eks-01-prod-legacy"}}', window[1])
    request(f"{storage}/internal/force_flush")
    return in_storage(storage, selector, *window)


def test_both_outages_lasted_forty_seconds(times: dict[str, float]) -> None:
    assert times["prometheus_started"] - times["prometheus_stopped"] >= 40
    assert times["door_started"] - times["door_stopped"] >= 40


def test_the_sender_scraped_all_the_time(sent: Samples, window: tuple[float, float]) -> None:
    [up] = [
        values for series, values in sent.items() if {("__name__", "up"), ("job", "node")} <= series
    ]
    # Every two seconds; a slow machine leaves some out, and some end too late.
    due = (window[1] - window[0]) / 2
    assert 0.8 * due < sum(up.values()) <= due + 1
    assert count(sent) > 500 * sum(up.values())


def test_every_sample_sent_is_stored_exactly_once_with_its_own_time(
    sent: Samples, storage: str, window: tuple[float, float]
) -> None:
    found = stored(storage, "us-east-1", window)
    assert differences(relabelled(sent, known_as("us-east-1")), found) == []


def test_every_sample_sent_through_a_guard_is_stored_exactly_once(
    sent: Samples, storage: str, window: tuple[float, float]
) -> None:
    # In that time the guard was removed, put back and reloaded.
    found = stored(storage, "eu-west-1", window)
    assert differences(relabelled(sent, known_as("eu-west-1")), found) == []


def test_the_local_prometheus_got_every_sample_that_waited_for_it(
    sent: Samples, url_of: Callable[[str, int], str], window: tuple[float, float]
) -> None:
    local = url_of("receiver-1", 9090)
    wait_for(local, 'up{job="node"}', window[1])
    found = in_prometheus(local, '{__name__!=""}', *window)
    assert differences(relabelled(sent, known_as("us-east-1")), found) == []


def test_federated_samples_are_some_of_the_senders_with_its_labels_and_times(
    sent: Samples, storage: str, window: tuple[float, float]
) -> None:
    found = stored(storage, "ap-southeast-1", window)
    # What the agent says about its own scrape of the local Prometheus.
    found = {
        series: values
        for series, values in found.items()
        if ("job", "prometheus_receiver_federate") not in series
    }
    expected = relabelled(sent, known_as("ap-southeast-1"))
    assert [series for series in found if series not in expected] == []
    assert [series for series in found if found[series].keys() - expected[series].keys()] == []
    assert 0.2 * count(expected) < count(found) <= count(expected)


def test_no_series_has_an_exported_label(storage: str) -> None:
    names = json.loads(request(f"{storage}/api/v1/labels").text)["data"]
    assert "cluster" in names
    assert [name for name in names if name.startswith("exported_")] == []


def test_nothing_waits_any_more_and_nothing_was_dropped(address: str) -> None:
    url = f"http://{address}:9091"
    pending = "vmagent_remotewrite_pending_data_bytes"
    eventually(lambda: metric(url, pending) == 0, seconds=180)
    assert labels(url, pending, "url") == {
        "1:http://gateway.us-east-1.meridian.internal:8427/api/v1/write",
        "2:http://127.0.0.1:9090/api/v1/write",
    }
    assert metric(url, "vmagent_remotewrite_packets_dropped_total") == 0
    assert metric(url, "vm_persistentqueue_bytes_dropped_total") == 0
