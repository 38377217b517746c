"""A receiver in its default mode: the agent is the door; side_effect.yml came before."""

from __future__ import annotations

import re
from typing import Any

from samples import eventually, metric, request

testinfra_hosts = ["receiver-1"]


def test_the_agent_is_the_door(address: str) -> None:
    assert metric(f"http://{address}:9091", "vm_app_uptime_seconds") > 0


def test_the_local_prometheus_answers_the_users_of_the_senders(address: str) -> None:
    asked = f"http://{address}:9090/api/v1/query?query=up%7Bjob%3D%22node%22%7D"
    # It was stopped, and so was the door: what waited may still come.
    eventually(lambda: '"site":"basement"' in request(asked).text, seconds=120)
    assert request(asked).status == 200


def test_the_local_prometheus_gets_no_password(host: Any) -> None:
    seen = host.file("/root/side_effect/local_request").content_string
    assert seen.startswith("POST /api/v1/write HTTP/1.1")
    assert "Content-Encoding: snappy" in seen
    assert "authorization" not in seen.lower()


def test_the_local_prometheus_keeps_samples_for_an_hour(address: str) -> None:
    flags = request(f"http://{address}:9090/api/v1/status/flags").text
    assert '"storage.tsdb.retention.time":"1h"' in flags


def test_what_waits_is_kept_over_restarts_and_limited_for_each_url(host: Any, address: str) -> None:
    flags = request(f"http://{address}:9091/flags").text
    queue = host.file("/var/lib/prometheus_receiver/persistent-queue")
    assert queue.is_directory
    assert queue.user == "prometheus_receiver"
    # 24 h for the gateways and 1 h for Prometheus, of 10,000 samples a second
    [limit] = re.findall(r'-remoteWrite\.maxDiskUsagePerURL="(\S+)"', flags)
    assert limit == "5500MB,1000MB"
