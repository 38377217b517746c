"""A receiver in the mode federate: Prometheus is the door; side_effect.yml came before."""

from __future__ import annotations

from typing import Any

from samples import eventually, metric, request

testinfra_hosts = ["federate-1"]


def test_prometheus_is_the_door(address: str) -> None:
    assert "Prometheus Server is Healthy" in request(f"http://{address}:9091/-/healthy").text


def test_the_agent_asks_it_for_what_it_has(address: str) -> None:
    targets = request(f"http://{address}:9092/targets").text
    assert "/federate?match[]" in targets or "/federate?match%5B%5D" in targets
    eventually(lambda: metric(f"http://{address}:9092", "vm_promscrape_scraped_samples_sum") > 0)


def test_the_agent_was_the_door_while_the_mode_was_direct(host: Any) -> None:
    assert host.file("/root/side_effect/agent_is_door").content_string == "True False"
