# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The external labels by which samples are known, and the clusters of a region."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import LEGACY
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    optional_variable,
    region_of,
    storage_region_of,
    variable,
)


@dataclass(frozen=True, slots=True)
class Labels:
    """The five external labels by which every sample of a cluster is known."""

    env: str
    region: str
    storage_region: str
    cluster: str
    availability_zone: str

    def as_dict(self) -> dict[str, str]:
        """The labels as plain data, in a fixed order."""
        return {name: getattr(self, name) for name in Labels.__slots__}


def agent_labels(fleet: Fleet, host: str) -> Labels:
    """The labels that a vmagent host puts on every sample. Raises TopologyError."""
    region = region_of(fleet, host)
    return Labels(
        env=variable(fleet, host, "env"),
        region=region,
        storage_region=storage_region_of(fleet, region),
        cluster=variable(fleet, host, "cluster"),
        availability_zone=variable(fleet, host, "availability_zone"),
    )


def external_labels(fleet: Fleet, host: str) -> dict[str, str]:
    """The labels of `agent_labels` as plain data."""
    return agent_labels(fleet, host).as_dict()


def receiver_labels(fleet: Fleet, host: str) -> Labels:
    """The labels of what legacy senders push to a receiver's host. Raises TopologyError."""
    region = region_of(fleet, host)
    env = optional_variable(fleet, host, "prometheus_receiver_env") or "prod"
    stated = optional_variable(fleet, host, "prometheus_receiver_cluster")
    return Labels(
        env=env,
        region=region,
        storage_region=storage_region_of(fleet, region),
        cluster=stated or f"{region}-eks-01-{env}{LEGACY}",
        availability_zone=variable(fleet, host, "availability_zone"),
    )


def clusters_of(fleet: Fleet, region: str) -> list[Labels]:
    """The labels of every cluster of a region, sorted by cluster.

    A cluster comes from the host of its agent or receiver or, where that is in another inventory,
    from the region's `clusters` setting.
    """
    stated = {
        cluster: Labels(
            env=cluster.removesuffix(LEGACY).rpartition("-")[2],
            region=region,
            storage_region=storage_region_of(fleet, region),
            cluster=cluster,
            availability_zone=zone,
        )
        for cluster, zone in fleet.region(region).clusters.items()
    }
    present = [
        *(agent_labels(fleet, host) for host in fleet.hosts(region, "vmagent")),
        *(receiver_labels(fleet, host) for host in fleet.hosts(region, "prometheus_receiver")),
    ]
    clusters = stated | {labels.cluster: labels for labels in present}
    return [clusters[cluster] for cluster in sorted(clusters)]
