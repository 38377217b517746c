"""Every problem of an inventory, by its exact message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    Inventory,
    inventory,
)

Change = Callable[[Inventory], Any]
EU_ALONE = {"eu-west-1": PLAIN["eu-west-1"]}
US_ALONE = {"us-east-1": PLAIN["us-east-1"]}


def problems(made: Inventory) -> dict[str, list[str]]:
    return fleet_problems(made.groups, made.hostvars, made.any_host)


def state(region: str, **settings: object) -> Change:
    return lambda made: made.set_region(region, **settings)


def set_all(**variables: object) -> Change:
    return lambda made: made.set_all(**variables)


def set_host(host: str, **variables: object) -> Change:
    return lambda made: made.hostvars[host].update(variables)


def unwritten(*hosts: str) -> Change:
    """Let vminserts not write to some hosts."""

    def change(made: Inventory) -> None:
        for host in hosts:
            made.hostvars[host]["vmstorage_writes"] = False

    return change


def leave(host: str, *groups: str) -> Change:
    def change(made: Inventory) -> None:
        for group in groups:
            made.groups[group].remove(host)

    return change


def join(host: str, *groups: str) -> Change:
    def change(made: Inventory) -> None:
        for group in groups:
            made.groups.setdefault(group, []).append(host)

    return change


@pytest.mark.parametrize("regions", [PLAIN, CLUSTER])
def test_a_right_inventory_has_no_problem(regions: dict[str, dict[str, str]]) -> None:
    assert problems(inventory(regions)) == {"errors": [], "warnings": []}


def test_one_region_alone_has_no_problem_when_the_others_are_stated() -> None:
    made = inventory(EU_ALONE, meridian_storage_region="us-east-1")
    made.set_region("us-east-1", gateway_addresses=["192.0.2.1", "192.0.2.2"])
    made.set_region("ap-south-1", probe_targets=["http://192.0.2.3:9115/-/healthy"])
    assert problems(made) == {"errors": [], "warnings": []}


def test_one_region_alone_lists_all_that_the_others_have_to_state() -> None:
    made = inventory(EU_ALONE, meridian_storage_region="us-east-1")
    made.set_region("us-east-1")
    made.set_region("ap-south-1")
    assert problems(made)["errors"] == [
        "storage region 'us-east-1' has no gateway in this inventory; put hosts of it in the group "
        "vmauth, or state gateway_addresses or gateway_url in meridian_regions['us-east-1']",
        "region 'ap-south-1' has nothing that other regions can probe; put one of its hosts in the "
        "group blackbox, or state probe_targets in meridian_regions['ap-south-1']",
        "region 'us-east-1' has nothing that other regions can probe; put one of its hosts in the "
        "group blackbox, or state probe_targets in meridian_regions['us-east-1']",
    ]


def test_the_storage_region_alone_has_to_know_who_else_writes_to_it() -> None:
    made = inventory(US_ALONE)
    made.set_region("eu-west-1", probe_targets=["http://192.0.2.3:9115/-/healthy"])
    assert problems(made)["errors"] == [
        "region 'eu-west-1' writes to 'us-east-1', and none of its clusters is in this inventory; "
        "add its hosts, or state its clusters in meridian_regions['eu-west-1']"
    ]
    made.set_region(
        "eu-west-1",
        probe_targets=["http://192.0.2.3:9115/-/healthy"],
        clusters={"eu-west-1-eks-01-prod": "eu-west-1a"},
    )
    assert problems(made)["errors"] == []


def test_problems_of_settings_and_hosts_are_reported_together() -> None:
    made = inventory(PLAIN)
    made.set_all(meridian_storage_region="us-east1")
    made.hostvars["eu-agent"]["cluster"] = ""
    made.hostvars["us-agent"]["blackbox_port"] = 8429
    assert problems(made)["errors"] == [
        "storage region 'us-east1' is not declared; declared: eu-west-1, us-east-1",
        "agent 'eu-agent' has no cluster; state it in the inventory, such as eu-west-1-eks-01-prod",
        "vmagent_port and blackbox_port are both 8429 on host 'us-agent'; give one of them another "
        "port",
    ]


SETTINGS = [
    (
        set_all(meridian_topology="centralised"),
        "meridian_topology is 'centralised'; write one of: centralized, federated",
    ),
    (
        set_all(meridian_topology=None),
        "meridian_topology is ''; write one of: centralized, federated",
    ),
    (
        set_all(meridian_regions={}),
        "meridian_regions declares no region; write one key per region in group_vars/all.yml, such "
        "as 'us-east-1: {}'",
    ),
    (
        set_all(meridian_storage_region=None),
        "meridian_storage_region is not set; a centralized fleet needs one of: eu-west-1, "
        "us-east-1",
    ),
    (
        set_all(meridian_replication_factor="two"),
        "meridian_replication_factor is 'two'; write a whole number of 1 or more",
    ),
    (
        set_all(meridian_gate_timeout="5m"),
        "meridian_gate_timeout is '5m'; write seconds as a whole number, 0 for no gate",
    ),
    (
        state("US_EAST", probe_targets=["http://192.0.2.1/"]),
        "region 'US_EAST' in meridian_regions is no region name; write lower-case letters, digits "
        "and '-', such as us-east-1",
    ),
    (
        lambda made: made.set_all(
            meridian_regions=made.hostvars["eu-agent"]["meridian_regions"] | {"eu-west-1": "x"}
        ),
        "meridian_regions['eu-west-1'] is 'x'; write a mapping, or {} for no settings",
    ),
    (
        state("us-east-1", gateway_adresses=["192.0.2.1"]),
        "meridian_regions['us-east-1'] has the unknown key 'gateway_adresses'; known: clusters, "
        "gateway_addresses, gateway_url, probe_targets, replication, replication_factor, series",
    ),
    (
        state("us-east-1", series="many"),
        "meridian_regions['us-east-1'].series is 'many'; write a number of series, such as 100000",
    ),
    (
        state("us-east-1", gateway_url="metrics.example"),
        "meridian_regions['us-east-1'].gateway_url is 'metrics.example'; write a URL, such as "
        "https://metrics.example/",
    ),
    (
        state("us-east-1", gateway_addresses="192.0.2.1"),
        "meridian_regions['us-east-1'].gateway_addresses is '192.0.2.1'; write a list",
    ),
    (
        state("us-east-1", gateway_addresses=["gate.example", "192.0.2.1"]),
        "meridian_regions['us-east-1'].gateway_addresses has 'gate.example', which is no IP "
        "address, and /etc/hosts needs one; write the IP address, or state gateway_url",
    ),
    (
        state("eu-west-1", probe_targets=["192.0.2.1:9115"]),
        "meridian_regions['eu-west-1'].probe_targets has '192.0.2.1:9115', which is no URL; write "
        "one, such as http://10.0.0.1:9115/-/healthy",
    ),
    (
        state("eu-west-1", replication_factor=0),
        "meridian_regions['eu-west-1'].replication_factor is '0'; write a whole number of 1 or "
        "more",
    ),
    (
        state("eu-west-1", clusters=["eu-west-1-eks-01-prod"]),
        "meridian_regions['eu-west-1'].clusters is '['eu-west-1-eks-01-prod']'; write a mapping of "
        "cluster to availability zone, such as 'eu-west-1-eks-01-prod: eu-west-1a'",
    ),
    (
        state("eu-west-1", clusters={"eu-west-2-eks-01-prod": "eu-west-2a"}),
        "meridian_regions['eu-west-1'].clusters has the cluster 'eu-west-2-eks-01-prod', which is "
        "not named eu-west-1-eks-<number>-prod",
    ),
]
HOSTS = [
    (
        leave("eu-agent", "eu_west_1"),
        "host 'eu-agent' is in no region; put it in one of the groups: eu_west_1, us_east_1",
    ),
    (
        join("eu-agent", "us_east_1"),
        "host 'eu-agent' is in the regions eu-west-1, us-east-1; keep it in one region's group",
    ),
    (
        join("eu-agent", "node_exporters"),
        "group 'node_exporters' is no component; rename it to 'node_exporter', or to something "
        "else if that is not meant",
    ),
    (
        set_host("eu-agent", cluster=None),
        "agent 'eu-agent' has no cluster; state it in the inventory, such as eu-west-1-eks-01-prod",
    ),
    (
        set_host("eu-agent", env=None),
        "agent 'eu-agent' has no env; state it in the inventory, such as dev, beta, prod",
    ),
    (
        set_host("eu-agent", availability_zone=None),
        "agent 'eu-agent' has no availability_zone; state it in the inventory, such as eu-west-1a",
    ),
    (
        set_host("eu-agent", env="production"),
        "env 'production' of agent 'eu-agent' is unknown; write one of: dev, beta, prod",
    ),
    (
        set_host("eu-agent", cluster="eu-west-1-prod-eks-01"),
        "agent 'eu-agent' has the cluster 'eu-west-1-prod-eks-01', which is not named "
        "eu-west-1-eks-<number>-prod",
    ),
    (
        set_host("eu-agent", env="dev"),
        "agent 'eu-agent' has the cluster 'eu-west-1-eks-01-prod', which is not named "
        "eu-west-1-eks-<number>-dev",
    ),
    (
        set_host("us-agent", vmagent_port=9115),
        "vmagent_port and blackbox_port are both 9115 on host 'us-agent'; give one of them another "
        "port",
    ),
    (
        set_host("us-agent", vmagent_port=0),
        "vmagent_port of host 'us-agent' is '0'; write a port from 1 to 65535",
    ),
    (
        set_host("us-gate-1", ansible_host="gate.example"),
        "gateway address 'gate.example' of region 'us-east-1' is no IP address, and /etc/hosts "
        "needs one; state meridian_address as an IP address, or gateway_url in "
        "meridian_regions['us-east-1']",
    ),
    (
        set_host("us-gate-1", vmauth_port=80),
        "the gateways of region 'us-east-1' listen on different ports, 80, 8427; give their "
        "vmauth_port one value",
    ),
    (
        lambda made: made.groups["vmauth"].clear(),
        "storage region 'us-east-1' has no gateway in this inventory; put hosts of it in the group "
        "vmauth, or state gateway_addresses or gateway_url in meridian_regions['us-east-1']",
    ),
    (
        join("eu-agent", "vmauth"),
        "region 'eu-west-1' has gateways (eu-agent) and no storage behind them; remove them from "
        "the group vmauth, or add storage to the region",
    ),
    (
        leave("eu-agent", "blackbox"),
        "region 'eu-west-1' has nothing that other regions can probe; put one of its hosts in the "
        "group blackbox, or state probe_targets in meridian_regions['eu-west-1']",
    ),
]
PLAIN_STORAGE = [
    (
        join("us-agent", "vmsingle"),
        "region 'us-east-1' has 2 vmsingle hosts (us-agent, us-single), which share no data; keep "
        "one, or use vmstorage, vminsert and vmselect",
    ),
    (
        set_all(meridian_topology="federated"),
        "region 'eu-west-1' has no storage, and a federated fleet stores in every region; put a "
        "host of it in the group vmsingle, or hosts in vmstorage, vminsert and vmselect",
    ),
]
CLUSTER_STORAGE = [
    (
        join("us-agent", "vmsingle"),
        "region 'us-east-1' has both vmsingle (us-agent) and vmstorage (us-store-1, us-store-2, "
        "us-store-3); keep one of the two",
    ),
    (
        leave("us-select", "vmselect"),
        "region 'us-east-1' has vminsert, vmstorage and no vmselect; put a host of it in the group "
        "vmselect",
    ),
    (
        state("us-east-1", replication_factor=4),
        "replication factor 4 of region 'us-east-1' is above its number of vmstorage hosts, 3; add "
        "hosts, or lower the factor",
    ),
    (
        unwritten("us-store-1", "us-store-3"),
        "replication factor 2 of region 'us-east-1' is above its number of vmstorage hosts that "
        "are written to, 1, not us-store-1, us-store-3; add hosts, or lower the factor",
    ),
    (
        unwritten("us-store-1", "us-store-2", "us-store-3"),
        "no vmstorage host of region 'us-east-1' is written to; remove vmstorage_writes from hosts "
        "of us-store-1, us-store-2, us-store-3",
    ),
]


@pytest.mark.parametrize(("change", "message"), [*SETTINGS, *HOSTS, *PLAIN_STORAGE])
def test_an_error_names_the_value_the_place_and_the_fix(change: Change, message: str) -> None:
    made = inventory(PLAIN)
    change(made)
    assert message in problems(made)["errors"]


@pytest.mark.parametrize(("change", "message"), CLUSTER_STORAGE)
def test_an_error_of_a_storage_cluster_names_its_hosts(change: Change, message: str) -> None:
    made = inventory(CLUSTER)
    change(made)
    assert problems(made)["errors"] == [message]


def test_a_storage_region_without_storage_is_an_error() -> None:
    made = inventory(PLAIN)
    made.groups["vmsingle"].clear()
    assert problems(made)["errors"] == [
        "storage region 'us-east-1' has no storage; put a host of it in the group vmsingle, or "
        "hosts in vmstorage, vminsert and vmselect",
        "region 'us-east-1' has gateways (us-gate-1, us-gate-2) and no storage behind them; remove "
        "them from the group vmauth, or add storage to the region",
    ]


def test_two_agents_with_one_cluster_are_an_error() -> None:
    made = inventory(PLAIN | {"eu-west-1": PLAIN["eu-west-1"] | {"eu-agent-2": "vmagent"}})
    made.hostvars["eu-agent-2"]["cluster"] = "eu-west-1-eks-01-prod"
    assert problems(made)["errors"] == [
        "cluster 'eu-west-1-eks-01-prod' is stated by the agents eu-agent, eu-agent-2; give each "
        "agent a cluster of its own"
    ]


@pytest.mark.parametrize(
    ("regions", "change", "message"),
    [
        (
            CLUSTER,
            leave("us-store-3", "vmstorage"),
            "region 'us-east-1' has 2 vmstorage hosts for replication factor 2; with fewer than 3, "
            "samples written while one is down are not fully replicated",
        ),
        (
            CLUSTER,
            unwritten("us-store-3"),
            "region 'us-east-1' has 2 vmstorage hosts that are written to (not us-store-3) for "
            "replication factor 2; with fewer than 3, samples written while one is down are not "
            "fully replicated",
        ),
        (
            PLAIN,
            leave("us-gate-2", "vmauth"),
            "storage region 'us-east-1' has one gateway, 10.20.1.2; with a second one, clients "
            "write and read on while one is down",
        ),
        (
            PLAIN,
            join("eu-agent", "vmsingle"),
            "region 'eu-west-1' has storage (eu-agent) that nothing writes to; its metrics are "
            "stored in 'us-east-1'",
        ),
        (
            PLAIN,
            state("us-east-1", gateway_addresses=["10.20.1.2", "10.20.1.9"]),
            "gateway_addresses in meridian_regions['us-east-1'] are 10.20.1.2, 10.20.1.9, but its "
            "vmauth hosts are at 10.20.1.2, 10.20.1.3; what is stated is used",
        ),
        (
            PLAIN,
            leave("eu-agent", "vmagent"),
            "region 'eu-west-1' has no vmagent, so nothing scrapes its hosts; put one of them in "
            "the group vmagent",
        ),
        (
            PLAIN,
            leave("us-agent", "blackbox"),
            "region 'us-east-1' has no blackbox exporter, so it probes no other region; put one of "
            "its hosts in the group blackbox",
        ),
    ],
)
def test_what_works_and_is_probably_not_wanted_is_a_warning(
    regions: dict[str, dict[str, str]], change: Change, message: str
) -> None:
    made = inventory(regions)
    change(made)
    assert problems(made) == {"errors": [], "warnings": [message]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(
            set_host("eu-receiver", availability_zone=""),
            "receiver 'eu-receiver' has no availability_zone; state it in the inventory, such as "
            "eu-west-1a",
            id="no zone",
        ),
        pytest.param(
            set_host("eu-receiver", prometheus_receiver_env="production"),
            "prometheus_receiver_env 'production' of receiver 'eu-receiver' is unknown; write one "
            "of: dev, beta, prod",
            id="unknown env",
        ),
        pytest.param(
            set_host("eu-receiver", prometheus_receiver_cluster="eu-west-1-eks-02-prod"),
            "receiver 'eu-receiver' has the cluster 'eu-west-1-eks-02-prod', which is not named "
            "eu-west-1-eks-<number>-prod-legacy",
            id="an agent's cluster",
        ),
        pytest.param(
            set_host("eu-receiver-2", availability_zone="eu-west-1b"),
            "cluster 'eu-west-1-eks-01-prod-legacy' has receivers in the availability zones "
            "eu-west-1a, eu-west-1b, and the gateway writes one for each cluster; state "
            "prometheus_receiver_cluster for one of them",
            id="two zones",
        ),
        pytest.param(
            set_host("eu-receiver", prometheus_receiver_allowed_addresses=["10.20.0.0/33"]),
            "receiver 'eu-receiver': prometheus_receiver_allowed_addresses has '10.20.0.0/33', "
            "which is no network; write an IP address, or a network such as 10.20.0.0/16",
            id="no network",
        ),
        pytest.param(
            set_host(
                "eu-receiver",
                prometheus_receiver_senders=["shop"],
                prometheus_receiver_sender_passwords={},
            ),
            "receiver 'eu-receiver': sender 'shop' has no password; state it in "
            "prometheus_receiver_sender_passwords, or leave that out to have it generated",
            id="sender without password",
        ),
    ],
)
def test_what_a_receiver_lacks_is_named(change: Change, error: str) -> None:
    receivers = {"eu-receiver": "prometheus_receiver", "eu-receiver-2": "prometheus_receiver"}
    made = inventory(PLAIN | {"eu-west-1": PLAIN["eu-west-1"] | receivers})
    assert problems(made) == {"errors": [], "warnings": []}
    change(made)
    assert problems(made)["errors"] == [error]


def test_senders_whose_passwords_are_generated_are_no_problem() -> None:
    receiver = {"eu-receiver": "prometheus_receiver"}
    made = inventory(PLAIN | {"eu-west-1": PLAIN["eu-west-1"] | receiver})
    made.hostvars["eu-receiver"]["prometheus_receiver_senders"] = ["shop"]
    assert problems(made) == {"errors": [], "warnings": []}


def test_alerts_that_go_nowhere_are_a_warning() -> None:
    made = inventory(PLAIN | {"us-east-1": PLAIN["us-east-1"] | {"us-alert": "vmalert"}})
    assert problems(made) == {
        "errors": [],
        "warnings": [
            "alerts of vmalert on us-alert go nowhere; put two hosts in the group alertmanager"
        ],
    }
