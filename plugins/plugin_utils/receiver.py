# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs of a host that legacy Prometheus servers push to, and which of them is the door.

Three programs may run there: an agent, a Prometheus and a guard. The door listens on the port that
the senders know; what stands behind it has ports of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network

from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import authority

DIRECT = "direct"
FEDERATE = "federate"
FORWARDS = (DIRECT, FEDERATE)

AGENT = "prometheus_receiver"
PROMETHEUS = "prometheus_receiver_prometheus"
GUARD = "prometheus_receiver_guard"

_LOOPBACK = "127.0.0.1"
# Basic authentication ends a user name at the first colon; the rest is what credentials allow.
_SENDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*")


class ReceiverError(ValueError):
    """A setting of a receiver that cannot work. The message names the value and the fix."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a program listens, and the base URL by which others on its host reach it."""

    address: str
    port: int
    url: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Who listens where, and in which order the programs are brought up."""

    guarded: bool
    order: list[str]
    """Who gives up the door's port comes before who takes it."""
    agent: Listen
    prometheus: Listen
    door: Listen
    """What the senders talk to: the guard where there is one, else the next."""
    writes: str
    """URL of the program that takes what the senders write."""
    metrics: Listen
    """The guard's second port, with the metrics of all three."""
    local_urls: list[str]
    """Remote-write URLs of the local Prometheus; empty where it is the door itself."""


def is_guarded(senders: Sequence[object], allowed_addresses: Sequence[object]) -> bool:
    """Whether a guard stands before the door: one of the two restrictions is stated."""
    return bool(senders or allowed_addresses)


def layout(
    forward: str,
    ports: Mapping[str, int],
    *,
    address: str = "",
    senders: Sequence[str] = (),
    passwords: Mapping[str, str] | None = None,
    allowed_addresses: Sequence[str] = (),
) -> dict[str, object]:
    """Return a `Layout` as plain data.

    ``ports`` has the keys door, agent, prometheus and guard; ``address`` is what the programs
    listen on, empty for every address. Raises ReceiverError.
    """
    if forward not in FORWARDS:
        raise ReceiverError(
            f"prometheus_receiver_forward '{forward}' is unknown; write {' or '.join(FORWARDS)}"
        )
    _refuse_shared_port(ports)
    guarded = is_guarded(senders, allowed_addresses)
    sender_passwords(senders, passwords or {})
    networks(allowed_addresses)
    behind = _LOOPBACK if guarded else address
    direct = forward == DIRECT
    agent = _listen(behind, ports["door" if direct and not guarded else "agent"])
    prometheus = _listen(behind, ports["prometheus" if direct or guarded else "door"])
    programs = [PROMETHEUS, AGENT] if direct else [AGENT, PROMETHEUS]
    found = Layout(
        guarded=guarded,
        order=[*programs, GUARD] if guarded else [GUARD, *programs],
        agent=agent,
        prometheus=prometheus,
        door=_listen(address, ports["door"]),
        writes=agent.url if direct else prometheus.url,
        metrics=_listen(address, ports["guard"]),
        local_urls=[f"{prometheus.url}/api/v1/write"] if direct else [],
    )
    return asdict(found)


def sender_passwords(senders: Sequence[str], passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the senders' passwords by user name, in their order. Raises ReceiverError."""
    found: dict[str, str] = {}
    for sender in senders:
        if not isinstance(sender, str) or not _SENDER.fullmatch(sender):
            raise ReceiverError(
                f"prometheus_receiver_senders has {sender!r}, which is no user name; use letters, "
                "digits and '._@-', and begin with a letter, digit or '_'"
            )
        if sender in found:
            raise ReceiverError(f"prometheus_receiver_senders has '{sender}' twice; remove one")
        password = f"{passwords.get(sender) or ''}"
        if not password:
            raise ReceiverError(
                f"sender '{sender}' has no password; state it in "
                "prometheus_receiver_sender_passwords, or leave that out to have it generated"
            )
        if not password.isprintable():
            raise ReceiverError(
                f"the password of sender '{sender}' holds a control character; choose another one"
            )
        found[f"{sender}"] = password
    return found


def networks(allowed_addresses: Sequence[str]) -> list[str]:
    """Return addresses and networks in CIDR notation. Raises ReceiverError for another text."""
    found = []
    for text in allowed_addresses:
        try:
            network = ip_network(f"{text}", strict=False)
        except ValueError:
            raise ReceiverError(
                f"prometheus_receiver_allowed_addresses has '{text}', which is no network; "
                "write an IP address, or a network such as 10.20.0.0/16"
            ) from None
        host = f"{text}".partition("/")[0]
        if ip_address(host) != network.network_address:
            raise ReceiverError(
                f"prometheus_receiver_allowed_addresses has '{text}', an address inside of a "
                f"network; write '{network}' for the network, or '{host}' for the address"
            )
        found.append(f"{network}")
    return found


def restriction_problem(variables: Mapping[str, object]) -> str:
    """What is wrong with who may send, as a host's variables state it; empty when nothing is.

    A value of a wrong type is left to the role's argument specification. Passwords that are not
    stated are generated.
    """
    senders = variables.get("prometheus_receiver_senders", [])
    allowed_addresses = variables.get("prometheus_receiver_allowed_addresses", [])
    if not isinstance(senders, list) or not isinstance(allowed_addresses, list):
        return ""
    generated = {f"{sender}": "generated" for sender in senders}
    passwords = variables.get("prometheus_receiver_sender_passwords", generated)
    try:
        sender_passwords(senders, passwords if isinstance(passwords, Mapping) else {})
        networks(allowed_addresses)
    except ReceiverError as error:
        return f"{error}"
    return ""


def _refuse_shared_port(ports: Mapping[str, int]) -> None:
    used: dict[int, str] = {}
    for name, port in ports.items():
        if port in used:
            raise ReceiverError(
                f"port {port} is stated for the receiver's {used[port]} and its {name}; "
                "each needs one of its own"
            )
        used[port] = name


def _listen(address: str, port: int) -> Listen:
    return Listen(address, port, f"http://{authority(address or _LOOPBACK, port)}")
