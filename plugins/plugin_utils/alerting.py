# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where alerts go: every vmalert tells all Alertmanagers of the fleet, which form one mesh."""

from __future__ import annotations

from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import is_ip
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    address,
    endpoint,
)


def alertmanager_urls(fleet: Fleet, host: str) -> list[str]:
    """Sorted base URLs of the Alertmanagers that a vmalert on `host` sends alerts to.

    All of them, never a balancer: Alertmanagers merge what each of them was told.
    """
    del host  # the same for every host
    return [
        f"http://{endpoint(fleet, each, 'alertmanager')}"
        for each in fleet.all_hosts("alertmanager")
    ]


def alertmanager_peers(fleet: Fleet, host: str) -> list[str]:
    """Sorted `address:port` of the other Alertmanagers in the mesh of the one on `host`."""
    return [
        endpoint(fleet, each, "alertmanager", "alertmanager_cluster_port")
        for each in fleet.all_hosts("alertmanager")
        if each != host
    ]


def alertmanager_advertise_address(fleet: Fleet, host: str) -> str:
    """`address:port` by which the mesh reaches the Alertmanager on `host`.

    Empty where the host is known by a name: the mesh needs an IP address, and Alertmanager then
    takes the private one of its host.
    """
    if not is_ip(address(fleet, host)):
        return ""
    return endpoint(fleet, host, "alertmanager", "alertmanager_cluster_port")
