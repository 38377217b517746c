# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The address that a host has inside of the tunnel between regions."""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address, IPv4Network

DEFAULT_NETWORK = "10.255.0.0/16"
# With fewer addresses, two of ten hosts would get the same one in more than 1 % of all fleets.
LONGEST_PREFIX = 20


def tunnel_network(value: str) -> IPv4Network:
    """Parse the network of the tunnel. Raises ValueError, whose message says what to write.

    Only IPv4, because VictoriaMetrics listens on nothing else unless it is told to.
    """
    try:
        network = IPv4Network(value)
    except ValueError:
        raise ValueError(f"'{value}'; write an IPv4 network, such as {DEFAULT_NETWORK}") from None
    if network.prefixlen > LONGEST_PREFIX:
        raise ValueError(
            f"'{value}', too small to derive different addresses from names; write a network of "
            f"/{LONGEST_PREFIX} or larger, such as {DEFAULT_NETWORK}"
        )
    return network


def derived_address(network: IPv4Network, host: str) -> IPv4Address:
    """The address of a host, from its name alone: no other host's coming or going changes it."""
    number = int.from_bytes(hashlib.sha256(host.encode()).digest()[:8], "big")
    # Neither the network's own address nor the one of its broadcasts.
    return network[1 + number % (network.num_addresses - 2)]
