# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The view of all regions: what a global vmselect reads, and where clients find it.

A global vmselect has no storage. It asks the vmselects of every region, at the port that they have
for it, and each of them answers for the whole of its region. A region that keeps its samples in a
vmsingle cannot be asked so.
"""

from __future__ import annotations

from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import stores
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import listed
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    TopologyError,
    address_from,
    authority,
    endpoint,
    port,
    region_of,
)

COMPONENT = "vmselect_global"
PORT = "vmselect_clusternative_port"


def has_global_view(fleet: Fleet, host: str) -> bool:
    """Whether the fleet has a global vmselect, which then asks the vmselects of all regions."""
    del host  # the same for every host
    return bool(fleet.all_hosts(COMPONENT))


def view_region(fleet: Fleet, region: str) -> str:
    """The region whose gateways answer a region's clients for all: its own, else the first one.

    Empty where the fleet has no global vmselect.
    """
    found = [each for each in sorted(fleet.settings.regions) if fleet.hosts(each, COMPONENT)]
    return region if region in found else next(iter(found), "")


def viewed_regions(fleet: Fleet) -> list[str]:
    """The sorted regions that a global vmselect reads: those with a vmselect of their own."""
    return [each for each in sorted(fleet.settings.regions) if fleet.hosts(each, "vmselect")]


def unviewed_regions(fleet: Fleet) -> list[str]:
    """The sorted regions that store samples which no global vmselect reads."""
    return [each for each in stores(fleet) if not fleet.hosts(each, "vmselect")]


def view_nodes(fleet: Fleet, host: str) -> list[str]:
    """`region/address:port` of every vmselect that the global vmselect of a host asks.

    They are sorted; those of other regions are asked by their tunnels. Raises TopologyError.
    """
    asking = region_of(fleet, host)
    nodes = []
    for region in viewed_regions(fleet):
        for each in fleet.hosts(region, "vmselect"):
            number = port(fleet, each, "vmselect", PORT)
            nodes.append(f"{region}/{authority(address_from(fleet, each, asking), number)}")
    if not nodes:
        raise TopologyError(nothing_to_view(fleet))
    return nodes


def view_backends(fleet: Fleet, region: str) -> list[str]:
    """URL prefixes for queries of the global vmselects of a region."""
    return [
        f"http://{endpoint(fleet, each, COMPONENT)}/select/0/prometheus/"
        for each in fleet.hosts(region, COMPONENT)
    ]


def view_errors(fleet: Fleet) -> list[str]:
    """Why the view of all regions would not work."""
    hosts = fleet.all_hosts(COMPONENT)
    if not hosts:
        return []
    found = [
        f"region '{region}' has a vmselect_global ({listed(fleet.hosts(region, COMPONENT))}) and "
        "no gateway for those who read it; put hosts of the region in the group vmauth"
        for region in sorted(fleet.settings.regions)
        if fleet.hosts(region, COMPONENT) and not fleet.hosts(region, "vmauth")
    ]
    return found if viewed_regions(fleet) else [*found, nothing_to_view(fleet)]


def view_warnings(fleet: Fleet) -> list[str]:
    """Which regions are missing in the view of all regions."""
    if not fleet.all_hosts(COMPONENT) or not viewed_regions(fleet):
        return []
    return [
        f"the global view lacks region '{each}': {_why(fleet, each)}"
        for each in unviewed_regions(fleet)
    ]


def _why(fleet: Fleet, region: str) -> str:
    singles = fleet.hosts(region, "vmsingle")
    if singles:
        return (
            f"it is stored on a vmsingle ({listed(singles)}), which no vmselect can ask; read it "
            "by its own data source, or store it in vmstorage, vminsert and vmselect"
        )
    return (
        "no vmselect of it is in this inventory; add its hosts, or state its vmselects in "
        "vmselect_global_storage_nodes"
    )


def nothing_to_view(fleet: Fleet) -> str:
    """Say that a global vmselect has nothing to read."""
    return (
        f"vmselect_global ({listed(fleet.all_hosts(COMPONENT))}) has nothing to read: no region "
        "has a vmselect; store regions in vmstorage, vminsert and vmselect, or empty the group "
        "vmselect_global"
    )
