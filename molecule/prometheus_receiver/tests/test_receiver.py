"""The programs of all receivers on their hosts; side_effect.yml came before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples import request

testinfra_hosts = ["ansible://prometheus_receiver"]

AGENT = "prometheus_receiver"
PROMETHEUS = "prometheus_receiver_prometheus"
GUARD = "prometheus_receiver_guard"
PROGRAMS = {
    "receiver-1": [AGENT, PROMETHEUS],
    "guarded-1": [AGENT, PROMETHEUS, GUARD],
    "federate-1": [AGENT, PROMETHEUS],
}


@pytest.fixture
def programs(host: Any) -> list[str]:
    return PROGRAMS[str(host.ansible.get_variables()["inventory_hostname"])]


@pytest.fixture
def passwords(host: Any, programs: list[str]) -> list[str]:
    """Every password that is on the host."""
    found = [host.check_output(f"cat /etc/meridian/{AGENT}/password").strip()]
    if GUARD in programs:
        users = host.file(f"/etc/meridian/{GUARD}/senders.cfg").content_string
        found.append(users.split("insecure-password ")[1].strip().strip("'"))
    assert all(len(password) >= 16 for password in found)
    return found


def test_only_what_is_asked_for_runs(host: Any, programs: list[str]) -> None:
    for state in ("is-active", "is-enabled"):
        found = [
            name
            for name in (AGENT, PROMETHEUS, GUARD)
            if host.run(f"systemctl {state} meridian-{name}").rc == 0
        ]
        assert found == programs, state


def test_the_units_of_the_packages_stay_off(host: Any) -> None:
    for unit in ("victoria-metrics", "prometheus"):
        assert host.service(unit).is_masked, unit
        assert not host.service(unit).is_running, unit


def test_its_services_are_sound(
    programs: list[str], service_faults: Callable[[str], list[str]]
) -> None:
    assert {name: service_faults(name) for name in programs} == {name: [] for name in programs}


def test_the_door_is_where_senders_look_for_it(address: str) -> None:
    assert request(f"http://{address}:9091/-/healthy").status == 200


def test_passwords_are_in_no_process_list_and_in_no_log(host: Any, passwords: list[str]) -> None:
    shown = [
        host.check_output(command)
        for command in (
            "ps -eo args",
            "journalctl --no-pager",
            "systemctl show --no-pager 'meridian-*'",
        )
    ]
    assert [text for text in shown if any(password in text for password in passwords)] == []


def test_passwords_are_in_no_file_that_others_read(host: Any, passwords: list[str]) -> None:
    for password in passwords:
        everywhere = "find /etc /opt /run /tmp /var -xdev -type f"
        assert host.run(f"{everywhere} -exec grep -lF {password} {{}} +").stdout != ""
        assert host.run(f"{everywhere} -perm /o=r -exec grep -lF {password} {{}} +").stdout == ""


def test_the_gateways_name_is_in_the_hosts_file(host: Any) -> None:
    assert "gateway.us-east-1.meridian.internal" in host.file("/etc/hosts").content_string
