"""The exporter that probes other regions, from Debian's package."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from samples import request

CONFIG = "/etc/meridian/blackbox/blackbox.yml"


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:9115"


def probe(url: str, module: str, target: str) -> dict[str, float]:
    """Return the metrics of a probe that have no label."""
    parameters = urllib.parse.urlencode({"module": module, "target": target})
    answer = request(f"{url}/probe?{parameters}")
    assert answer.status == 200, answer
    found = re.findall(r"^(\w+) (\S+)$", answer.text, flags=re.MULTILINE)
    return {name: float(value) for name, value in found}


def main_pid(host: Any) -> str:
    return str(host.check_output("systemctl show -P MainPID meridian-blackbox"))


def test_it_is_healthy(url: str) -> None:
    assert request(f"{url}/-/healthy").text == "Healthy"


def test_a_page_that_answers_200_passes_the_http_probe(url: str) -> None:
    result = probe(url, "http_2xx", "http://127.0.0.1:9115/-/healthy")

    assert result["probe_success"] == 1
    assert result["probe_http_status_code"] == 200
    assert 0 < result["probe_duration_seconds"] < 10


def test_a_page_that_answers_an_error_fails_the_http_probe(url: str) -> None:
    result = probe(url, "http_2xx", "http://127.0.0.1:9115/probe")

    assert (result["probe_success"], result["probe_http_status_code"]) == (0, 400)


def test_an_open_port_passes_the_tcp_probe(url: str) -> None:
    assert probe(url, "tcp_connect", "127.0.0.1:9115")["probe_success"] == 1


def test_a_closed_port_fails_the_tcp_probe(url: str) -> None:
    assert probe(url, "tcp_connect", "127.0.0.1:1")["probe_success"] == 0


def test_a_host_that_answers_passes_the_icmp_probe(url: str) -> None:
    result = probe(url, "icmp", "127.0.0.1")

    assert result["probe_success"] == 1
    assert result["probe_ip_protocol"] == 4


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("blackbox") == []


def test_raw_sockets_are_its_only_privilege(host: Any) -> None:
    status = host.file(f"/proc/{main_pid(host)}/status").content_string
    sets = dict(re.findall(r"^(Cap\w+):\t(\w+)$", status, flags=re.MULTILINE))

    net_raw = 1 << 13
    assert {name: int(value, 16) for name, value in sets.items()} == dict.fromkeys(
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"], net_raw
    )


def test_its_configuration_is_not_for_everyone(host: Any) -> None:
    file = host.file(CONFIG)

    assert (file.user, file.group, file.mode) == ("root", "blackbox", 0o640)


def test_the_units_of_the_package_stay_off(host: Any) -> None:
    assert host.service("prometheus-blackbox-exporter").is_masked
    assert not host.service("prometheus-blackbox-exporter").is_running


@pytest.fixture
def seen(host: Any) -> Any:
    """What side_effect.yml saw."""
    return json.loads(host.file("/root/side_effect.json").content_string)


def test_a_misspelt_module_was_refused_before_anything_changed(seen: Any) -> None:
    assert f"{CONFIG} was refused by its check" in seen["refusal"]
    assert "field valid_status_code not found" in seen["refusal"]
    assert seen["config_after_refusal"] == seen["config_before"]


def test_a_new_module_was_reloaded_without_a_restart(host: Any, seen: Any) -> None:
    assert seen["pid_after_reload"] == seen["pid_before"] == main_pid(host)


def test_a_new_module_is_added_to_the_roles_own(url: str) -> None:
    home = "http://127.0.0.1:9115/"

    assert probe(url, "http_healthy", f"{home}-/healthy")["probe_success"] == 1
    assert probe(url, "http_healthy", home)["probe_success"] == 0


def test_the_modules_have_the_stated_timeouts(url: str) -> None:
    shown = request(f"{url}/config").text

    timeouts = re.findall(r"^    (\w+):$(?:\n        .*)*?\n        timeout: (\w+)$", shown, re.M)
    assert dict(timeouts) == {
        "http_2xx": "10s",
        "http_healthy": "5s",
        "icmp": "10s",
        "tcp_connect": "10s",
    }
