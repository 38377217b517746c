# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard's configuration; molecule/prometheus_receiver proves what HAProxy makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import (
    ReceiverError,
    layout,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver_guard import (
    guard_config,
    guard_users,
)

PORTS = {"door": 9091, "agent": 9092, "prometheus": 9090, "guard": 8405}
NETWORKS = ["10.20.0.0/16", "10.30.0.0/16"]
SECRET = "dont'tell$me"


def config(forward: str = "direct", **restrictions: Any) -> dict[str, list[str]]:
    """The lines of the configuration by section."""
    passwords = dict.fromkeys(restrictions.get("senders", ()), SECRET)
    found = layout(forward, PORTS, passwords=passwords, **restrictions)
    sections: dict[str, list[str]] = {}
    for line in guard_config(found, **restrictions).splitlines():
        if line and not line.startswith(" "):
            sections[line] = []
        elif line:
            sections[list(sections)[-1]].append(line.strip())
    return sections


def rules(found: dict[str, list[str]]) -> list[str]:
    """In which order the door decides where a request goes."""
    return [line for line in found["frontend door"] if "backend" in line]


def test_the_door_asks_for_the_address_before_the_password() -> None:
    found = config(senders=["shop"], allowed_addresses=NETWORKS)
    assert rules(found) == [
        "use_backend door if is_health",
        "use_backend refused_address unless is_allowed",
        "use_backend refused_path unless is_write or is_query",
        "use_backend refused_credentials unless is_known",
        "use_backend queries if is_query",
        "default_backend door",
    ]


def test_without_senders_no_password_is_asked_for() -> None:
    found = config(allowed_addresses=NETWORKS)
    assert "use_backend refused_address unless is_allowed" in rules(found)
    assert [line for line in rules(found) if "is_known" in line] == []
    assert "backend refused_credentials" not in found


def test_without_networks_any_address_may_send() -> None:
    found = config(senders=["shop"])
    assert "use_backend refused_credentials unless is_known" in rules(found)
    assert [line for line in rules(found) if "is_allowed" in line] == []
    assert "backend refused_address" not in found


def test_each_network_is_allowed() -> None:
    found = config(allowed_addresses=NETWORKS)
    allowed = [line for line in found["frontend door"] if line.startswith("acl is_allowed")]
    assert allowed == ["acl is_allowed src 10.20.0.0/16", "acl is_allowed src 10.30.0.0/16"]


@pytest.mark.parametrize(("forward", "port"), [("direct", 9092), ("federate", 9090)])
def test_writes_go_to_the_program_that_would_be_the_door(forward: str, port: int) -> None:
    found = config(forward, allowed_addresses=NETWORKS)
    assert found["backend door"] == [f"server local 127.0.0.1:{port}"]
    assert found["backend queries"] == ["server local 127.0.0.1:9090"]


def test_the_configuration_holds_no_password() -> None:
    found = layout("direct", PORTS, senders=["shop"], passwords={"shop": SECRET})
    assert SECRET not in guard_config(found, senders=["shop"])


def test_a_password_is_taken_literally() -> None:
    assert guard_users(["shop"], {"shop": SECRET}) == (
        "userlist senders\n    user shop insecure-password 'dont'\\''tell$me'\n"
    )


def test_a_sender_without_a_password_is_refused() -> None:
    with pytest.raises(ReceiverError, match=r"^sender 'till' has no password; "):
        guard_users(["shop", "till"], {"shop": SECRET})
