# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The model of a fleet: regions, their hosts and components, and where their metrics are stored.

Everything else (routes, scrapes, probes, the gateway's configuration, preflight, the plan) is
derived from a `Fleet`, which is read from an inventory's groups and the few host variables of the
hosts that are asked about. Group names, port variables and default ports live only here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType

CENTRALIZED = "centralized"
FEDERATED = "federated"
TOPOLOGIES = (CENTRALIZED, FEDERATED)
ENVIRONMENTS = ("dev", "beta", "prod")
DOMAIN = "meridian.internal"
DEFAULT_REPLICATION_FACTOR = 2


class TopologyError(ValueError):
    """The inventory lacks something. The message names the value, the place and the fix."""


@dataclass(frozen=True, slots=True)
class Component:
    """One kind of program: its inventory group carries this name."""

    name: str
    ports: Mapping[str, int]
    """Default ports by the variable that changes them; the first is the program's main port."""
    metrics: str
    """The variable of the port that serves /metrics."""
    memory_weight: int = 0
    """Its weight in sharing a host's memory; 0 for a program without -memory.allowedPercent."""


def _component(
    name: str, port: int, memory_weight: int = 0, *, metrics: str = "port", **others: int
) -> Component:
    ports = {"port": port, **others}
    return Component(
        name=name,
        ports=MappingProxyType({f"{name}_{key}": value for key, value in ports.items()}),
        metrics=f"{name}_{metrics}",
        memory_weight=memory_weight,
    )


COMPONENTS: Mapping[str, Component] = MappingProxyType(
    {
        component.name: component
        for component in (
            _component("vmstorage", 8482, 4, insert_port=8400, select_port=8401),
            _component("vminsert", 8480, 2),
            _component("vmselect", 8481, 3),
            _component("vmsingle", 8428, 6),
            # /metrics is kept off the door that clients use.
            _component("vmauth", 8427, 1, metrics="internal_port", internal_port=8426),
            _component("vmagent", 8429, 1),
            _component("blackbox", 9115),
            _component("prometheus_receiver", 9091),
            _component("grafana", 3000),
            _component("vmalert", 8880, 1),
            _component("alertmanager", 9093),
            _component("node_exporter", 9100),
            _component("mock_exporter", 9200),
        )
    }
)

REGION_SETTINGS = (
    "clusters",
    "gateway_addresses",
    "gateway_url",
    "probe_targets",
    "replication_factor",
)

_REGION_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CLUSTER_NAME = re.compile(r"(?P<region>.+)-eks-[0-9]+-(?P<env>[a-z]+)")
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")


@dataclass(frozen=True, slots=True)
class Region:
    """A declared region and what its settings state. What is stated wins over what is derived."""

    name: str
    replication_factor: int = DEFAULT_REPLICATION_FACTOR
    gateway_url: str | None = None
    gateway_addresses: tuple[str, ...] = ()
    probe_targets: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    """Availability zone by cluster, for clusters whose agents are in another inventory."""

    @property
    def group(self) -> str:
        """The inventory group that holds the region's hosts."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `group_vars/all.yml` says about the fleet as a whole."""

    topology: str
    storage_region: str
    """The region that stores every region's metrics; empty in a federated fleet, and where it
    is not known."""
    regions: Mapping[str, Region]


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


class HostVariables(Mapping[str, Mapping[str, object]]):
    """Variables by host, each host's read once: Ansible builds them anew at every access."""

    def __init__(self, hostvars: Mapping[str, Mapping[str, object]]) -> None:
        self._hostvars = hostvars
        self._read: dict[str, Mapping[str, object]] = {}

    def __getitem__(self, host: str) -> Mapping[str, object]:
        if host not in self._read:
            self._read[host] = self._hostvars[host]
        return self._read[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)


@dataclass(frozen=True, slots=True)
class Fleet:
    """An inventory, indexed by region and component. No host's variables are read to build it."""

    settings: Settings
    groups: Mapping[str, tuple[str, ...]]
    variables: HostVariables
    regions_of: Mapping[str, tuple[str, ...]]
    """Region names by host."""
    placement: Mapping[tuple[str, str], tuple[str, ...]]
    """Sorted hosts by (region, component)."""

    def region(self, name: str) -> Region:
        """The declared region of that name. Raises TopologyError."""
        try:
            return self.settings.regions[name]
        except KeyError:
            raise TopologyError(
                f"region '{name}' is not declared; declared: {_listed(self.settings.regions)}"
            ) from None

    def hosts(self, region: str, component: str) -> tuple[str, ...]:
        """Sorted hosts of a region that carry a component."""
        return self.placement.get((region, component), ())

    def all_hosts(self, component: str) -> tuple[str, ...]:
        """Sorted hosts of the whole fleet that carry a component."""
        return self.groups.get(component, ())


def read_fleet(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, object]],
    host: str,
) -> Fleet:
    """Read a fleet; its settings come from the variables of `host`. Raises TopologyError."""
    variables = HostVariables(hostvars)
    settings, problems = parse_settings(variables[host])
    if settings is None or problems:
        raise TopologyError("; ".join(problems))
    return index_fleet(groups, variables, settings)


