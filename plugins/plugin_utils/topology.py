# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The model of a fleet: regions, their hosts and components, and where their metrics are stored.

Everything else (routes, scrapes, probes, the gateway's configuration, preflight, the plan) is
derived from a `Fleet`, which is read from an inventory's groups and the few host variables of the
hosts that are asked about. Group names, port variables and default ports live only here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import FINISH
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import (
    Region,
    Settings,
    listed,
    parse_settings,
    text,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel_addresses import (
    DEFAULT_NETWORK,
    derived_address,
    tunnel_network,
)

DOMAIN = "meridian.internal"


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
            # The second port is for the vmselect of all regions; not 8401, which a vmstorage has.
            _component("vmselect", 8481, 3, clusternative_port=8411),
            _component("vmselect_global", 8491, 3, link_port=8492, link_metrics_port=8493),
            _component("vmsingle", 8428, 6),
            # /metrics is kept off the door that clients use.
            _component("vmauth", 8427, 1, metrics="internal_port", internal_port=8426),
            _component("vmagent", 8429, 1),
            _component("blackbox", 9115),
            # One door; what stands behind it moves to the other ports.
            _component(
                "prometheus_receiver", 9091, agent_port=9092, prometheus_port=9090, guard_port=8405
            ),
            _component("grafana", 3000),
            _component("vmalert", 8880, 1),
            _component("alertmanager", 9093, cluster_port=9094),
            _component("node_exporter", 9100),
            # Its main port is of UDP.
            _component("wireguard", 51820, metrics="metrics_port", metrics_port=9586),
            _component("mock_exporter", 9200),
        )
    }
)

# Work on a host to which nobody connects: it has a group, and neither a port nor a memory share.
JOBS = ("vmbackup",)
# What a group is named after that says what its hosts carry.
CARRIED = (*COMPONENTS, *JOBS)

# The variable of a host that hosts of other regions reach by a tunnel.
TUNNEL_ADDRESS = "meridian_tunnel_address"
# The variable of the network that hosts of the group wireguard have their tunnel addresses in.
TUNNEL_NETWORK = "meridian_tunnel_network"
# The variable of a wireguard host that the others find at another address than its own.
TUNNEL_ENDPOINT = "wireguard_endpoint"

# The variable of a vmstorage host that vminserts do not write to, and that vmselects still read.
WRITES = "vmstorage_writes"
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}

# Every host of a region carries it, unless the inventory has a group of that name.
ON_EVERY_HOST = "node_exporter"


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
                f"region '{name}' is not declared; declared: {listed(self.settings.regions)}"
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
    members.setdefault(ON_EVERY_HOST, tuple(sorted(regions_of)))
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


def carries(fleet: Fleet, host: str, component: str) -> bool:
    """Whether a host carries a component, by its group or because every host does."""
    return host in fleet.all_hosts(component)


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
        return f"host '{host}' is in the regions {listed(regions)}; keep it in one region's group"
    expected = listed(region.group for region in fleet.settings.regions.values())
    others = [
        group
        for group, hosts in sorted(fleet.groups.items())
        if host in hosts and group not in CARRIED and group not in ("all", "ungrouped")
    ]
    if others:
        return (
            f"host '{host}' is in no declared region, only in the group {listed(others)}; "
            f"declare its region in meridian_regions, or put it in one of the groups: {expected}"
        )
    return f"host '{host}' is in no region; put it in one of the groups: {expected}"


def storage_region_of(fleet: Fleet, region: str) -> str:
    """The region that stores a region's metrics. Raises TopologyError.

    On the way to a federated fleet that is the old one to the end, so that what both get has the
    same labels.
    """
    own = fleet.region(region).name
    migration = fleet.settings.migration
    if migration and migration.moves(own) and not migration.reached(FINISH):
        return migration.origin
    return fleet.settings.storage_region or own


def storage_region(fleet: Fleet, host: str) -> str:
    """The region that stores a host's metrics. Raises TopologyError."""
    return storage_region_of(fleet, region_of(fleet, host))


