# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which region's samples go to which regions' gateways, and whose gateway its readers ask.

All else that is about routes (URLs, the gateways' users, names in /etc/hosts, the plan) is derived
from these answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import (
    DUAL_WRITE,
    FINISH,
    READERS,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.replication import NONE
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    storage_region_of,
    storage_regions,
)


@dataclass(frozen=True, slots=True)
class Destination:
    """A region to whose gateway samples are sent."""

    region: str
    keep: tuple[str, ...] = ()
    """Series selectors of what is sent there; empty for every sample."""
    queue_hours: float | None = None
    """Hours that it may be away until samples for it are lost; None: as the writer's others."""


def destinations(fleet: Fleet, region: str) -> list[Destination]:
    """Where the writers of a region send their samples, in the order of their URLs.

    While a region moves to a storage of its own, the old one stays first, and the new one comes
    second from the phase dual_write on. Raises TopologyError.
    """
    found = [Destination(storage_region_of(fleet, region))]
    migration = fleet.settings.migration
    if (
        migration
        and migration.moves(region)
        and migration.reached(DUAL_WRITE)
        and not migration.reached(FINISH)
    ):
        found.append(Destination(region))
    copies = fleet.region(region).replication
    if copies.mode != NONE:
        found.append(Destination(copies.to, copies.selectors, copies.queue_hours))
    return found


def written_by(fleet: Fleet, region: str) -> list[str]:
    """The sorted regions whose writers send samples to the gateway of `region`.

    A gateway knows the writers of its own region before they come, in the first phase of a move.
    """
    return [
        writer
        for writer in sorted(fleet.settings.regions)
        if any(each.region == region for each in destinations(fleet, writer))
        or (fleet.settings.migration and writer == region)
    ]


def read_region(fleet: Fleet, region: str) -> str:
    """The region whose gateway is asked for what a region has written. Raises TopologyError."""
    migration = fleet.settings.migration
    if migration and migration.reached(READERS):
        return fleet.region(region).name
    return storage_region_of(fleet, region)


def read_regions(fleet: Fleet) -> list[str]:
    """The sorted regions whose gateways are asked by readers of all regions."""
    return sorted({read_region(fleet, region) for region in fleet.settings.regions})


def stores(fleet: Fleet) -> list[str]:
    """The sorted regions that store samples or take them; in a move, all that will."""
    if fleet.settings.migration:
        return sorted(fleet.settings.regions)
    taking = {
        destination.region
        for region in fleet.settings.regions
        for destination in destinations(fleet, region)
    }
    return sorted({*storage_regions(fleet), *taking})


def copied_to(fleet: Fleet, region: str) -> list[str]:
    """The sorted regions whose copies the gateway of `region` takes."""
    return [
        writer
        for writer in sorted(fleet.settings.regions)
        if fleet.region(writer).replication.to == region
    ]