def index_fleet(
    groups: Mapping[str, Sequence[str]], variables: HostVariables, settings: Settings
) -> Fleet:
    """Index groups by region and component, in one pass over their members."""
    # `format` also strips the tags and lazy wrappers that ansible-core 2.19 puts on its values.
    members = {
        f"{name}": tuple(sorted({f"{host}" for host in hosts})) for name, hosts in groups.items()
    }
    regions_of: dict[str, tuple[str, ...]] = {}
    for region in sorted(settings.regions):
        for host in members.get(settings.regions[region].group, ()):
            regions_of[host] = (*regions_of.get(host, ()), region)
    placement: dict[tuple[str, str], list[str]] = {}
    for component in COMPONENTS:
        for host in members.get(component, ()):
            for region in regions_of.get(host, ()):
                placement.setdefault((region, component), []).append(host)
    return Fleet(
        settings=settings,
        groups=members,
        variables=variables,
        regions_of=regions_of,
        placement={key: tuple(hosts) for key, hosts in placement.items()},
    )


def parse_settings(variables: Mapping[str, object]) -> tuple[Settings | None, list[str]]:
    """Parse the fleet's settings, and list every problem in them, one line each.

    Settings come back whenever there are regions to go on with, so that preflight can report
    the problems of the hosts in the same run.
    """
    problems: list[str] = []
    topology = _text(variables.get("meridian_topology"))
    if topology not in TOPOLOGIES:
        problems.append(f"meridian_topology is '{topology}'; write one of: {', '.join(TOPOLOGIES)}")
    declared = variables.get("meridian_regions")
    if not isinstance(declared, Mapping) or not declared:
        problems.append(
            "meridian_regions declares no region; write one key per region in group_vars/all.yml, "
            "such as 'us-east-1: {}'"
        )
        return None, problems
    factor = _replication_factor(
        variables.get("meridian_replication_factor", DEFAULT_REPLICATION_FACTOR),
        "meridian_replication_factor",
        problems,
    )
    regions: dict[str, Region] = {}
    for key in sorted(declared, key=_text):
        name = _text(key)
        if _REGION_NAME.fullmatch(name):
            regions[name] = _region(name, declared[key], factor, problems)
        else:
            problems.append(
                f"region '{name}' in meridian_regions is no region name; write lower-case letters, "
                "digits and '-', such as us-east-1"
            )
    storage_region = ""
    if topology == CENTRALIZED:
        storage_region = _text(variables.get("meridian_storage_region"))
        if not storage_region:
            problems.append(
                "meridian_storage_region is not set; a centralized fleet needs one of: "
                + _listed(regions)
            )
        elif storage_region not in regions:
            problems.append(
                f"storage region '{storage_region}' is not declared; declared: {_listed(regions)}"
            )
            storage_region = ""
    return Settings(topology, storage_region, regions), problems


