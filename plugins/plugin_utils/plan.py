# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a fleet for people to read: a table per region, and a Mermaid diagram of all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.meridian.metrics.plugins.plugin_utils.alerting import alertmanager_urls
from ansible_collections.meridian.metrics.plugins.plugin_utils.estimate import estimate_lines
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_url,
    write_urls,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import (
    COMPONENT as GLOBAL,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import (
    unviewed_regions,
    view_nodes,
    view_region,
    viewed_regions,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import (
    agent_labels,
    receiver_labels,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    destinations,
    read_region,
    stores,
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
    region_of,
    storage_nodes,
    storage_region_of,
    tunnel_address,
    written_nodes,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel import GROUP as TUNNEL
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel import peer_hosts

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
    lines[-1:] = estimate_lines(fleet)
    return {"lines": lines, "diagram": _diagram(fleet, host)}


def _title(fleet: Fleet, region: str) -> str:
    carriers = _carriers(fleet, region)
    count = (
        f"{len(carriers)} host{'' if len(carriers) == 1 else 's'}" if carriers else "no host here"
    )
    copied = "".join(
        f", {'a part of them' if each.keep else 'all of them'} also in {each.region}"
        for each in destinations(fleet, region)[1:]
    )
    return f"{region}: {count}, metrics stored in {storage_region_of(fleet, region)}{copied}"


def _carriers(fleet: Fleet, region: str) -> set[str]:
    return {host for component in COMPONENTS for host in fleet.hosts(region, component)}


def _rows(fleet: Fleet, region: str, targets: Mapping[str, Sequence[str]]) -> list[Row]:
    rows = [
        *_storage_rows(fleet, region),
        *_agent_rows(fleet, region, targets),
        *_client_rows(fleet, region),
    ]
    return sorted(rows, key=lambda row: row[0])


def _storage_rows(fleet: Fleet, region: str) -> Iterable[Row]:
    for component, does, purpose in (
        ("vminsert", "writes to", "insert"),
        ("vmselect", "reads from", "select"),
    ):
        for host in fleet.hosts(region, component):
            yield (host, does, ", ".join(storage_nodes(fleet, host, purpose)))
    written = written_nodes(fleet, region)
    for host in fleet.hosts(region, "vmstorage"):
        if host not in written:
            yield (host, "keeps", "what it has; nothing is written to it")
    writers, readers = _backends(fleet, region)
    viewers = fleet.hosts(region, GLOBAL)
    for host in fleet.hosts(region, "vmauth"):
        yield (host, "routes writes to", ", ".join(writers))
        yield (host, "routes reads to", ", ".join(readers))
        if viewers:
            yield (host, "routes global reads to", ", ".join(viewers))
    for host in viewers:
        yield (host, "reads all regions from", ", ".join(view_nodes(fleet, host)))
        lacking = unviewed_regions(fleet)
        if lacking:
            yield (host, "cannot read", f"{', '.join(lacking)}: no vmselect there")


def _agent_rows(fleet: Fleet, region: str, targets: Mapping[str, Sequence[str]]) -> Iterable[Row]:
    scraped = scraped_by_agent(fleet, region)
    for agent in fleet.hosts(region, "vmagent"):
        yield from _write_rows(fleet, agent, "writes to", agent_labels(fleet, agent).cluster)
        for component, hosts in scraped[agent].items():
            yield (agent, "scrapes", f"{component} on {', '.join(hosts)}")
    prober_agents = agents_by_host(fleet, region)
    for exporter in fleet.hosts(region, "blackbox"):
        probed = [f"{other} ({len(targets[other])})" for other in probed_regions(fleet, region)]
        if prober_agents and probed:
            yield (exporter, "probes", ", ".join(probed))


def _write_rows(fleet: Fleet, host: str, does: str, cluster: str) -> Iterable[Row]:
    first, *further = write_urls(fleet, host)
    yield (host, does, f"{first} as {cluster}")
    for url, each in zip(further, destinations(fleet, region_of(fleet, host))[1:], strict=True):
        yield (host, "copies to", f"{url} {' or '.join(each.keep) or 'every sample'}")


def _client_rows(fleet: Fleet, region: str) -> Iterable[Row]:
    for receiver in fleet.hosts(region, "prometheus_receiver"):
        cluster = receiver_labels(fleet, receiver).cluster
        yield from _write_rows(fleet, receiver, "passes on to", cluster)
    for host, sources in _readers(fleet, region):
        yield (host, "reads from", ", ".join(sources))
    view = view_region(fleet, region)
    if view:
        for host in fleet.hosts(region, "grafana"):
            yield (host, "reads all regions from", gateway_url(fleet, view, host))
    for host in fleet.hosts(region, TUNNEL):
        ends = [f"{each} ({tunnel_address(fleet, each)})" for each in peer_hosts(fleet, host)]
        yield (host, "tunnels to", ", ".join(ends) or "nobody")
    for ruler in fleet.hosts(region, "vmalert"):
        alerted = [url.removeprefix("http://") for url in alertmanager_urls(fleet, ruler)]
        yield (ruler, "alerts", ", ".join(alerted) or "nobody")


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
    own = read_region(fleet, region)
    return [
        *(
            (host, [gateway_url(fleet, each, host) for each in stores(fleet)])
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
    if region in stores(fleet) and (settings.gateway_url or not fleet.hosts(region, "vmauth")):
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
        for backend, does in (
            ("vmsingle", ""),
            ("vminsert", "|writes|"),
            ("vmselect", "|reads|"),
            (GLOBAL, "|reads of all regions|"),
        ):
            if backend in present:
                yield f"{group}_vmauth -->{does} {group}_{backend}"
    if GLOBAL in present:
        for each in viewed_regions(fleet):
            yield f"{group}_{GLOBAL} -->|reads| {fleet.region(each).group}_vmselect"
    for component, does in (("vminsert", "writes"), ("vmselect", "reads")):
        if component in present and "vmstorage" in present:
            yield f"{group}_{component} -->|{does}| {group}_vmstorage"


def _client_edges(fleet: Fleet, region: str, present: Collection[str]) -> Iterable[str]:
    group = fleet.region(region).group
    ways = [
        (
            _door(fleet, each.region),
            ("copies a part" if each.keep else "copies") if place else "writes",
        )
        for place, each in enumerate(destinations(fleet, region))
    ]
    yield from _reader_edges(fleet, region, present)
    if TUNNEL in present:
        for other in sorted(fleet.settings.regions):
            if other > region and fleet.hosts(other, TUNNEL):
                yield f"{group}_{TUNNEL} <-->|tunnel| {fleet.region(other).group}_{TUNNEL}"
    if "prometheus_receiver" in present:
        yield from (f"{group}_prometheus_receiver -->|{does}| {door}" for door, does in ways)
    if "vmagent" not in present:
        return
    yield from (f"{group}_vmagent -->|{does}| {door}" for door, does in ways)
    for component in COMPONENTS:
        if component in present and component != "vmagent":
            yield f"{group}_vmagent -.->|scrapes| {group}_{component}"
    if "blackbox" in present:
        probed = [fleet.region(other).group for other in probed_regions(fleet, region)]
        for other in ["others"] if len(probed) >= _PROBES_DRAWN else probed:
            yield f"{group}_blackbox -.->|probes| {other}"


def _reader_edges(fleet: Fleet, region: str, present: Collection[str]) -> Iterable[str]:
    group = fleet.region(region).group
    if "grafana" in present:
        for each in stores(fleet):
            yield f"{group}_grafana -->|reads| {_door(fleet, each)}"
    if "vmalert" not in present:
        return
    yield f"{group}_vmalert -->|reads, records| {_door(fleet, read_region(fleet, region))}"
    for other in sorted(fleet.settings.regions):
        if fleet.hosts(other, "alertmanager"):
            yield f"{group}_vmalert -->|alerts| {fleet.region(other).group}_alertmanager"
