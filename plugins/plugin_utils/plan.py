# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a fleet for people to read: a table per region, and a Mermaid diagram of all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_url,
    write_urls,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import (
    agents_by_host,
    probe_targets,
    probed_regions,
    scraped_by_agent,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    Fleet,
    agent_labels,
    storage_nodes,
    storage_region_of,
    storage_regions,
)

Row = tuple[str, str, str]

_HEAD: Row = ("host", "does", "what")
# Each region probes every other one. With more regions than this, the lines of the diagram would
# hide the rest of it.
_PROBES_DRAWN = 12


def fleet_plan(fleet: Fleet, host: str) -> dict[str, object]:
    """Who scrapes, writes, reads and probes what: the lines of the tables, and the diagram.

    `host` says the ports of gateways that are in another inventory.
    """
    targets = {
        region: probe_targets(fleet, region, host) for region in sorted(fleet.settings.regions)
    }
    lines: list[str] = []
    for region in sorted(fleet.settings.regions):
        lines += [_title(fleet, region), *_table(_rows(fleet, region, targets)), ""]
    return {"lines": lines[:-1], "diagram": _diagram(fleet, host)}


def _title(fleet: Fleet, region: str) -> str:
    carriers = _carriers(fleet, region)
    count = (
        f"{len(carriers)} host{'' if len(carriers) == 1 else 's'}" if carriers else "no host here"
    )
    return f"{region}: {count}, metrics stored in {storage_region_of(fleet, region)}"


def _carriers(fleet: Fleet, region: str) -> set[str]:
    return {host for component in COMPONENTS for host in fleet.hosts(region, component)}


def _rows(fleet: Fleet, region: str, targets: Mapping[str, Sequence[str]]) -> list[Row]:
    rows: list[Row] = []
    for component, does, purpose in (
        ("vminsert", "writes to", "insert"),
        ("vmselect", "reads from", "select"),
    ):
        for host in fleet.hosts(region, component):
            rows.append((host, does, ", ".join(storage_nodes(fleet, host, purpose))))
    writers, readers = _backends(fleet, region)
    for host in fleet.hosts(region, "vmauth"):
        rows.append((host, "routes writes to", ", ".join(writers)))
        rows.append((host, "routes reads to", ", ".join(readers)))
    scraped = scraped_by_agent(fleet, region)
    for agent in fleet.hosts(region, "vmagent"):
        urls = ", ".join(write_urls(fleet, agent))
        rows.append((agent, "writes to", f"{urls} as {agent_labels(fleet, agent).cluster}"))
        for component, hosts in scraped[agent].items():
            rows.append((agent, "scrapes", f"{component} on {', '.join(hosts)}"))
    prober_agents = agents_by_host(fleet, region)
    for exporter in fleet.hosts(region, "blackbox"):
        probed = [f"{other} ({len(targets[other])})" for other in probed_regions(fleet, region)]
        if prober_agents and probed:
            rows.append((exporter, "probes", ", ".join(probed)))
    for host, sources in _readers(fleet, region):
        rows.append((host, "reads from", ", ".join(sources)))
    return sorted(rows, key=lambda row: row[0])


def _backends(fleet: Fleet, region: str) -> tuple[Sequence[str], Sequence[str]]:
    singles = fleet.hosts(region, "vmsingle")
    return (
        (singles, singles)
        if singles
        else (
            fleet.hosts(region, "vminsert"),
            fleet.hosts(region, "vmselect"),
        )
    )


def _readers(fleet: Fleet, region: str) -> list[tuple[str, list[str]]]:
    own = storage_region_of(fleet, region)
    return [
        *(
            (host, [gateway_url(fleet, each, host) for each in storage_regions(fleet)])
            for host in fleet.hosts(region, "grafana")
        ),
        *((host, [gateway_url(fleet, own, host)]) for host in fleet.hosts(region, "vmalert")),
    ]


def _table(rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(2)]
    rule: Row = ("-" * widths[0], "-" * widths[1], "-" * len(_HEAD[2]))
    return [
        f"  {first:<{widths[0]}}  {second:<{widths[1]}}  {third}"
        for first, second, third in (_HEAD, rule, *rows)
    ]


def _diagram(fleet: Fleet, host: str) -> str:
    regions = sorted(fleet.settings.regions)
    lines = ["flowchart LR"]
    edges: list[str] = []
    for region in regions:
        lines += _subgraph(fleet, region, host)
        edges += _edges(fleet, region)
    if len(regions) > _PROBES_DRAWN:
        lines.append('  others(("every other region"))')
    return "\n".join([*lines, *(f"  {edge}" for edge in edges)]) + "\n"


def _subgraph(fleet: Fleet, region: str, host: str) -> Iterable[str]:
    group = fleet.region(region).group
    yield f'  subgraph {group}["{region}"]'
    for component in COMPONENTS:
        hosts = fleet.hosts(region, component)
        if hosts:
            yield f'    {group}_{component}["{component} x {len(hosts)}"]'
    if _door(fleet, region) == f"{group}_gateway":
        yield f'    {group}_gateway["{gateway_url(fleet, region, host)}"]'
    yield "  end"


def _door(fleet: Fleet, region: str) -> str:
    """The node that clients of a region write to and read from."""
    settings = fleet.region(region)
    if region in storage_regions(fleet) and (
        settings.gateway_url or not fleet.hosts(region, "vmauth")
    ):
        return f"{settings.group}_gateway"
    return f"{settings.group}_vmauth"


def _edges(fleet: Fleet, region: str) -> Iterable[str]:
    present = {component for component in COMPONENTS if fleet.hosts(region, component)}
    yield from _storage_edges(fleet, region, present)
    yield from _client_edges(fleet, region, present)


def _storage_edges(fleet: Fleet, region: str, present: Collection[str]) -> Iterable[str]:
    group = fleet.region(region).group
    if "vmauth" in present:
        if _door(fleet, region) == f"{group}_gateway":
            yield f"{group}_gateway --> {group}_vmauth"
        for backend, does in (("vmsingle", ""), ("vminsert", "|writes|"), ("vmselect", "|reads|")):
            if backend in present:
                yield f"{group}_vmauth -->{does} {group}_{backend}"
    for component, does in (("vminsert", "writes"), ("vmselect", "reads")):
        if component in present and "vmstorage" in present:
            yield f"{group}_{component} -->|{does}| {group}_vmstorage"


def _client_edges(fleet: Fleet, region: str, present: Collection[str]) -> Iterable[str]:
    group = fleet.region(region).group
    own_door = _door(fleet, storage_region_of(fleet, region))
    if "grafana" in present:
        for each in storage_regions(fleet):
            yield f"{group}_grafana -->|reads| {_door(fleet, each)}"
    if "vmalert" in present:
        yield f"{group}_vmalert -->|reads| {own_door}"
    if "vmagent" not in present:
        return
    yield f"{group}_vmagent -->|writes| {own_door}"
    for component in COMPONENTS:
        if component in present and component != "vmagent":
            yield f"{group}_vmagent -.->|scrapes| {group}_{component}"
    if "blackbox" in present:
        probed = [fleet.region(other).group for other in probed_regions(fleet, region)]
        for other in ["others"] if len(probed) >= _PROBES_DRAWN else probed:
            yield f"{group}_blackbox -.->|probes| {other}"
