# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gateway of a storage region: how clients reach it, who its users are, and where it routes.

Clients only ever talk to the gateway; whether a vmsingle or a cluster stores the data behind it is
known here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from ansible_collections.meridian.metrics.plugins.plugin_utils.copies import without_copies
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import (
    view_backends,
    view_region,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import Labels, clusters_of
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import copies_history
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    destinations,
    read_region,
    read_regions,
    stores,
    written_by,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import is_ip
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    DOMAIN,
    Fleet,
    TopologyError,
    address,
    authority,
    endpoint,
    port,
    region_of,
)

READ_USERS = ("grafana", "operator", "vmalert")
# Readers that may write as well: recorded series and the state of alerts, which belong to no one
# cluster, so no labels are enforced.
RULE_USERS = ("vmalert",)
# They read all regions at once, and exist where a global vmselect is.
GLOBAL_READ_USERS = ("grafana-global", "operator-global")
GLOBAL_SOURCE = "Global"
# It copies history from region to region, and exists only as long as that takes.
MIGRATION_USER = "migration"
TENANT = 0
WRITE_PATHS = ("/api/v1/write",)
READ_PATHS = (
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/series",
    "/api/v1/series/count",
    "/api/v1/labels",
    "/api/v1/label/[^/]+/values",
    "/api/v1/metadata",
    "/api/v1/export",
    "/api/v1/status/(active_queries|buildinfo|top_queries|tsdb)",
    "/vmui(/.*)?",
)
MIGRATION_READ_PATHS = ("/api/v1/query", "/api/v1/label/[^/]+/values", "/api/v1/export/native")
MIGRATION_WRITE_PATHS = ("/api/v1/import/native",)
RETRY_STATUS_CODES = (500, 502, 503)

# Components that query every storage region, not only the one of their own region.
_FLEET_READERS = ("grafana",)


def gateway_name(region: str) -> str:
    """The name under which clients know the gateways of a storage region."""
    return f"gateway.{region}.{DOMAIN}"


def gateway_addresses(fleet: Fleet, region: str) -> list[str]:
    """Sorted addresses of a region's gateways: those stated, else those of its vmauth hosts."""
    stated = fleet.region(region).gateway_addresses
    return sorted(stated or {address(fleet, host) for host in fleet.hosts(region, "vmauth")})


def gateway_port(fleet: Fleet, region: str, host: str) -> int:
    """The port of a region's gateways; `host` says it for gateways of another inventory."""
    gateways = fleet.hosts(region, "vmauth")
    return port(fleet, gateways[0] if gateways else host, "vmauth")


def gateway_url(fleet: Fleet, region: str, host: str) -> str:
    """Base URL of a storage region for a client on `host`, without a slash at its end."""
    stated = fleet.region(region).gateway_url
    return stated or f"http://{gateway_name(region)}:{gateway_port(fleet, region, host)}"


def write_urls(fleet: Fleet, host: str, dns_discovery: bool = False) -> list[str]:
    """Remote-write URLs of a host's samples, one per destination of its region, in their order.

    With `dns_discovery` vmagent (1.149 and later) resolves the name itself and balances over all
    gateways. An operator's own load balancer is left as it is stated.
    """
    urls: list[str] = []
    for destination in destinations(fleet, region_of(fleet, host)):
        url = gateway_url(fleet, destination.region, host)
        if dns_discovery and not fleet.region(destination.region).gateway_url:
            url = url.replace("://", "://dns+", 1)
        urls.append(f"{url}/api/v1/write")
    return urls


def read_url(fleet: Fleet, host: str) -> str:
    """Base URL for queries of what a host's region has written."""
    return gateway_url(fleet, read_region(fleet, region_of(fleet, host)), host)


def reached_storage_regions(fleet: Fleet, host: str) -> list[str]:
    """The sorted storage regions whose gateways a host talks to."""
    if any(host in fleet.all_hosts(component) for component in _FLEET_READERS):
        return stores(fleet)
    region = region_of(fleet, host)
    written = {destination.region for destination in destinations(fleet, region)}
    return sorted({*written, read_region(fleet, region)})


def gateway_names(fleet: Fleet, host: str) -> str:
    """Lines for /etc/hosts, one per gateway that a host talks to; empty when none is needed."""
    lines: list[str] = []
    for region in reached_storage_regions(fleet, host):
        if fleet.region(region).gateway_url:
            continue
        for each in gateway_addresses(fleet, region):
            if not is_ip(each):
                raise TopologyError(not_an_ip(region, each))
            lines.append(f"{each} {gateway_name(region)}\n")
    return "".join(lines)


def not_an_ip(region: str, gateway: str) -> str:
    """Say that a gateway's address cannot stand in /etc/hosts."""
    return (
        f"gateway address '{gateway}' of region '{region}' is no IP address, and /etc/hosts needs "
        "one; state meridian_address as an IP address, or gateway_url in "
        f"meridian_regions['{region}']"
    )


