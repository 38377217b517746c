"""The model of a fleet: regions, labels, storage nodes, shares of memory, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import topology
from ansible_collections.meridian.metrics.plugins.plugin_utils.arguments import ENTRY_POINTS
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import (
    clusters_of,
    external_labels,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    Fleet,
    TopologyError,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    Inventory,
    inventory,
)

ROLES = Path(__file__).parents[3] / "roles"


def test_centralized_regions_store_in_the_storage_region() -> None:
    fleet = inventory(PLAIN).fleet()
    assert topology.region_of(fleet, "eu-agent") == "eu-west-1"
    assert topology.storage_region(fleet, "eu-agent") == "us-east-1"
    assert topology.storage_region(fleet, "us-agent") == "us-east-1"
    assert topology.storage_regions(fleet) == ["us-east-1"]


def test_federated_regions_store_on_their_own() -> None:
    fleet = inventory(PLAIN, "federated").fleet()
    assert topology.storage_region(fleet, "eu-agent") == "eu-west-1"
    assert topology.storage_regions(fleet) == ["eu-west-1", "us-east-1"]


def test_labels_come_from_the_agents_host_and_its_groups() -> None:
    assert external_labels(inventory(PLAIN).fleet(), "eu-agent") == {
        "env": "prod",
        "region": "eu-west-1",
        "storage_region": "us-east-1",
        "cluster": "eu-west-1-eks-01-prod",
        "availability_zone": "eu-west-1a",
    }


@pytest.mark.parametrize(("purpose", "port"), [("insert", 8400), ("select", 8401)])
def test_storage_nodes_are_reached_on_the_port_of_the_purpose(purpose: str, port: int) -> None:
    made = inventory(CLUSTER)
    made.hostvars["us-store-2"]["meridian_address"] = "fd00::2"
    made.hostvars["us-store-3"][f"vmstorage_{purpose}_port"] = 9999
    assert topology.storage_nodes(made.fleet(), "us-insert", purpose) == [
        f"10.20.1.1:{port}",
        f"[fd00::2]:{port}",
        "10.20.1.3:9999",
    ]


@pytest.mark.parametrize("no", [False, "false", "no", 0])
def test_a_node_that_is_taken_out_is_read_and_not_written_to(no: object) -> None:
    made = inventory(CLUSTER)
    made.hostvars["us-store-2"]["vmstorage_writes"] = no
    fleet = made.fleet()
    assert topology.storage_nodes(fleet, "us-insert", "insert") == [
        "10.20.1.1:8400",
        "10.20.1.3:8400",
    ]
    assert len(topology.storage_nodes(fleet, "us-select", "select")) == 3


def test_a_node_that_is_written_to_may_say_so() -> None:
    made = inventory(CLUSTER)
    made.hostvars["us-store-2"]["vmstorage_writes"] = "yes"
    assert len(topology.storage_nodes(made.fleet(), "us-insert", "insert")) == 3


def test_one_node_can_be_left_out_of_those_that_are_read() -> None:
    nodes = topology.storage_nodes(inventory(CLUSTER).fleet(), "us-select", "select", "us-store-2")
    assert nodes == ["10.20.1.1:8401", "10.20.1.3:8401"]


def test_an_address_falls_back_to_ansible_host_and_then_to_the_name() -> None:
    made = inventory(PLAIN)
    made.hostvars["us-agent"]["meridian_address"] = "192.0.2.1"
    del made.hostvars["eu-agent"]["ansible_host"]
    fleet = made.fleet()
    assert topology.address(fleet, "us-agent") == "192.0.2.1"
    assert topology.address(fleet, "us-single") == "10.20.1.1"
    assert topology.address(fleet, "eu-agent") == "eu-agent"


@pytest.mark.parametrize(
    ("fleet_wide", "region", "expected"),
    [
        pytest.param({}, {}, 2, id="default"),
        pytest.param({"meridian_replication_factor": 3}, {}, 3, id="fleet"),
        pytest.param({"meridian_replication_factor": 3}, {"replication_factor": 1}, 1, id="region"),
    ],
)
def test_a_regions_replication_factor_wins_over_the_fleets(
    fleet_wide: dict[str, int], region: dict[str, int], expected: int
) -> None:
    made = inventory(CLUSTER)
    made.set_all(**fleet_wide)
    made.set_region("us-east-1", **region)
    assert topology.replication_factor(made.fleet(), "us-insert") == expected


def test_clusters_of_another_inventory_are_stated_and_known_ones_are_read() -> None:
    made = inventory({"us-east-1": PLAIN["us-east-1"]})
    made.set_region("eu-west-1", clusters={"eu-west-1-eks-07-dev": "eu-west-1c"})
    fleet = made.fleet()
    found = [
        labels.as_dict()
        for region in sorted(fleet.settings.regions)
        for labels in clusters_of(fleet, region)
    ]
    assert found == [
        {
            "env": "dev",
            "region": "eu-west-1",
            "storage_region": "us-east-1",
            "cluster": "eu-west-1-eks-07-dev",
            "availability_zone": "eu-west-1c",
        },
        {
            "env": "prod",
            "region": "us-east-1",
            "storage_region": "us-east-1",
            "cluster": "us-east-1-eks-04-prod",
            "availability_zone": "us-east-1a",
        },
    ]


def test_a_program_alone_on_its_host_keeps_the_programs_own_share() -> None:
    assert topology.memory_percent(inventory(CLUSTER).fleet(), "us-store-1", "vmstorage") == 60


def test_programs_on_one_host_share_its_memory_by_weight() -> None:
    fleet = inventory({"us-east-1": {"all-in-one": "vmsingle vmauth vmagent blackbox"}}).fleet()
    shares = {
        name: topology.memory_percent(fleet, "all-in-one", name)
        for name in ("vmsingle", "vmauth", "vmagent")
    }
    assert shares == {"vmsingle": 45, "vmauth": 7, "vmagent": 7}


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_a_roles_ports_are_those_that_the_topology_takes_for_granted(role: str) -> None:
    if role not in COMPONENTS:
        assert role in ("service", *topology.JOBS)
        return
    defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    ports = {name: defaults[name] for name in defaults if name.endswith("_port")}
    components = [role, *(name for name, entry in ENTRY_POINTS.items() if entry[0] == role)]
    assert ports == {k: v for name in components for k, v in COMPONENTS[name].ports.items()}


Change = Callable[[Inventory], object]
Ask = Callable[[Fleet], object]


def unchanged(_made: Inventory) -> None:
    """Leave the inventory as it is."""


@pytest.mark.parametrize(
    ("change", "ask", "message"),
    [
        pytest.param(
            lambda made: made.groups["eu_west_1"].clear(),
            lambda fleet: topology.region_of(fleet, "eu-agent"),
            "host 'eu-agent' is in no region; put it in one of the groups: eu_west_1, us_east_1",
            id="no region",
        ),
        pytest.param(
            lambda made: made.groups.update(eu_west_1=[], eu_west_2=["eu-agent"]),
            lambda fleet: topology.region_of(fleet, "eu-agent"),
            "host 'eu-agent' is in no declared region, only in the group eu_west_2; declare its "
            "region in meridian_regions, or put it in one of the groups: eu_west_1, us_east_1",
            id="undeclared region",
        ),
        pytest.param(
            lambda made: made.groups["us_east_1"].append("eu-agent"),
            lambda fleet: topology.region_of(fleet, "eu-agent"),
            "host 'eu-agent' is in the regions eu-west-1, us-east-1; keep it in one region's group",
            id="two regions",
        ),
        pytest.param(
            unchanged,
            lambda fleet: fleet.region("us-east1"),
            "region 'us-east1' is not declared; declared: eu-west-1, us-east-1",
            id="unknown region",
        ),
        pytest.param(
            unchanged,
            lambda fleet: topology.storage_nodes(fleet, "us-insert", "delete"),
            "purpose 'delete' is unknown; write 'insert' or 'select'",
            id="unknown purpose",
        ),
        pytest.param(
            unchanged,
            lambda fleet: topology.storage_nodes(fleet, "eu-agent", "insert"),
            "region 'eu-west-1' has no vmstorage host; put its storage nodes in the group "
            "vmstorage",
            id="no storage nodes",
        ),
        pytest.param(
            lambda made: made.set_all(vmstorage_writes=False),
            lambda fleet: topology.storage_nodes(fleet, "us-insert", "insert"),
            "no vmstorage host of region 'us-east-1' is written to; remove vmstorage_writes from "
            "hosts of us-store-1, us-store-2, us-store-3",
            id="no node is written to",
        ),
        pytest.param(
            lambda made: made.hostvars["us-store-1"].update(vmstorage_writes="maybe"),
            lambda fleet: topology.storage_nodes(fleet, "us-insert", "insert"),
            "vmstorage_writes of host 'us-store-1' is 'maybe'; write true or false",
            id="no boolean",
        ),
        pytest.param(
            lambda made: made.hostvars["eu-agent"].update(cluster=""),
            lambda fleet: external_labels(fleet, "eu-agent"),
            "host 'eu-agent' has no cluster; state it in the inventory",
            id="no cluster",
        ),
        pytest.param(
            lambda made: made.hostvars["us-store-1"].update(vmstorage_insert_port="84OO"),
            lambda fleet: topology.storage_nodes(fleet, "us-insert", "insert"),
            "vmstorage_insert_port of host 'us-store-1' is '84OO'; write a port from 1 to 65535",
            id="no port",
        ),
        pytest.param(
            unchanged,
            lambda fleet: topology.memory_percent(fleet, "us-agent", "blackbox"),
            "component 'blackbox' has no share of the memory of host 'us-agent'; sharing it: "
            "vmagent",
            id="no share",
        ),
    ],
)
def test_an_error_names_the_value_the_place_and_the_fix(
    change: Change, ask: Ask, message: str
) -> None:
    made = inventory(CLUSTER)
    change(made)
    with pytest.raises(TopologyError) as caught:
        ask(made.fleet())
    assert str(caught.value) == message


def test_a_region_is_declared_in_its_own_file_as_well() -> None:
    made = inventory(PLAIN)
    made.set_all(meridian_region_ap_south_1={"replication_factor": 3})
    fleet = made.fleet()
    assert sorted(fleet.settings.regions) == ["ap-south-1", "eu-west-1", "us-east-1"]
    assert fleet.region("ap-south-1").replication_factor == 3
    assert fleet.region("ap-south-1").group == "ap_south_1"


def test_a_region_that_is_declared_twice_is_refused() -> None:
    made = inventory(PLAIN)
    made.set_all(meridian_region_eu_west_1={})
    with pytest.raises(TopologyError) as raised:
        made.fleet()
    assert f"{raised.value}" == (
        "region 'eu-west-1' is declared twice, by meridian_regions['eu-west-1'] and by "
        "meridian_region_eu_west_1; keep one"
    )


def test_settings_with_problems_are_refused_with_all_of_them() -> None:
    made = inventory(PLAIN)
    made.set_region("eu-west-1", replication_factor=0)
    made.set_all(meridian_storage_region="us-east1")
    with pytest.raises(TopologyError) as caught:
        made.fleet()
    assert str(caught.value) == (
        "meridian_regions['eu-west-1'].replication_factor is '0'; write a whole number of 1 or "
        "more; storage region 'us-east1' is not declared; declared: eu-west-1, us-east-1"
    )