def _region(name: str, stated: object, factor: int, problems: list[str]) -> Region:
    place = f"meridian_regions['{name}']"
    if stated is None:
        stated = {}
    if not isinstance(stated, Mapping):
        problems.append(f"{place} is '{_text(stated)}'; write a mapping, or {{}} for no settings")
        stated = {}
    for key in sorted(map(_text, stated)):
        if key not in REGION_SETTINGS:
            problems.append(
                f"{place} has the unknown key '{key}'; known: {', '.join(REGION_SETTINGS)}"
            )
    url = _text(stated.get("gateway_url"))
    if url and not _URL.fullmatch(url):
        problems.append(
            f"{place}.gateway_url is '{url}'; write a URL, such as https://metrics.example/"
        )
    addresses = _texts(stated.get("gateway_addresses"), f"{place}.gateway_addresses", problems)
    for address in addresses:
        if not is_ip(address):
            problems.append(
                f"{place}.gateway_addresses has '{address}', which is no IP address, and "
                "/etc/hosts needs one; write the IP address, or state gateway_url"
            )
    targets = _texts(stated.get("probe_targets"), f"{place}.probe_targets", problems)
    for target in targets:
        if not _URL.fullmatch(target):
            problems.append(
                f"{place}.probe_targets has '{target}', which is no URL; write one, such as "
                "http://10.0.0.1:9115/-/healthy"
            )
    return Region(
        name=name,
        replication_factor=_replication_factor(
            stated.get("replication_factor", factor), f"{place}.replication_factor", problems
        ),
        gateway_url=url.rstrip("/") or None,
        gateway_addresses=tuple(sorted(set(addresses))),
        probe_targets=tuple(sorted(set(targets))),
        clusters=_clusters(name, stated.get("clusters"), f"{place}.clusters", problems),
    )


def _replication_factor(value: object, place: str, problems: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return int(value)
    problems.append(f"{place} is '{_text(value)}'; write a whole number of 1 or more")
    return 1


def _texts(value: object, place: str, problems: list[str]) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_text(item) for item in value]
    problems.append(f"{place} is '{_text(value)}'; write a list")
    return []


def _clusters(region: str, value: object, place: str, problems: list[str]) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(
            f"{place} is '{_text(value)}'; write a mapping of cluster to availability zone, "
            f"such as '{region}-eks-01-prod: {region}a'"
        )
        return {}
    clusters = {_text(cluster): _text(zone) for cluster, zone in value.items()}
    for cluster in sorted(clusters):
        problem = cluster_problem(cluster, region, None)
        if problem:
            problems.append(f"{place} has the cluster '{cluster}', {problem}")
    return clusters


def cluster_problem(cluster: str, region: str, env: str | None) -> str | None:
    """Say what is wrong with a cluster's name, given its region and (if known) its env."""
    match = _CLUSTER_NAME.fullmatch(cluster)
    known_env = env or (match["env"] if match and match["env"] in ENVIRONMENTS else None)
    if match and match["region"] == region and match["env"] == known_env:
        return None
    return f"which is not named {region}-eks-<number>-{known_env or '<env>'}"


def region_of(fleet: Fleet, host: str) -> str:
    """The one region of a host. Raises TopologyError when it is in none or in several."""
    regions = fleet.regions_of.get(host, ())
    if len(regions) == 1:
        return regions[0]
    raise TopologyError(region_problem(fleet, host))


def region_problem(fleet: Fleet, host: str) -> str:
    """Say what is wrong with the regions of a host that is not in exactly one."""
    regions = fleet.regions_of.get(host, ())
    if regions:
        return f"host '{host}' is in the regions {_listed(regions)}; keep it in one region's group"
    expected = _listed(region.group for region in fleet.settings.regions.values())
    others = [
        group
        for group, hosts in sorted(fleet.groups.items())
        if host in hosts and group not in COMPONENTS and group not in ("all", "ungrouped")
    ]
    if others:
        return (
            f"host '{host}' is in no declared region, only in the group {_listed(others)}; "
            f"declare its region in meridian_regions, or put it in one of the groups: {expected}"
        )
    return f"host '{host}' is in no region; put it in one of the groups: {expected}"


def storage_region_of(fleet: Fleet, region: str) -> str:
    """The region that stores a region's metrics. Raises TopologyError."""
    return fleet.settings.storage_region or fleet.region(region).name


def storage_region(fleet: Fleet, host: str) -> str:
    """The region that stores a host's metrics. Raises TopologyError."""
    return storage_region_of(fleet, region_of(fleet, host))


def replication_factor(fleet: Fleet, host: str) -> int:
    """In how many storage nodes of a host's region every sample is kept."""
    return fleet.region(region_of(fleet, host)).replication_factor


