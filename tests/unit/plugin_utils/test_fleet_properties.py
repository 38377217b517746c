"""What holds for every fleet, shown on generated ones."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils import gateway, scraping, topology
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import clusters_of
from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventories,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# The jobs of a component with several programs.
JOBS = {
    "prometheus_receiver": ("prometheus_receiver", "prometheus"),
    "vmselect_global": ("vmselect_global", "vmselect_global_links"),
}
COMMON = settings(max_examples=60)


@COMMON
@given(inventories())
def test_a_generated_fleet_has_no_errors_but_small_clusters(made: Inventory) -> None:
    problems = fleet_problems(made.groups, made.hostvars, made.any_host)
    assert [each for each in problems["errors"] if not each.startswith("replication factor")] == []


@COMMON
@given(inventories())
def test_every_component_of_a_region_is_scraped_once_by_that_regions_agents(
    made: Inventory,
) -> None:
    fleet = made.fleet()
    scraped: Counter[tuple[str, str, str]] = Counter()
    for agent in made.groups["vmagent"]:
        for job in scraping.scrape_configs(fleet, agent):
            for static in _list(job["static_configs"]):
                key = (
                    fleet.regions_of[agent][0],
                    f"{job['job_name']}",
                    static["labels"]["instance"],
                )
                scraped[key] += 1
    assert scraped == {
        (region, job, host): 1
        for component in topology.COMPONENTS
        for host in made.groups.get(component, [])
        for region in fleet.regions_of[host]
        for job in JOBS.get(component, (component,))
    }


@COMMON
@given(inventories())
def test_an_agent_scrapes_the_components_of_its_own_host(made: Inventory) -> None:
    fleet = made.fleet()
    for agent in made.groups["vmagent"]:
        scraped = scraping.scraped_hosts(fleet, agent)
        for component in topology.COMPONENTS:
            if agent in made.groups.get(component, []):
                assert agent in scraped[component]


@COMMON
@given(inventories())
def test_every_ordered_pair_of_regions_is_probed_and_no_region_by_itself(made: Inventory) -> None:
    fleet = made.fleet()
    regions = list(fleet.settings.regions)
    pairs: set[tuple[str, str]] = set()
    series: Counter[tuple[str, ...]] = Counter()
    for agent in made.groups["vmagent"]:
        for job in scraping.probe_configs(fleet, agent):
            for static in _list(job["static_configs"]):
                labels = static["labels"]
                pair = (labels["source_region"], labels["target_region"])
                pairs.add(pair)
                series.update((*pair, labels["prober"], url) for url in static["targets"])
                assert fleet.regions_of[labels["prober"]] == (pair[0],)
    assert pairs == {(one, other) for one in regions for other in regions if one != other}
    assert set(series.values()) <= {1}
    expected = scraping.expected_probes(fleet, made.any_host)
    assert sorted(tuple(each.values()) for each in expected) == sorted(series)


@COMMON
@given(inventories())
def test_a_storage_node_is_known_in_its_own_region_and_in_no_other(made: Inventory) -> None:
    fleet = made.fleet()
    for component, purpose, number in (("vminsert", "insert", 8400), ("vmselect", "select", 8401)):
        for host in made.groups.get(component, []):
            assert topology.storage_nodes(fleet, host, purpose) == sorted(
                f"{made.hostvars[node]['ansible_host']}:{number}"
                for node in made.groups["vmstorage"]
                if fleet.regions_of[node] == fleet.regions_of[host]
            )


@COMMON
@given(inventories())
def test_every_agent_and_receiver_is_a_user_of_every_gateway_of_its_storage_region_only(
    made: Inventory,
) -> None:
    fleet = made.fleet()
    for host in made.groups["vmauth"]:
        region = topology.region_of(fleet, host)
        writers = {
            made.hostvars[agent]["cluster"]
            for agent in made.groups["vmagent"]
            if topology.storage_region(fleet, agent) == region
        } | {
            f"{topology.region_of(fleet, receiver)}-eks-01-prod-legacy"
            for receiver in made.groups.get("prometheus_receiver", [])
            if topology.storage_region(fleet, receiver) == region
        }
        readers = set(gateway.READ_USERS)
        if fleet.hosts(region, "vmselect_global"):
            readers |= set(gateway.GLOBAL_READ_USERS)
        assert set(gateway.gateway_users(fleet, host)) == writers | readers


@COMMON
@given(inventories())
def test_the_programs_of_a_host_share_no_more_than_60_percent_of_its_memory(
    made: Inventory,
) -> None:
    fleet = made.fleet()
    for host in made.groups["all"]:
        shares = [
            topology.memory_percent(fleet, host, name)
            for name, component in topology.COMPONENTS.items()
            if component.memory_weight and host in made.groups.get(name, [])
        ]
        assert sum(shares) <= 60
        assert all(share >= 1 for share in shares)


@COMMON
@given(inventories(), st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_hosts_and_regions(
    made: Inventory, shuffler: random.Random
) -> None:
    assert _derived(_shuffled(made, shuffler)) == _derived(made)


def _shuffled(made: Inventory, shuffler: random.Random) -> Inventory:
    def shuffled(values: Any) -> list[Any]:
        return shuffler.sample(list(values), len(values))

    groups = {group: shuffled(made.groups[group]) for group in shuffled(made.groups)}
    hostvars = {host: made.hostvars[host] for host in shuffled(made.hostvars)}
    other = Inventory(groups, hostvars)
    regions = made.hostvars[made.any_host]["meridian_regions"]
    other.set_all(meridian_regions={region: regions[region] for region in shuffled(regions)})
    return other


def _derived(made: Inventory) -> dict[str, Any]:
    fleet = made.fleet()
    passwords = {user: user for host in made.groups["vmauth"] for user in _users(made, host)}
    asked = min(made.groups["all"])
    return {
        "plan": fleet_plan(fleet, asked),
        "problems": fleet_problems(made.groups, made.hostvars, asked),
        "sources": gateway.data_sources(fleet, asked),
        "clusters": [clusters_of(fleet, each) for each in sorted(fleet.settings.regions)],
        "agents": {
            host: (
                scraping.scrape_configs(fleet, host),
                scraping.probe_configs(fleet, host),
                gateway.write_urls(fleet, host),
                gateway.gateway_names(fleet, host),
            )
            for host in made.groups["vmagent"]
        },
        "gateways": {
            host: gateway.gateway_config(fleet, host, passwords) for host in made.groups["vmauth"]
        },
    }


def _users(made: Inventory, host: str) -> list[str]:
    return gateway.gateway_users(made.fleet(), host)


def _list(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value