def replication_factor(fleet: Fleet, host: str) -> int:
    """In how many storage nodes of a host's region every sample is kept."""
    return fleet.region(region_of(fleet, host)).replication_factor


def storage_nodes(fleet: Fleet, host: str, purpose: str, without: str = "") -> list[str]:
    """Sorted `address:port` of the vmstorage nodes of a host's region.

    `purpose` is 'insert' for the port that vminsert connects to, on the nodes that are written to,
    'select' for vmselect's, on all of them. `without` leaves out one host. Raises TopologyError.
    """
    if purpose not in ("insert", "select"):
        raise TopologyError(f"purpose '{purpose}' is unknown; write 'insert' or 'select'")
    region = region_of(fleet, host)
    nodes = fleet.hosts(region, "vmstorage")
    if not nodes:
        raise TopologyError(
            f"region '{region}' has no vmstorage host; put its storage nodes in the group vmstorage"
        )
    if purpose == "insert":
        nodes = written_nodes(fleet, region)
        if not nodes:
            raise TopologyError(unwritten_problem(fleet, region))
    return [
        endpoint(fleet, node, "vmstorage", f"vmstorage_{purpose}_port")
        for node in nodes
        if node != without
    ]


def written_nodes(fleet: Fleet, region: str) -> tuple[str, ...]:
    """Sorted vmstorage hosts of a region that vminserts write to. Raises TopologyError."""
    return tuple(each for each in fleet.hosts(region, "vmstorage") if is_written(fleet, each))


def is_written(fleet: Fleet, host: str) -> bool:
    """Whether vminserts write to a vmstorage host, as its variable says. Raises TopologyError."""
    value = text(fleet.variables[host].get(WRITES, True)).lower()
    if value not in _BOOLEANS:
        raise TopologyError(f"{WRITES} of host '{host}' is '{value}'; write true or false")
    return _BOOLEANS[value]


def unwritten_problem(fleet: Fleet, region: str) -> str:
    """Say that a region's cluster has no node to write to."""
    return (
        f"no vmstorage host of region '{region}' is written to; remove {WRITES} from hosts of "
        f"{listed(fleet.hosts(region, 'vmstorage'))}"
    )


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
            f"{listed(weights)}"
        )
    return max(1, 60 * weights[component] // sum(weights.values()))


def address(fleet: Fleet, host: str) -> str:
    """Where other hosts reach a host: meridian_address, else ansible_host, else its name."""
    variables = fleet.variables[host]
    return (
        text(variables.get("meridian_address")) or text(variables.get("ansible_host")) or f"{host}"
    )


def address_from(fleet: Fleet, host: str, asking_region: str) -> str:
    """Where hosts of a region reach a host: from another region, its end of a tunnel if it has one.

    Raises TopologyError when the host is in no region or in several.
    """
    if region_of(fleet, host) == asking_region:
        return address(fleet, host)
    return tunnel_address(fleet, host) or address(fleet, host)


def tunnel_address(fleet: Fleet, host: str) -> str:
    """A host's end of a tunnel: the one that it states, else one derived for hosts of the group
    wireguard; empty for a host without a tunnel. Raises TopologyError.
    """
    stated = optional_variable(fleet, host, TUNNEL_ADDRESS)
    if stated or host not in fleet.all_hosts("wireguard"):
        return stated
    try:
        network = tunnel_network(optional_variable(fleet, host, TUNNEL_NETWORK) or DEFAULT_NETWORK)
    except ValueError as error:
        raise TopologyError(f"{TUNNEL_NETWORK} is {error}") from None
    return f"{derived_address(network, host)}"


def port(fleet: Fleet, host: str, component: str, name: str = "") -> int:
    """A port of a component on a host; `name` is the port's variable, the main port by default."""
    ports = COMPONENTS[component].ports
    name = name or next(iter(ports))
    value = fleet.variables[host].get(name, ports[name])
    try:
        number = int(text(value))
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise TopologyError(
            f"{name} of host '{host}' is '{text(value)}'; write a port from 1 to 65535"
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
    return text(fleet.variables[host].get(name))