def storage_nodes(fleet: Fleet, host: str, purpose: str) -> list[str]:
    """Sorted `address:port` of the vmstorage nodes of a host's region.

    `purpose` is 'insert' for the port that vminsert connects to, 'select' for vmselect's.
    """
    if purpose not in ("insert", "select"):
        raise TopologyError(f"purpose '{purpose}' is unknown; write 'insert' or 'select'")
    region = region_of(fleet, host)
    nodes = fleet.hosts(region, "vmstorage")
    if not nodes:
        raise TopologyError(
            f"region '{region}' has no vmstorage host; put its storage nodes in the group vmstorage"
        )
    return [endpoint(fleet, node, "vmstorage", f"vmstorage_{purpose}_port") for node in nodes]


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


def clusters_of(fleet: Fleet, region: str) -> list[Labels]:
    """The labels of every cluster of a region, sorted by cluster.

    A cluster comes from its agent's host or, where that is in another inventory, from the
    region's `clusters` setting.
    """
    stated = {
        cluster: Labels(
            env=cluster.rpartition("-")[2],
            region=region,
            storage_region=storage_region_of(fleet, region),
            cluster=cluster,
            availability_zone=zone,
        )
        for cluster, zone in fleet.region(region).clusters.items()
    }
    agents = [agent_labels(fleet, host) for host in fleet.hosts(region, "vmagent")]
    clusters = stated | {labels.cluster: labels for labels in agents}
    return [clusters[cluster] for cluster in sorted(clusters)]


def storage_regions(fleet: Fleet) -> list[str]:
    """The sorted regions that store metrics."""
    return sorted({storage_region_of(fleet, region) for region in fleet.settings.regions})


def memory_percent(fleet: Fleet, host: str, component: str) -> int:
    """A program's share of its host's memory in percent; all shares on a host sum to 60 or less.

    60 is what a VictoriaMetrics program takes for its caches when it has the host to itself.
    """
    weights = {
        name: each.memory_weight
        for name, each in COMPONENTS.items()
        if each.memory_weight and host in fleet.all_hosts(name)
    }
    if component not in weights:
        raise TopologyError(
            f"component '{component}' has no share of the memory of host '{host}'; sharing it: "
            f"{_listed(weights)}"
        )
    return max(1, 60 * weights[component] // sum(weights.values()))


def address(fleet: Fleet, host: str) -> str:
    """Where other hosts reach a host: meridian_address, else ansible_host, else its name."""
    variables = fleet.variables[host]
    return (
        _text(variables.get("meridian_address"))
        or _text(variables.get("ansible_host"))
        or f"{host}"
    )


def port(fleet: Fleet, host: str, component: str, name: str = "") -> int:
    """A port of a component on a host; `name` is the port's variable, the main port by default."""
    ports = COMPONENTS[component].ports
    name = name or next(iter(ports))
    value = fleet.variables[host].get(name, ports[name])
    try:
        number = int(_text(value))
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise TopologyError(
            f"{name} of host '{host}' is '{_text(value)}'; write a port from 1 to 65535"
        )
    return number


def endpoint(fleet: Fleet, host: str, component: str, name: str = "") -> str:
    """`address:port` of a component on a host."""
    return authority(address(fleet, host), port(fleet, host, component, name))


def authority(host: str, number: int) -> str:
    """`host:port`, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def variable(fleet: Fleet, host: str, name: str) -> str:
    """A variable that a host must state. Raises TopologyError when it is missing or empty."""
    value = optional_variable(fleet, host, name)
    if not value:
        raise TopologyError(f"host '{host}' has no {name}; state it in the inventory")
    return value


def optional_variable(fleet: Fleet, host: str, name: str) -> str:
    """A host's variable as text, empty when it is missing."""
    return _text(fleet.variables[host].get(name))


def is_ip(value: str) -> bool:
    """Whether a value is an IPv4 or IPv6 address."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _text(value: object) -> str:
    # `format` gives a plain str, without the tags that ansible-core 2.19 puts on its values.
    return "" if value is None else f"{value}"


def _listed(values: Mapping[str, object] | Iterator[str] | Sequence[str]) -> str:
    return ", ".join(sorted(values)) or "none"
