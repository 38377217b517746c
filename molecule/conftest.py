"""Fixtures for the tests of all scenarios."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of modules that state RUNS_LAST behind all others."""
    items.sort(key=lambda item: bool(getattr(getattr(item, "module", None), "RUNS_LAST", False)))


@pytest.fixture
def address(host: Any) -> str:
    """The host's address, as the controller reaches it."""
    return str(host.ansible.get_variables()["ansible_host"])


@pytest.fixture
def other_host(host: Any, pytestconfig: pytest.Config) -> Callable[[str], Any]:
    """Another host of the scenario, by its name in the inventory."""

    def get(name: str) -> Any:
        return host.get_host(
            f"ansible://{name}",
            ansible_inventory=host.backend.ansible_inventory,
            ssh_identity_file=pytestconfig.getoption("ssh_identity_file"),
        )

    return get


@pytest.fixture
def service_faults(host: Any) -> Callable[[str], list[str]]:
    """What a component's service lacks of what all of them have, by the component's name."""

    def ask(name: str) -> list[str]:
        service = f"meridian-{name}"
        report = host.check_output(f"systemd-analyze security --no-pager {service}.service")
        level = re.search(r"exposure level for \S+: ([0-9.]+)", report)
        assert level, report
        pid = host.check_output(f"systemctl show -P MainPID {service}")
        # ps abbreviates names of more than eight letters
        user = host.check_output(f"ps -o user:40= -p {pid}").strip()
        shell = host.user(name).shell
        sound = {
            f"its exposure is {level[1]}": float(level[1]) < 2.0,
            f"it runs as {user}": user == name,
            f"its user has the shell {shell}": shell == "/usr/sbin/nologin",
            "it does not start with the host": host.service(service).is_enabled,
        }
        return [fault for fault, absent in sound.items() if not absent]

    return ask
