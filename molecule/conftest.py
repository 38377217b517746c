"""Fixtures for the tests of all scenarios."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


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
def exposure(host: Any) -> Callable[[str], float]:
    """What systemd-analyze thinks of a service: 0 is safe, 10 is exposed."""

    def ask(service: str) -> float:
        report = host.check_output(f"systemd-analyze security --no-pager {service}.service")
        level = re.search(r"exposure level for \S+: ([0-9.]+)", report)
        assert level, report
        return float(level[1])

    return ask
