# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who scrapes what, and which region probes which.

A region's components are scraped by the region's own agents, each exactly once. Each blackbox
exporter of a region probes every other region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_addresses,
    gateway_port,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    Fleet,
    authority,
    endpoint,
    optional_variable,
    region_of,
)

# The variables of a receiver that put a guard before it.
RECEIVER_GUARDS = ("senders", "allowed_addresses")

PROBE_MODULE = "http_2xx"
METRICS_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class Metrics:
    """Where a program serves its metrics: a variable of its host's port, and the path."""

    port: str
    path: str = METRICS_PATH


def jobs(fleet: Fleet, host: str, component: str) -> dict[str, Metrics]:
    """Where a component's programs on a host serve their metrics, by job."""
    if component == "prometheus_receiver":
        return _receiver_jobs(fleet, host)
    if component == "vmselect_global":
        return {
            component: Metrics(COMPONENTS[component].metrics),
            "vmselect_global_links": Metrics("vmselect_global_link_metrics_port"),
        }
    return {component: Metrics(COMPONENTS[component].metrics)}


def _receiver_jobs(fleet: Fleet, host: str) -> dict[str, Metrics]:
    """The programs of a receiver: its agent, its Prometheus, and the guard of both.

    One of them is the door on the receiver's port. Behind a guard the others only listen on the
    host itself, and the guard passes their metrics on.
    """
    variables = fleet.variables[host]
    if any(variables.get(f"prometheus_receiver_{name}") for name in RECEIVER_GUARDS):
        guard = "prometheus_receiver_guard_port"
        return {
            "prometheus_receiver": Metrics(guard, "/agent/metrics"),
            "prometheus": Metrics(guard, "/prometheus/metrics"),
            "prometheus_receiver_guard": Metrics(guard),
        }
    door = "prometheus_receiver_port"
    if optional_variable(fleet, host, "prometheus_receiver_forward") == "federate":
        return {
            "prometheus_receiver": Metrics("prometheus_receiver_agent_port"),
            "prometheus": Metrics(door),
        }
    return {
        "prometheus_receiver": Metrics(door),
        "prometheus": Metrics("prometheus_receiver_prometheus_port"),
    }


def agents_by_host(fleet: Fleet, region: str) -> Mapping[str, str]:
    """The agent that scrapes each host of a region; empty when the region has no agent.

    An agent scrapes its own host. The other hosts are dealt out in sorted order, all components
    of a host to one agent, so that they carry the same cluster label.
    """
    agents = fleet.hosts(region, "vmagent")
    if not agents:
        return {}
    carriers = {host for component in COMPONENTS for host in fleet.hosts(region, component)}
    others = sorted(carriers.difference(agents))
    dealt = {host: agents[position % len(agents)] for position, host in enumerate(others)}
    return {agent: agent for agent in agents} | dealt


def scraped_by_agent(fleet: Fleet, region: str) -> dict[str, dict[str, list[str]]]:
    """Sorted hosts by component, by the agent of a region that scrapes them."""
    agents = agents_by_host(fleet, region)
    scraped: dict[str, dict[str, list[str]]] = {}
    for component in COMPONENTS:
        for host in fleet.hosts(region, component):
            if agents:
                scraped.setdefault(agents[host], {}).setdefault(component, []).append(host)
    return scraped


def scraped_hosts(fleet: Fleet, host: str) -> dict[str, list[str]]:
    """Sorted hosts by component that the agent on `host` scrapes."""
    return scraped_by_agent(fleet, region_of(fleet, host)).get(host, {})


def scrape_configs(fleet: Fleet, host: str) -> list[dict[str, object]]:
    """Scrape configurations of the agent on `host`, one job per program.

    `instance` is the inventory's name of the scraped host, so that it survives a new address.
    """
    targets: dict[str, list[dict[str, object]]] = {}
    for component, hosts in scraped_hosts(fleet, host).items():
        for each in hosts:
            for job, metrics in jobs(fleet, each, component).items():
                labels = {"instance": each}
                if metrics.path != METRICS_PATH:
                    labels["__metrics_path__"] = metrics.path
                targets.setdefault(job, []).append(
                    {
                        "targets": [endpoint(fleet, each, component, metrics.port)],
                        "labels": labels,
                    }
                )
    return [{"job_name": job, "static_configs": each} for job, each in targets.items()]


def scraped_targets(fleet: Fleet, host: str) -> list[tuple[str, str]]:
    """Every (job, instance) that the agent on `host` scrapes."""
    return [
        (job, each)
        for component, hosts in scraped_hosts(fleet, host).items()
        for each in hosts
        for job in jobs(fleet, each, component)
    ]


def probe_targets(fleet: Fleet, region: str, host: str) -> list[str]:
    """Sorted URLs by which other regions probe a region: those stated, else its gateways and
    blackbox exporters. `host` says the port of gateways of another inventory."""
    settings = fleet.region(region)
    if settings.probe_targets:
        return list(settings.probe_targets)
    exporters = [
        f"http://{endpoint(fleet, each, 'blackbox')}/-/healthy"
        for each in fleet.hosts(region, "blackbox")
    ]
    if settings.gateway_url:
        return sorted([*exporters, f"{settings.gateway_url}/health"])
    addresses = gateway_addresses(fleet, region)
    if not addresses:
        return sorted(exporters)
    number = gateway_port(fleet, region, host)
    return sorted([*exporters, *(f"http://{authority(each, number)}/health" for each in addresses)])


def probed_regions(fleet: Fleet, region: str) -> list[str]:
    """The sorted regions that a region's blackbox exporters probe: all but itself."""
    return [other for other in sorted(fleet.settings.regions) if other != region]


def probe_configs(fleet: Fleet, host: str) -> list[dict[str, object]]:
    """Scrape configurations of the probes that the agent on `host` asks its exporters for.

    A series is known by source_region, target_region, instance (the probed URL) and prober (the
    exporter's host).
    """
    region = region_of(fleet, host)
    exporters = scraped_hosts(fleet, host).get("blackbox", [])
    if not exporters:
        return []
    targets = {other: probe_targets(fleet, other, host) for other in probed_regions(fleet, region)}
    static_configs = [
        {
            "targets": urls,
            "labels": {
                "__tmp_exporter": endpoint(fleet, exporter, "blackbox"),
                "prober": exporter,
                "source_region": region,
                "target_region": other,
            },
        }
        for exporter in exporters
        for other, urls in targets.items()
        if urls
    ]
    if not static_configs:
        return []
    return [
        {
            "job_name": "probe",
            "metrics_path": "/probe",
            "params": {"module": [PROBE_MODULE]},
            "static_configs": static_configs,
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": ["__param_target"], "target_label": "instance"},
                {"source_labels": ["__tmp_exporter"], "target_label": "__address__"},
            ],
        }
    ]


def expected_probes(fleet: Fleet, host: str) -> list[dict[str, str]]:
    """Every probe of the fleet, as the labels of its series; `host` as in `probe_targets`."""
    targets = {
        region: probe_targets(fleet, region, host) for region in sorted(fleet.settings.regions)
    }
    return [
        {
            "source_region": region,
            "target_region": other,
            "prober": exporter,
            "instance": url,
        }
        for region in sorted(fleet.settings.regions)
        if agents_by_host(fleet, region)
        for exporter in fleet.hosts(region, "blackbox")
        for other in probed_regions(fleet, region)
        for url in targets[other]
    ]
