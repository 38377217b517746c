# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tunnel between regions: who is whose peer, and what an inventory says wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, ip_address

from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import listed
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    TUNNEL_ADDRESS,
    TUNNEL_ENDPOINT,
    TUNNEL_NETWORK,
    Fleet,
    TopologyError,
    address,
    authority,
    optional_variable,
    port,
    region_of,
    tunnel_address,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel_addresses import (
    DEFAULT_NETWORK,
    tunnel_network,
)

GROUP = "wireguard"
# The group of the vmselects that read other regions' vmselects.
GLOBAL_READERS = "vmselect_global"


def peer_hosts(fleet: Fleet, host: str) -> list[str]:
    """The sorted hosts at the other ends of a host's tunnel: those of the group in other regions.

    Raises TopologyError.
    """
    region = region_of(fleet, host)
    return [each for each in fleet.all_hosts(GROUP) if region_of(fleet, each) != region]


def tunnel_peers(fleet: Fleet, host: str) -> dict[str, dict[str, object]]:
    """The peers of a host by name: where they are found, and the addresses they may send from.

    Raises TopologyError.
    """
    return {
        each: {
            "endpoint": endpoint_of(fleet, each),
            "addresses": [f"{tunnel_address(fleet, each)}/32"],
        }
        for each in peer_hosts(fleet, host)
    }


def endpoint_of(fleet: Fleet, host: str) -> str:
    """`address:port` where peers find a host. Raises TopologyError."""
    found = optional_variable(fleet, host, TUNNEL_ENDPOINT) or address(fleet, host)
    return authority(found, port(fleet, host, GROUP))


def tunnel_errors(fleet: Fleet) -> Iterator[str]:
    """What would make the tunnel fail or lead astray, one line each."""
    yield from _network_errors(fleet)
    owners: dict[str, list[str]] = {}
    for host in sorted({*fleet.all_hosts(GROUP), *fleet.all_hosts("vmselect")}):
        try:
            found = tunnel_address(fleet, host)
        except TopologyError:
            continue  # the network, reported above
        if host in fleet.all_hosts(GROUP) and not _is_ipv4(found):
            yield (
                f"{TUNNEL_ADDRESS} of host '{host}' is '{found}'; write an IPv4 address, or leave "
                "it out and it is derived"
            )
        if found:
            owners.setdefault(found, []).append(host)
    for found, hosts in sorted(owners.items()):
        if len(hosts) > 1:
            yield (
                f"the hosts {listed(hosts)} have the tunnel address {found}; state another "
                f"{TUNNEL_ADDRESS} for one of them"
            )
    members = set(fleet.all_hosts(GROUP))
    for reader in fleet.all_hosts(GLOBAL_READERS):
        ends = [host for host in _read_abroad(fleet, reader) if host in members]
        if ends and reader not in members:
            yield (
                f"host '{reader}' reads {listed(ends)} through the tunnel and has no end of it; "
                f"put it in the group {GROUP}"
            )


def tunnel_warnings(fleet: Fleet) -> Iterator[str]:
    """A tunnel that leads nowhere, and what goes between regions without one."""
    hosts = [host for host in fleet.all_hosts(GROUP) if len(fleet.regions_of.get(host, ())) == 1]
    regions = {region_of(fleet, host) for host in hosts}
    if len(regions) == 1:
        yield (
            f"the group {GROUP} has hosts of the region '{listed(regions)}' only, and a tunnel "
            "leads to another region; put the hosts at its other end in the group too, or state "
            "wireguard_extra_peers if they are in another inventory"
        )
    bare = sorted(
        {
            host
            for reader in fleet.all_hosts(GLOBAL_READERS)
            for host in _read_abroad(fleet, reader)
            if host not in fleet.all_hosts(GROUP)
            and not optional_variable(fleet, host, TUNNEL_ADDRESS)
        }
    )
    if bare:
        yield (
            f"{listed(fleet.all_hosts(GLOBAL_READERS))} reads {listed(bare)} in other regions by a "
            f"link that anybody on the way can read; put all of them in the group {GROUP}, or "
            f"state {TUNNEL_ADDRESS} where a tunnel exists"
        )


def _read_abroad(fleet: Fleet, reader: str) -> list[str]:
    """The vmselects of other regions, which a global vmselect connects to."""
    own = fleet.regions_of.get(reader, ())
    return [
        host
        for host in fleet.all_hosts("vmselect")
        if not set(own) & set(fleet.regions_of.get(host, ()))
    ]


def _network_errors(fleet: Fleet) -> Iterator[str]:
    stated: dict[str, list[str]] = {}
    for host in fleet.all_hosts(GROUP):
        network = optional_variable(fleet, host, TUNNEL_NETWORK) or DEFAULT_NETWORK
        stated.setdefault(network, []).append(host)
    if len(stated) > 1:
        yield (
            f"{TUNNEL_NETWORK} differs between hosts of the group {GROUP} ({listed(stated)}); "
            "state it once, in group_vars/all.yml"
        )
    for value, hosts in sorted(stated.items()):
        try:
            parsed = tunnel_network(value)
        except ValueError as error:
            yield f"{TUNNEL_NETWORK} is {error}"
            continue
        inside = [host for host in hosts if _lies_in(address(fleet, host), parsed)]
        if inside:
            yield (
                f"{TUNNEL_NETWORK} is '{value}', in which {listed(inside)} already "
                f"{'has its address' if len(inside) == 1 else 'have their addresses'}; write a "
                "network that nothing else uses"
            )


def _lies_in(value: str, network: IPv4Network) -> bool:
    return _is_ipv4(value) and IPv4Address(value) in network


def _is_ipv4(value: str) -> bool:
    try:
        return ip_address(value).version == 4
    except ValueError:
        return False
