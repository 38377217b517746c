# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The links of a global vmselect to the regions: HAProxy, which knows when a vmselect hangs.

A vmselect keeps its connections. When the program at the other end hangs while its kernel goes on
to acknowledge, a query on such a connection waits until its own time is over, and then fails
instead of being answered in part. HAProxy stands between: it greets every regional vmselect each
second in its own protocol, and ends all connections to one that does not answer. Of several
vmselects in a region it takes one for each connection, so that no sample comes twice over the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError

_ADDRESSES = 250
_MOST = _ADDRESSES * _ADDRESSES

_SETTINGS = """\
global
    log stdout format raw daemon notice
    # A reload lets the old process go on for this long.
    hard-stop-after 60s

defaults
    mode tcp
    log global
    timeout connect {patience}
    timeout check {patience}
    # Connections are kept; queries have a limit of their own.
    timeout client 1h
    timeout server 1h
    balance leastconn
    default-server check inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""
# What a vmselect says to greet, and what it is told: a whole greeting, which leaves no line in its
# log, after which the connection ends without a query.
_GREETING = (
    "option tcp-check",
    "tcp-check connect",
    "tcp-check send vmselect.01",
    "tcp-check expect string ok",
    "tcp-check send-binary 00",
    # And a byte that says whether it compresses its answers. No regular expression: those are
    # compiled, which a unit that may not write to code forbids.
    "tcp-check expect min-recv 3 string ok",
    "tcp-check send ok",
)


def linked_nodes(nodes: Sequence[str], port: int) -> list[str]:
    """`region/address:port` of the end on the host itself of the link to each region.

    `nodes` are the regions' vmselects in the form `region/address:port`. Raises TopologyError.
    """
    regions = list(_by_region(nodes))
    return [f"{region}/{_own_end(place)}:{port}" for place, region in enumerate(regions)]


def links_config(
    nodes: Sequence[str], port: int, *, metrics_port: int, patience: str = "2s"
) -> str:
    """haproxy.cfg for the links to the regions of `nodes`, as of `linked_nodes`.

    `patience` is how long a vmselect may take to greet, with its unit. Raises TopologyError.
    """
    sections = [
        _SETTINGS.format(patience=patience),
        _section(
            "frontend metrics",
            [
                "mode http",
                f"bind :{metrics_port}",
                "timeout client 1m",
                "http-request use-service prometheus-exporter if { path /metrics }",
            ],
        ),
    ]
    for place, (region, addresses) in enumerate(_by_region(nodes).items()):
        servers = [f"server {_name(address)} {address}" for address in addresses]
        lines = [f"bind {_own_end(place)}:{port}", *_GREETING, *servers]
        sections.append(_section(f"listen {region}", lines))
    return "\n".join(sections)


def _by_region(nodes: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in nodes:
        region, slash, address = f"{node}".partition("/")
        if not (region and slash and address.rpartition(":")[2].isdecimal()):
            raise TopologyError(
                f"'{node}' in vmselect_global_storage_nodes is no vmselect of a region; write "
                "region/address:port, such as us-east-1/10.20.1.16:8411"
            )
        found.setdefault(region, []).append(address)
    if len(found) > _MOST:
        raise TopologyError(f"{len(found)} regions are more than the {_MOST} that can be linked")
    return found


def _own_end(place: int) -> str:
    """An address of the host itself, one for each region; all of 127.0.0.0/8 is."""
    return f"127.9.{place // _ADDRESSES}.{place % _ADDRESSES + 1}"


def _name(address: str) -> str:
    """An address as a name of a server, which takes no brackets."""
    return address.replace("[", "").replace("]", "")


def _section(head: str, lines: Sequence[str]) -> str:
    return "".join([f"{head}\n", *(f"    {line}\n" for line in lines)])
