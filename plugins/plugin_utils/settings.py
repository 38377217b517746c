# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `group_vars/all.yml` says about a fleet: its topology and its regions' settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import (
    cluster_problem,
    is_legacy,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import (
    FINISH,
    Migration,
    parse_migration,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.replication import (
    NONE,
    Replication,
    parse_replication,
    target_problem,
)

CENTRALIZED = "centralized"
FEDERATED = "federated"
TOPOLOGIES = (CENTRALIZED, FEDERATED)
DEFAULT_REPLICATION_FACTOR = 2

REGION_SETTINGS = (
    "clusters",
    "gateway_addresses",
    "gateway_url",
    "probe_targets",
    "replication",
    "replication_factor",
    "series",
)

# Declares one region in the inventory file of its own: meridian_region_us_east_1.
REGION_PREFIX = "meridian_region_"
_REGION_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
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
    replication: Replication = field(default_factory=Replication)
    """What its writers send to a second region too."""
    series: int | None = None
    """How many series its writers have, for the plan's estimate."""

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
    migration: Migration | None = None
    """Where it is on its way from a centralized fleet; None when it is on none."""


def parse_settings(variables: Mapping[str, object]) -> tuple[Settings | None, list[str]]:
    """Parse the fleet's settings, and list every problem in them, one line each.

    Settings come back whenever there are regions to go on with, so that preflight can report
    the problems of the hosts in the same run.
    """
    problems: list[str] = []
    topology = text(variables.get("meridian_topology"))
    if topology not in TOPOLOGIES:
        problems.append(f"meridian_topology is '{topology}'; write one of: {', '.join(TOPOLOGIES)}")
    declared = _declared(variables, problems)
    if not declared:
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
    series = _series(variables.get("meridian_series"), "meridian_series", problems)
    regions: dict[str, Region] = {}
    for name, (place, stated) in sorted(declared.items()):
        if _REGION_NAME.fullmatch(name):
            regions[name] = _region(name, stated, factor, series, place, problems)
        else:
            problems.append(
                f"region '{name}' in meridian_regions is no region name; write lower-case letters, "
                "digits and '-', such as us-east-1"
            )
    storage_region = ""
    if topology == CENTRALIZED:
        storage_region = text(variables.get("meridian_storage_region"))
        if not storage_region:
            problems.append(
                "meridian_storage_region is not set; a centralized fleet needs one of: "
                + listed(regions)
            )
        elif storage_region not in regions:
            problems.append(
                f"storage region '{storage_region}' is not declared; declared: {listed(regions)}"
            )
            storage_region = ""
    problems += filter(
        None,
        (
            target_problem(
                region.replication,
                storage_region or name,
                regions,
                f"{declared[name][0]}.replication",
            )
            for name, region in regions.items()
        ),
    )
    migration = parse_migration(variables, topology == FEDERATED, regions, problems)
    if migration and not migration.reached(FINISH):
        problems += [
            f"{declared[name][0]}.replication is {region.replication.mode}, and the samples of "
            "regions are on their way to storage of their own; write none until the phase "
            f"{FINISH} of meridian_migration"
            for name, region in regions.items()
            if region.replication.mode != NONE
        ]
    return Settings(topology, storage_region, regions, migration), problems


def _declared(
    variables: Mapping[str, object], problems: list[str]
) -> dict[str, tuple[str, object]]:
    """Where each region is declared, and what is stated there."""
    together = variables.get("meridian_regions")
    found: dict[str, tuple[str, object]] = {}
    if isinstance(together, Mapping):
        for key, stated in together.items():
            found[text(key)] = (f"meridian_regions['{text(key)}']", stated)
    for key in sorted(text(each) for each in variables):
        if not key.startswith(REGION_PREFIX):
            continue
        name = key.removeprefix(REGION_PREFIX).replace("_", "-")
        if name in found:
            problems.append(
                f"region '{name}' is declared twice, by {found[name][0]} and by {key}; keep one"
            )
            continue
        found[name] = (key, variables[key])
    return found


def _region(
    name: str, stated: object, factor: int, series: int | None, place: str, problems: list[str]
) -> Region:
    if stated is None:
        stated = {}
    if not isinstance(stated, Mapping):
        problems.append(f"{place} is '{text(stated)}'; write a mapping, or {{}} for no settings")
        stated = {}
    for key in sorted(map(text, stated)):
        if key not in REGION_SETTINGS:
            problems.append(
                f"{place} has the unknown key '{key}'; known: {', '.join(REGION_SETTINGS)}"
            )
    url = text(stated.get("gateway_url"))
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
        replication=parse_replication(stated.get("replication"), f"{place}.replication", problems),
        series=_series(stated.get("series", series), f"{place}.series", problems),
    )


def _replication_factor(value: object, place: str, problems: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return int(value)
    problems.append(f"{place} is '{text(value)}'; write a whole number of 1 or more")
    return 1


def _series(value: object, place: str, problems: list[str]) -> int | None:
    if value is None:
        return None
    # Also as text, as --extra-vars give it.
    if text(value).isdecimal() and int(text(value)) >= 1:
        return int(text(value))
    problems.append(f"{place} is '{text(value)}'; write a number of series, such as 100000")
    return None


def _texts(value: object, place: str, problems: list[str]) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [text(item) for item in value]
    problems.append(f"{place} is '{text(value)}'; write a list")
    return []


def _clusters(region: str, value: object, place: str, problems: list[str]) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(
            f"{place} is '{text(value)}'; write a mapping of cluster to availability zone, "
            f"such as '{region}-eks-01-prod: {region}a'"
        )
        return {}
    clusters = {text(cluster): text(zone) for cluster, zone in value.items()}
    for cluster in sorted(clusters):
        problem = cluster_problem(cluster, region, None, legacy=is_legacy(cluster))
        if problem:
            problems.append(f"{place} has the cluster '{cluster}', {problem}")
    return clusters


def is_ip(value: str) -> bool:
    """Whether a value is an IPv4 or IPv6 address."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def text(value: object) -> str:
    """A value as plain text; nothing is empty."""
    # `format` gives a plain str, without the tags that ansible-core 2.19 puts on its values.
    return "" if value is None else f"{value}"


def listed(values: Iterable[str]) -> str:
    """Names as a sorted list for a message."""
    return ", ".join(sorted(values)) or "none"
