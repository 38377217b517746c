"""The tunnel between regions: addresses, peers, and what preflight says about it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    TopologyError,
    address_from,
    tunnel_address,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel import (
    tunnel_errors,
    tunnel_peers,
    tunnel_warnings,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel_addresses import (
    derived_address,
    tunnel_network,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventory,
)

REGIONS = {
    "us-east-1": {"us-global": "wireguard", "us-other": "wireguard"},
    "eu-west-1": {"eu-select": "wireguard", "eu-agent": "vmagent"},
    "ap-south-1": {"ap-select": "wireguard"},
}


@pytest.fixture
def made() -> Inventory:
    return inventory(REGIONS, "federated")


def errors(made: Inventory) -> list[str]:
    return list(tunnel_errors(made.fleet()))


def warnings(made: Inventory) -> list[str]:
    return list(tunnel_warnings(made.fleet()))


def test_a_tunnel_address_lies_in_the_network_and_follows_from_the_name_alone(
    made: Inventory,
) -> None:
    before = tunnel_address(made.fleet(), "eu-select")
    made.groups["wireguard"].remove("ap-select")

    assert ip_address(before) in ip_network("10.255.0.0/16")
    assert tunnel_address(made.fleet(), "eu-select") == before == "10.255.50.182"


def test_the_network_can_be_another_one(made: Inventory) -> None:
    made.set_all(meridian_tunnel_network="192.168.16.0/20")

    assert ip_address(tunnel_address(made.fleet(), "eu-select")) in ip_network("192.168.16.0/20")


def test_a_stated_tunnel_address_wins_for_the_host_and_its_peers(made: Inventory) -> None:
    made.hostvars["eu-select"]["meridian_tunnel_address"] = "10.9.9.9"

    assert tunnel_address(made.fleet(), "eu-select") == "10.9.9.9"
    assert tunnel_peers(made.fleet(), "us-global")["eu-select"]["addresses"] == ["10.9.9.9/32"]


def test_a_derived_address_is_neither_the_networks_own_nor_its_broadcast() -> None:
    network = tunnel_network("10.0.0.0/20")
    found = {derived_address(network, f"host-{n}") for n in range(40_000)}

    assert len(found) > 4000
    assert not found & {network[0], network[-1]}


def test_the_peers_of_a_host_are_those_of_other_regions(made: Inventory) -> None:
    fleet = made.fleet()

    assert tunnel_peers(fleet, "us-global") == {
        "ap-select": {
            "endpoint": "10.20.3.1:51820",
            "addresses": [f"{tunnel_address(fleet, 'ap-select')}/32"],
        },
        "eu-select": {
            "endpoint": "10.20.2.1:51820",
            "addresses": [f"{tunnel_address(fleet, 'eu-select')}/32"],
        },
    }
    assert list(tunnel_peers(fleet, "eu-select")) == ["ap-select", "us-global", "us-other"]


def test_a_peer_is_found_where_it_says(made: Inventory) -> None:
    made.hostvars["eu-select"] |= {"wireguard_endpoint": "vpn.example.net", "wireguard_port": 443}

    assert tunnel_peers(made.fleet(), "us-global")["eu-select"]["endpoint"] == "vpn.example.net:443"


def test_hosts_of_other_regions_reach_a_host_through_the_tunnel(made: Inventory) -> None:
    fleet = made.fleet()

    assert address_from(fleet, "eu-select", "us-east-1") == tunnel_address(fleet, "eu-select")
    assert address_from(fleet, "eu-select", "eu-west-1") == "10.20.2.1"
    assert address_from(fleet, "eu-agent", "us-east-1") == "10.20.2.2"


def test_an_existing_tunnel_is_used_by_stating_its_address(made: Inventory) -> None:
    made.hostvars["eu-agent"]["meridian_tunnel_address"] = "10.9.9.9"

    assert address_from(made.fleet(), "eu-agent", "us-east-1") == "10.9.9.9"


def test_a_tunnel_as_it_should_be_has_no_problem(made: Inventory) -> None:
    assert errors(made) + warnings(made) == []


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("10.255.0.7/16", "'10.255.0.7/16'; write an IPv4 network, such as 10.255.0.0/16"),
        ("fd00::/64", "'fd00::/64'; write an IPv4 network, such as 10.255.0.0/16"),
        *(
            (
                network,
                f"'{network}', too small to derive different addresses from names; write a network "
                "of /20 or larger, such as 10.255.0.0/16",
            )
            for network in ("10.255.0.0", "10.255.0.0/24")
        ),
    ],
)
def test_a_network_that_cannot_be_used_is_refused(
    made: Inventory, network: str, message: str
) -> None:
    made.set_all(meridian_tunnel_network=network)

    assert errors(made) == [f"meridian_tunnel_network is {message}"]
    with pytest.raises(TopologyError) as error:
        tunnel_address(made.fleet(), "eu-select")
    assert f"{error.value}" == f"meridian_tunnel_network is {message}"


def test_a_network_that_hosts_are_in_already_is_refused(made: Inventory) -> None:
    made.set_all(meridian_tunnel_network="10.20.0.0/16")

    assert errors(made) == [
        "meridian_tunnel_network is '10.20.0.0/16', in which ap-select, eu-select, us-global, "
        "us-other already have their addresses; write a network that nothing else uses"
    ]


def test_two_networks_are_refused(made: Inventory) -> None:
    made.hostvars["eu-select"]["meridian_tunnel_network"] = "10.9.0.0/16"

    assert errors(made) == [
        "meridian_tunnel_network differs between hosts of the group wireguard (10.255.0.0/16, "
        "10.9.0.0/16); state it once, in group_vars/all.yml"
    ]


def test_two_hosts_with_one_tunnel_address_are_named(made: Inventory) -> None:
    for host in ("eu-select", "ap-select"):
        made.hostvars[host]["meridian_tunnel_address"] = "10.9.9.9"

    assert errors(made) == [
        "the hosts ap-select, eu-select have the tunnel address 10.9.9.9; state another "
        "meridian_tunnel_address for one of them"
    ]


def test_a_tunnel_address_that_is_none_is_refused(made: Inventory) -> None:
    made.hostvars["eu-select"]["meridian_tunnel_address"] = "eu.example.net"

    assert errors(made) == [
        "meridian_tunnel_address of host 'eu-select' is 'eu.example.net'; write an IPv4 address, "
        "or leave it out and it is derived"
    ]


def test_a_tunnel_within_one_region_is_warned_of() -> None:
    made = inventory({"us-east-1": {"a": "wireguard", "b": "wireguard"}}, "federated")

    assert warnings(made) == [
        "the group wireguard has hosts of the region 'us-east-1' only, and a tunnel leads to "
        "another region; put the hosts at its other end in the group too, or state "
        "wireguard_extra_peers if they are in another inventory"
    ]


READING = {
    "us-east-1": {"us-global": "vmselect_global", "us-select": "vmselect"},
    "eu-west-1": {"eu-select": "vmselect"},
}


def test_a_global_view_without_a_tunnel_is_warned_of() -> None:
    assert warnings(inventory(READING, "federated")) == [
        "us-global reads eu-select in other regions by a link that anybody on the way can read; "
        "put all of them in the group wireguard, or state meridian_tunnel_address where a tunnel "
        "exists"
    ]


def test_a_global_view_through_an_existing_tunnel_is_well() -> None:
    made = inventory(READING, "federated")
    made.hostvars["eu-select"]["meridian_tunnel_address"] = "10.9.9.9"

    assert errors(made) + warnings(made) == []


def test_a_reader_without_an_end_of_the_tunnel_is_refused() -> None:
    made = inventory(READING, "federated")
    made.groups["wireguard"] = ["eu-select"]

    assert errors(made) == [
        "host 'us-global' reads eu-select through the tunnel and has no end of it; put it in the "
        "group wireguard"
    ]


def test_preflight_reports_what_is_wrong_with_the_tunnel(made: Inventory) -> None:
    made.set_all(meridian_tunnel_network="here")
    made.groups["wireguard"] = ["eu-select"]
    found = fleet_problems(made.groups, made.hostvars, made.any_host)

    assert (
        "meridian_tunnel_network is 'here'; write an IPv4 network, such as 10.255.0.0/16"
        in found["errors"]
    )
    assert any("the group wireguard has hosts of the region" in each for each in found["warnings"])