def data_sources(fleet: Fleet, host: str) -> list[dict[str, object]]:
    """What a Grafana on `host` reads: one data source per storage region, its own one first, and
    in the end one for all regions if the fleet has a global vmselect."""
    own = read_region(fleet, region_of(fleet, host))
    # In a move a storage that does not have its history yet is none to look at.
    known = read_regions(fleet) if fleet.settings.migration else stores(fleet)
    regions = sorted(known, key=lambda region: (region != own, region))
    sources: list[dict[str, object]] = [
        {
            "name": region,
            "uid": f"meridian-{region}",
            "url": gateway_url(fleet, region, host),
            "user": "grafana",
            "default": region == own,
        }
        for region in regions
    ]
    view = view_region(fleet, region_of(fleet, host))
    if view:
        sources.append(
            {
                "name": GLOBAL_SOURCE,
                "uid": f"meridian-{GLOBAL_SOURCE.lower()}",
                "url": gateway_url(fleet, view, host),
                "user": "grafana-global",
                "default": False,
            }
        )
    return sources


def writing_clusters(fleet: Fleet, host: str) -> list[Labels]:
    """The labels of every cluster that writes to the region of a gateway host, sorted by name."""
    region = region_of(fleet, host)
    clusters = [
        labels for writer in written_by(fleet, region) for labels in clusters_of(fleet, writer)
    ]
    return sorted(clusters, key=lambda labels: labels.cluster)


def gateway_users(fleet: Fleet, host: str) -> list[str]:
    """Sorted names of the users that a gateway host knows: its writing clusters and the readers."""
    writers = (labels.cluster for labels in writing_clusters(fleet, host))
    movers = (MIGRATION_USER,) if copies_history(fleet.settings.migration) else ()
    others = _global_readers(fleet, region_of(fleet, host))
    return sorted({*writers, *READ_USERS, *movers, *others})


def _global_readers(fleet: Fleet, region: str) -> tuple[str, ...]:
    return GLOBAL_READ_USERS if view_backends(fleet, region) else ()


def gateway_config(fleet: Fleet, host: str, passwords: Mapping[str, str]) -> dict[str, object]:
    """vmauth's configuration for a gateway host.

    A cluster may only write, and its samples get its five labels whatever it sends; a reader may
    only query, but for the one that evaluates rules. The tenant is part of the route, so no client
    chooses it. Raises TopologyError when a password is missing.
    """
    region = region_of(fleet, host)
    writers, readers = backends(fleet, region)
    users: list[dict[str, object]] = []
    for labels in writing_clusters(fleet, host):
        enforced = "&".join(
            f"extra_label={name}={quote(value, safe='')}"
            for name, value in labels.as_dict().items()
        )
        routes = [_route(WRITE_PATHS, [f"{url}?{enforced}" for url in writers])]
        users.append(_user(labels.cluster, passwords, routes))
    for reader in READ_USERS:
        routes = [_route(READ_PATHS, readers)]
        if reader in RULE_USERS:
            own = without_copies(fleet, region, readers)
            routes = [_route(READ_PATHS, own), _route(WRITE_PATHS, writers)]
        users.append(_user(reader, passwords, routes))
    for reader in _global_readers(fleet, region):
        routes = [_route(READ_PATHS, view_backends(fleet, region))]
        users.append(_user(reader, passwords, routes))
    if copies_history(fleet.settings.migration):
        routes = [_route(MIGRATION_READ_PATHS, readers), _route(MIGRATION_WRITE_PATHS, writers)]
        users.append(_user(MIGRATION_USER, passwords, routes))
    internal = port(fleet, host, "vmauth", COMPONENTS["vmauth"].metrics)
    return {
        "users": users,
        # Whoever has no password may see that the gateway lives; all else is answered with 401.
        "unauthorized_user": {
            "url_map": [
                {
                    "src_paths": ["/health"],
                    "url_prefix": [f"http://{authority('127.0.0.1', internal)}/"],
                }
            ]
        },
    }


def backends(fleet: Fleet, region: str) -> tuple[list[str], list[str]]:
    """URL prefixes for writes and for queries of a region's storage. Raises TopologyError."""
    singles = fleet.hosts(region, "vmsingle")
    if singles:
        urls = [f"http://{endpoint(fleet, host, 'vmsingle')}/" for host in singles]
        return urls, urls
    inserts = fleet.hosts(region, "vminsert")
    selects = fleet.hosts(region, "vmselect")
    if not inserts or not selects:
        raise TopologyError(
            f"region '{region}' has a gateway and no storage behind it; put a host in the group "
            "vmsingle, or hosts in vmstorage, vminsert and vmselect"
        )
    return (
        [f"http://{endpoint(fleet, h, 'vminsert')}/insert/{TENANT}/prometheus/" for h in inserts],
        [f"http://{endpoint(fleet, h, 'vmselect')}/select/{TENANT}/prometheus/" for h in selects],
    )


def _user(
    name: str, passwords: Mapping[str, str], routes: list[dict[str, object]]
) -> dict[str, object]:
    password = f"{passwords.get(name) or ''}"
    if not password:
        raise TopologyError(
            f"gateway user '{name}' has no password; state it, or let it be generated"
        )
    if "%{" in password:
        # vmauth takes an unset placeholder as the password itself.
        raise TopologyError(
            f"the password of gateway user '{name}' holds '%{{'; choose another one"
        )
    return {"username": name, "password": password, "url_map": routes}


def _route(paths: tuple[str, ...], urls: list[str]) -> dict[str, object]:
    return {
        "src_paths": list(paths),
        "url_prefix": urls,
        "load_balancing_policy": "least_loaded",
        "retry_status_codes": list(RETRY_STATUS_CODES),
    }
