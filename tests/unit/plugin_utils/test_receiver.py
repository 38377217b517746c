# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs of a receiver: which is the door, where the others listen, in which order."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import (
    AGENT,
    GUARD,
    PROMETHEUS,
    ReceiverError,
    layout,
    networks,
    restriction_problem,
    sender_passwords,
)

PORTS = {"door": 9091, "agent": 9092, "prometheus": 9090, "guard": 8405}
RESTRICTED: list[dict[str, Any]] = [
    {"senders": ["shop"], "passwords": {"shop": "secret"}},
    {"allowed_addresses": ["10.20.0.0/16"]},
]


def at(found: Any) -> dict[str, str]:
    """Where the programs of a layout listen."""
    return {
        name: f"{found[name]['address']}:{found[name]['port']}"
        for name in ("door", "agent", "prometheus")
    }


def test_the_agent_is_the_door_and_feeds_prometheus() -> None:
    found = layout("direct", PORTS)
    assert at(found) == {"door": ":9091", "agent": ":9091", "prometheus": ":9090"}
    assert found["guarded"] is False
    assert found["local_urls"] == ["http://127.0.0.1:9090/api/v1/write"]


def test_prometheus_is_the_door_when_it_is_federated() -> None:
    found = layout("federate", PORTS)
    assert at(found) == {"door": ":9091", "agent": ":9092", "prometheus": ":9091"}
    assert found["local_urls"] == []


@pytest.mark.parametrize("restriction", RESTRICTED)
@pytest.mark.parametrize(
    ("forward", "writes"),
    [("direct", "http://127.0.0.1:9092"), ("federate", "http://127.0.0.1:9090")],
)
def test_behind_a_guard_nothing_is_reached_from_other_hosts(
    forward: str, writes: str, restriction: dict[str, Any]
) -> None:
    found = layout(forward, PORTS, address="10.20.2.41", **restriction)
    assert at(found) == {
        "door": "10.20.2.41:9091",
        "agent": "127.0.0.1:9092",
        "prometheus": "127.0.0.1:9090",
    }
    assert found["guarded"] is True
    assert found["writes"] == writes
    assert found["metrics"] == {
        "address": "10.20.2.41",
        "port": 8405,
        "url": "http://10.20.2.41:8405",
    }


def test_programs_on_one_address_reach_each_other_there() -> None:
    found = layout("direct", PORTS, address="2001:db8::1")
    assert found["local_urls"] == ["http://[2001:db8::1]:9090/api/v1/write"]


@pytest.mark.parametrize("before", ["direct", "federate", "guarded"])
@pytest.mark.parametrize("after", ["direct", "federate", "guarded"])
def test_the_doors_port_is_given_up_before_it_is_taken(before: str, after: str) -> None:
    def of(name: str) -> Any:
        if name == "guarded":
            return layout("direct", PORTS, **RESTRICTED[0])
        return layout(name, PORTS)

    def door(name: str) -> str:
        return {"direct": AGENT, "federate": PROMETHEUS, "guarded": GUARD}[name]

    order = of(after)["order"]
    assert sorted(order) == sorted([AGENT, PROMETHEUS, GUARD])
    assert order[-1] == door(after)
    assert before == after or order.index(door(before)) < order.index(door(after))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"forward": "pull"},
            "prometheus_receiver_forward 'pull' is unknown; write direct or federate",
        ),
        (
            {"ports": {**PORTS, "agent": 9091}},
            "port 9091 is stated for the receiver's door and its agent; each needs one of its own",
        ),
        (
            {"senders": ["shop"]},
            "sender 'shop' has no password; state it in prometheus_receiver_sender_passwords, or "
            "leave that out to have it generated",
        ),
        (
            {"senders": ["shop", "shop"], "passwords": {"shop": "secret"}},
            "prometheus_receiver_senders has 'shop' twice; remove one",
        ),
        (
            {"senders": ["shop:till"]},
            "prometheus_receiver_senders has 'shop:till', which is no user name; use letters, "
            "digits and '._@-', and begin with a letter, digit or '_'",
        ),
        (
            {"senders": ["shop"], "passwords": {"shop": "a\nuser b insecure-password c"}},
            "the password of sender 'shop' holds a control character; choose another one",
        ),
        (
            {"allowed_addresses": ["10.20.0.0/33"]},
            "prometheus_receiver_allowed_addresses has '10.20.0.0/33', which is no network; "
            "write an IP address, or a network such as 10.20.0.0/16",
        ),
        (
            {"allowed_addresses": ["shop.example.net"]},
            "prometheus_receiver_allowed_addresses has 'shop.example.net', which is no network; "
            "write an IP address, or a network such as 10.20.0.0/16",
        ),
        (
            {"allowed_addresses": ["10.20.1.7/16"]},
            "prometheus_receiver_allowed_addresses has '10.20.1.7/16', an address inside of a "
            "network; write '10.20.0.0/16' for the network, or '10.20.1.7' for the address",
        ),
    ],
)
def test_what_cannot_work_is_refused(changed: dict[str, Any], message: str) -> None:
    settings = {"forward": "direct", "ports": PORTS, **changed}
    with pytest.raises(ReceiverError) as refusal:
        layout(settings.pop("forward"), settings.pop("ports"), **settings)
    assert str(refusal.value) == message


def test_addresses_are_networks_of_one() -> None:
    assert networks(["10.20.1.7", "2001:db8::/32"]) == ["10.20.1.7/32", "2001:db8::/32"]


def test_only_the_senders_passwords_are_taken() -> None:
    assert sender_passwords(["shop"], {"shop": "secret", "other": "x"}) == {"shop": "secret"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"prometheus_receiver_senders": ["shop"]},
        {"prometheus_receiver_senders": "shop"},  # the argument specification says it
        {"prometheus_receiver_allowed_addresses": ["10.20.0.0/16"]},
    ],
)
def test_what_a_host_states_about_its_senders_can_work(variables: dict[str, Any]) -> None:
    assert restriction_problem(variables) == ""


def test_what_a_host_states_about_its_senders_cannot_work() -> None:
    assert restriction_problem({"prometheus_receiver_senders": ["shop:till"]}).startswith(
        "prometheus_receiver_senders has 'shop:till', which is no user name; "
    )
