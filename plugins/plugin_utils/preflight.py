# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with an inventory: every problem at once, found before any host is touched.

An error is what would make a run fail, lose samples or mix up series. A warning is what works and
is probably not wanted. Each is one line that names the host, group or variable and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ansible_collections.meridian.metrics.plugins.plugin_utils.backups import (
    backup_errors,
    backup_warnings,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import (
    ENVIRONMENTS,
    cluster_problem,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.gate import timeout_errors
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_addresses,
    not_an_ip,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import (
    view_errors,
    view_warnings,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import receiver_labels
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import restriction_problem
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    copied_to,
    stores,
    written_by,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import probe_targets
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import (
    FEDERATED,
    is_ip,
    parse_settings,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    CARRIED,
    COMPONENTS,
    Fleet,
    HostVariables,
    TopologyError,
    address,
    index_fleet,
    optional_variable,
    port,
    region_problem,
    storage_region_of,
    storage_regions,
    unwritten_problem,
    written_nodes,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel import (
    tunnel_errors,
    tunnel_warnings,
)

# How alike a group's name must be to a component's to be taken for a misspelling of it.
_ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class Problems:
    """Problems in the order in which they are found."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def fleet_problems(
    groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Mapping[str, object]], host: str
) -> dict[str, list[str]]:
    """Every error and warning of an inventory, whose settings are read from `host`'s variables."""
    variables = HostVariables(hostvars)
    settings, errors = parse_settings(variables[host])
    if settings is None:
        return {"errors": errors, "warnings": []}
    fleet = index_fleet(groups, variables, settings)
    found = Problems(errors=errors)
    _groups(fleet, found)
    _regions(fleet, found)
    _agents(fleet, found)
    _receivers(fleet, found)
    _alerting(fleet, found)
    _ports(fleet, found)
    found.errors.extend(timeout_errors(variables[host]))
    found.errors.extend(backup_errors(fleet))
    found.warnings.extend(backup_warnings(fleet))
    found.errors.extend(view_errors(fleet))
    found.warnings.extend(view_warnings(fleet))
    found.errors.extend(tunnel_errors(fleet))
    found.warnings.extend(tunnel_warnings(fleet))
    if settings.topology == FEDERATED or settings.storage_region:
        _storage(fleet, found)
        _gateways(fleet, found)
        _probes(fleet, host, found)
    return {"errors": found.errors, "warnings": found.warnings}


def _groups(fleet: Fleet, found: Problems) -> None:
    by_group: dict[str, list[str]] = {}
    for region in fleet.settings.regions.values():
        by_group.setdefault(region.group, []).append(region.name)
    for group in sorted(set(fleet.groups) - set(CARRIED) - set(by_group)):
        for nearest in get_close_matches(group, CARRIED, n=1, cutoff=_ALIKE):
            found.errors.append(
                f"group '{group}' is no component; rename it to '{nearest}', or to something else "
                "if that is not meant"
            )


def _regions(fleet: Fleet, found: Problems) -> None:
    carriers = {each for component in CARRIED for each in fleet.all_hosts(component)}
    found.errors.extend(
        region_problem(fleet, each)
        for each in sorted(carriers)
        if len(fleet.regions_of.get(each, ())) != 1
    )


def _storage(fleet: Fleet, found: Problems) -> None:
    storing = stores(fleet)
    for region in sorted(fleet.settings.regions):
        if not fleet.groups.get(fleet.region(region).group):
            continue  # another team's inventory
        singles = fleet.hosts(region, "vmsingle")
        nodes = fleet.hosts(region, "vmstorage")
        if region in storing and not singles and not nodes:
            found.errors.append(_no_storage(fleet, region))
        if region not in storing and (singles or nodes):
            found.warnings.append(
                f"region '{region}' has storage ({_listed((*singles, *nodes))}) that nothing "
                f"writes to; its metrics are stored in '{storage_region_of(fleet, region)}'"
            )
        if singles and nodes:
            found.errors.append(
                f"region '{region}' has both vmsingle ({_listed(singles)}) and vmstorage "
                f"({_listed(nodes)}); keep one of the two"
            )
        if len(singles) > 1:
            found.errors.append(
                f"region '{region}' has {len(singles)} vmsingle hosts ({_listed(singles)}), which "
                "share no data; keep one, or use vmstorage, vminsert and vmselect"
            )
        _cluster(fleet, region, found)


def _no_storage(fleet: Fleet, region: str) -> str:
    if fleet.settings.topology == FEDERATED:
        return (
            f"region '{region}' has no storage, and a federated fleet stores in every region; put "
            "a host of it in the group vmsingle, or hosts in vmstorage, vminsert and vmselect"
        )
    copied = copied_to(fleet, region)
    if region not in storage_regions(fleet) and copied:
        return (
            f"region '{region}' has no storage, and the replication of {_listed(copied)} names it; "
            "put a host of it in the group vmsingle, or hosts in vmstorage, vminsert and vmselect, "
            "or name another region"
        )
    return (
        f"storage region '{region}' has no storage; put a host of it in the group vmsingle, or "
        "hosts in vmstorage, vminsert and vmselect"
    )


def _cluster(fleet: Fleet, region: str, found: Problems) -> None:
    placed = {name: fleet.hosts(region, name) for name in ("vmstorage", "vminsert", "vmselect")}
    missing = [name for name, hosts in placed.items() if not hosts]
    if len(missing) == len(placed):
        return
    found.errors.extend(
        f"region '{region}' has {_listed(name for name in placed if name not in missing)} and no "
        f"{name}; put a host of it in the group {name}"
        for name in missing
    )
    if placed["vmstorage"]:
        _replication(fleet, region, found)


def _replication(fleet: Fleet, region: str, found: Problems) -> None:
    nodes = fleet.hosts(region, "vmstorage")
    try:
        written = written_nodes(fleet, region)
    except TopologyError:
        return  # a value that the role's arguments do not allow, reported with them
    if not written:
        found.errors.append(unwritten_problem(fleet, region))
        return
    factor = fleet.region(region).replication_factor
    wanted = 2 * factor - 1
    unwritten = sorted(set(nodes) - set(written))
    hosts = f"vmstorage hosts{' that are written to' if unwritten else ''}"
    others = f", not {_listed(unwritten)}" if unwritten else ""
    if factor > len(written):
        found.errors.append(
            f"replication factor {factor} of region '{region}' is above its number of {hosts}, "
            f"{len(written)}{others}; add hosts, or lower the factor"
        )
    elif len(written) < wanted:
        found.warnings.append(
            f"region '{region}' has {len(written)} {hosts}{others and ' (' + others[2:] + ')'} for "
            f"replication factor {factor}; with fewer than {wanted}, samples written while one is "
            "down are not fully replicated"
        )


def _gateways(fleet: Fleet, found: Problems) -> None:
    clients = bool(fleet.all_hosts("vmagent") or fleet.all_hosts("grafana"))
    for name in sorted(fleet.settings.regions):
        region = fleet.region(name)
        gateways = fleet.hosts(name, "vmauth")
        if gateways:
            _gateway_hosts(fleet, name, gateways, found)
        if name not in stores(fleet) or region.gateway_url or not clients:
            continue
        addresses = gateway_addresses(fleet, name)
        if not addresses and _reached(fleet, name):
            found.errors.append(
                f"storage region '{name}' has no gateway in this inventory; put hosts of it in the "
                "group vmauth, or state gateway_addresses or gateway_url in "
                f"meridian_regions['{name}']"
            )
        if len(addresses) == 1:
            found.warnings.append(
                f"storage region '{name}' has one gateway, {addresses[0]}; with a second one, "
                "clients write and read on while one is down"
            )
        if not region.gateway_addresses:
            found.errors.extend(not_an_ip(name, each) for each in addresses if not is_ip(each))


def _reached(fleet: Fleet, region: str) -> bool:
    """Whether a host of this inventory writes to a region or reads from it."""
    return bool(fleet.all_hosts("grafana")) or any(
        fleet.hosts(other, "vmagent") for other in written_by(fleet, region)
    )


def _gateway_hosts(fleet: Fleet, name: str, gateways: tuple[str, ...], found: Problems) -> None:
    region = fleet.region(name)
    if not fleet.hosts(name, "vmsingle") and not fleet.hosts(name, "vminsert"):
        found.errors.append(
            f"region '{name}' has gateways ({_listed(gateways)}) and no storage behind them; "
            "remove them from the group vmauth, or add storage to the region"
        )
    derived = {address(fleet, each) for each in gateways}
    if region.gateway_addresses and set(region.gateway_addresses) != derived:
        found.warnings.append(
            f"gateway_addresses in meridian_regions['{name}'] are "
            f"{_listed(region.gateway_addresses)}, but its vmauth hosts are at "
            f"{_listed(derived)}; what is stated is used"
        )
    numbers = {_port(fleet, each, "vmauth", "vmauth_port", []) for each in gateways} - {0}
    if len(numbers) > 1:
        found.errors.append(
            f"the gateways of region '{name}' listen on different ports, "
            f"{_listed(map(str, numbers))}; give their vmauth_port one value"
        )
    if name in stores(fleet):
        found.errors.extend(
            f"region '{other}' writes to '{name}', and none of its clusters is in this inventory; "
            f"add its hosts, or state its clusters in meridian_regions['{other}']"
            for other in written_by(fleet, name)
            if not fleet.hosts(other, "vmagent")
            and not fleet.groups.get(fleet.region(other).group)
            and not fleet.region(other).clusters
        )


def _agents(fleet: Fleet, found: Problems) -> None:
    by_cluster: dict[str, list[str]] = {}
    for region in sorted(fleet.settings.regions):
        agents = fleet.hosts(region, "vmagent")
        carriers = {each for component in COMPONENTS for each in fleet.hosts(region, component)}
        if carriers and not agents:
            found.warnings.append(
                f"region '{region}' has no vmagent, so nothing scrapes its hosts; put one of them "
                "in the group vmagent"
            )
        for agent in agents:
            if len(fleet.regions_of[agent]) > 1:
                continue  # which region it belongs to has to be settled first
            cluster = _agent(fleet, agent, region, found)
            if cluster:
                by_cluster.setdefault(cluster, []).append(agent)
    found.errors.extend(
        f"cluster '{cluster}' is stated by the agents {_listed(agents)}; give each agent a cluster "
        "of its own"
        for cluster, agents in sorted(by_cluster.items())
        if len(agents) > 1
    )


def _agent(fleet: Fleet, agent: str, region: str, found: Problems) -> str:
    """Check what a vmagent host states, and return its cluster."""
    values = {
        name: optional_variable(fleet, agent, name)
        for name in ("cluster", "env", "availability_zone")
    }
    examples = {
        "cluster": f"{region}-eks-01-prod",
        "env": ", ".join(ENVIRONMENTS),
        "availability_zone": f"{region}a",
    }
    found.errors.extend(
        f"agent '{agent}' has no {name}; state it in the inventory, such as {examples[name]}"
        for name, value in values.items()
        if not value
    )
    env = values["env"]
    if env and env not in ENVIRONMENTS:
        found.errors.append(
            f"env '{env}' of agent '{agent}' is unknown; write one of: {', '.join(ENVIRONMENTS)}"
        )
        env = ""
    if values["cluster"]:
        problem = cluster_problem(values["cluster"], region, env or None)
        if problem:
            found.errors.append(f"agent '{agent}' has the cluster '{values['cluster']}', {problem}")
    return values["cluster"]


def _receivers(fleet: Fleet, found: Problems) -> None:
    zones: dict[str, set[str]] = {}
    for region in sorted(fleet.settings.regions):
        for receiver in fleet.hosts(region, "prometheus_receiver"):
            if len(fleet.regions_of[receiver]) > 1:
                continue  # which region it belongs to has to be settled first
            refused = restriction_problem(fleet.variables[receiver])
            if refused:
                found.errors.append(f"receiver '{receiver}': {refused}")
            try:
                labels = receiver_labels(fleet, receiver)
            except TopologyError:
                found.errors.append(
                    f"receiver '{receiver}' has no availability_zone; state it in the inventory, "
                    f"such as {region}a"
                )
                continue
            if labels.env not in ENVIRONMENTS:
                found.errors.append(
                    f"prometheus_receiver_env '{labels.env}' of receiver '{receiver}' is unknown; "
                    f"write one of: {', '.join(ENVIRONMENTS)}"
                )
                continue
            problem = cluster_problem(labels.cluster, region, labels.env, legacy=True)
            if problem:
                found.errors.append(
                    f"receiver '{receiver}' has the cluster '{labels.cluster}', {problem}"
                )
            zones.setdefault(labels.cluster, set()).add(labels.availability_zone)
    found.errors.extend(
        f"cluster '{cluster}' has receivers in the availability zones {_listed(values)}, and the "
        "gateway writes one for each cluster; state prometheus_receiver_cluster for one of them"
        for cluster, values in sorted(zones.items())
        if len(values) > 1
    )


def _alerting(fleet: Fleet, found: Problems) -> None:
    rules = fleet.all_hosts("vmalert")
    if rules and not fleet.all_hosts("alertmanager"):
        found.warnings.append(
            f"alerts of vmalert on {_listed(rules)} go nowhere; put two hosts in the group "
            "alertmanager"
        )


def _ports(fleet: Fleet, found: Problems) -> None:
    carried: dict[str, list[str]] = {}
    for component in COMPONENTS:
        for each in fleet.all_hosts(component):
            carried.setdefault(each, []).append(component)
    for each in sorted(carried):
        taken: dict[int, str] = {}
        for component in carried[each]:
            for name in COMPONENTS[component].ports:
                number = _port(fleet, each, component, name, found.errors)
                if number and number in taken:
                    found.errors.append(
                        f"{taken[number]} and {name} are both {number} on host '{each}'; give one "
                        "of them another port"
                    )
                taken.setdefault(number, name)


def _port(fleet: Fleet, host: str, component: str, name: str, errors: list[str]) -> int:
    """A port, or 0 when it cannot be read, which is then added to `errors`."""
    try:
        return port(fleet, host, component, name)
    except TopologyError as error:
        errors.append(f"{error}")
        return 0


def _probes(fleet: Fleet, host: str, found: Problems) -> None:
    if len(fleet.settings.regions) == 1:
        return
    probers = {name for name in fleet.settings.regions if fleet.hosts(name, "blackbox")}
    for region in sorted(fleet.settings.regions):
        present = bool(fleet.groups.get(fleet.region(region).group))
        if present and region not in probers:
            found.warnings.append(
                f"region '{region}' has no blackbox exporter, so it probes no other region; put "
                "one of its hosts in the group blackbox"
            )
        if not probers - {region}:
            continue
        try:
            targets = probe_targets(fleet, region, host)
        except TopologyError:
            continue  # a port that cannot be read, reported already
        if not targets:
            found.errors.append(
                f"region '{region}' has nothing that other regions can probe; put one of its hosts "
                f"in the group blackbox, or state probe_targets in meridian_regions['{region}']"
            )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
