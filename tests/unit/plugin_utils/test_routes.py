"""Which region's samples go where, and where its readers ask."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import routes
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import Destination
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    TopologyError,
    address_from,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import PLAIN, inventory

FEDERATED = {
    "us-east-1": {"us-single": "vmsingle", "us-gate": "vmauth", "us-agent": "vmagent"},
    "eu-west-1": {"eu-single": "vmsingle", "eu-gate": "vmauth", "eu-agent": "vmagent"},
}


def test_every_region_of_a_centralized_fleet_writes_to_the_storage_region_and_reads_there() -> None:
    fleet = inventory(PLAIN).fleet()
    assert routes.destinations(fleet, "eu-west-1") == [Destination("us-east-1")]
    assert routes.written_by(fleet, "us-east-1") == ["eu-west-1", "us-east-1"]
    assert routes.written_by(fleet, "eu-west-1") == []
    assert routes.read_region(fleet, "eu-west-1") == "us-east-1"
    assert routes.stores(fleet) == ["us-east-1"]


def test_every_region_of_a_federated_fleet_writes_to_itself_and_reads_there() -> None:
    fleet = inventory(FEDERATED, "federated").fleet()
    for region in FEDERATED:
        assert routes.destinations(fleet, region) == [Destination(region)]
        assert routes.written_by(fleet, region) == [region]
        assert routes.read_region(fleet, region) == region
    assert routes.stores(fleet) == ["eu-west-1", "us-east-1"]


def test_a_region_that_is_not_declared_has_no_route() -> None:
    fleet = inventory(FEDERATED, "federated").fleet()
    with pytest.raises(TopologyError) as failure:
        routes.destinations(fleet, "mars-1")
    assert f"{failure.value}" == "region 'mars-1' is not declared; declared: eu-west-1, us-east-1"


def test_other_regions_reach_a_host_by_its_tunnel_and_its_own_region_directly() -> None:
    made = inventory(FEDERATED, "federated")
    made.hostvars["us-single"]["meridian_tunnel_address"] = "10.99.0.1"
    fleet = made.fleet()
    assert address_from(fleet, "us-single", "us-east-1") == "10.20.1.1"
    assert address_from(fleet, "us-single", "eu-west-1") == "10.99.0.1"


def test_a_host_without_a_tunnel_is_reached_at_its_address_from_everywhere() -> None:
    fleet = inventory(FEDERATED, "federated").fleet()
    assert address_from(fleet, "us-single", "eu-west-1") == "10.20.1.1"
