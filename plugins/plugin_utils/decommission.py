# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Taking a storage node out of its cluster: what speaks against it, and who has to know.

That the other nodes are enough for the replication factor is preflight's to say: it counts only
those that are written to.
"""

from __future__ import annotations

from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    WRITES,
    Fleet,
    endpoint,
    is_written,
    region_of,
    storage_nodes,
)


def decommission_problems(
    fleet: Fleet, host: str, node: object = None, limit: object = None
) -> list[str]:
    """Say why a vmstorage host cannot be taken out; `limit` is what --limit was given."""
    del host  # the same for every host
    name = f"{node or ''}"
    if not name:
        return ["no host is named; add -e decommission_host=NAME, a host of the group vmstorage"]
    if name not in fleet.all_hosts("vmstorage"):
        return [
            f"host '{name}' is not in the group vmstorage; hosts in it: "
            f"{', '.join(fleet.all_hosts('vmstorage')) or 'none'}"
        ]
    problems = []
    if limit:
        problems.append(
            f"--limit {limit} leaves out hosts that have to let go of '{name}'; run without it"
        )
    if is_written(fleet, name):
        problems.append(
            f"host '{name}' is still written to; state '{WRITES}: false' among its variables in "
            "the inventory, and run this again"
        )
    return problems


def decommission_plan(fleet: Fleet, host: str, node: str) -> dict[str, object]:
    """The other nodes and the vminserts of a node's region, and whether `host` is of that region.

    Raises TopologyError.
    """
    region = region_of(fleet, f"{node}")
    return {
        "concerned": region_of(fleet, host) == region,
        "others": storage_nodes(fleet, f"{node}", "select", without=f"{node}"),
        "writers": [
            f"http://{endpoint(fleet, each, 'vminsert')}"
            for each in fleet.hosts(region, "vminsert")
        ],
    }
