"""The gateway of a storage region: its routes, users and names."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import gateway
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    inventory,
)

FEDERATED = {
    "us-east-1": {"us-single": "vmsingle", "us-gate": "vmauth", "us-graph": "grafana vmagent"},
    "eu-west-1": {"eu-single": "vmsingle", "eu-gate": "vmauth", "eu-agent": "vmagent"},
}
USERS = ["eu-west-1-eks-01-prod", "grafana", "operator", "us-east-1-eks-04-prod", "vmalert"]
PASSWORDS = {user: f"secret of {user}" for user in USERS}


def test_samples_go_to_the_gateways_name_of_the_storage_region() -> None:
    fleet = inventory(PLAIN).fleet()
    assert gateway.write_urls(fleet, "eu-agent") == [
        "http://gateway.us-east-1.meridian.internal:8427/api/v1/write"
    ]
    assert gateway.write_urls(fleet, "eu-agent", dns_discovery=True) == [
        "http://dns+gateway.us-east-1.meridian.internal:8427/api/v1/write"
    ]
    assert gateway.read_url(fleet, "eu-agent") == (
        "http://gateway.us-east-1.meridian.internal:8427"
    )


def test_the_gateways_port_is_that_of_its_hosts() -> None:
    made = inventory(PLAIN)
    for host in ("us-gate-1", "us-gate-2"):
        made.hostvars[host]["vmauth_port"] = 80
    assert gateway.read_url(made.fleet(), "eu-agent") == (
        "http://gateway.us-east-1.meridian.internal:80"
    )


def test_an_operators_balancer_replaces_name_port_and_discovery() -> None:
    made = inventory(PLAIN)
    made.set_region("us-east-1", gateway_url="https://metrics.example/in/")
    fleet = made.fleet()
    assert gateway.write_urls(fleet, "eu-agent", dns_discovery=True) == [
        "https://metrics.example/in/api/v1/write"
    ]
    assert gateway.read_url(fleet, "eu-agent") == "https://metrics.example/in"
    assert gateway.gateway_names(fleet, "eu-agent") == ""


def test_a_host_knows_one_line_per_gateway() -> None:
    assert gateway.gateway_names(inventory(PLAIN).fleet(), "eu-agent") == (
        "10.20.1.2 gateway.us-east-1.meridian.internal\n"
        "10.20.1.3 gateway.us-east-1.meridian.internal\n"
    )


def test_stated_gateway_addresses_win_over_the_inventorys() -> None:
    made = inventory({"eu-west-1": PLAIN["eu-west-1"]})
    made.set_all(meridian_storage_region="us-east-1")
    made.set_region("us-east-1", gateway_addresses=["192.0.2.2", "192.0.2.1"])
    assert gateway.gateway_names(made.fleet(), "eu-agent") == (
        "192.0.2.1 gateway.us-east-1.meridian.internal\n"
        "192.0.2.2 gateway.us-east-1.meridian.internal\n"
    )


def test_a_grafana_host_knows_the_gateways_of_every_storage_region() -> None:
    fleet = inventory(FEDERATED, "federated").fleet()
    assert gateway.gateway_names(fleet, "us-graph") == (
        "10.20.2.2 gateway.eu-west-1.meridian.internal\n"
        "10.20.1.2 gateway.us-east-1.meridian.internal\n"
    )
    assert gateway.gateway_names(fleet, "eu-agent") == (
        "10.20.2.2 gateway.eu-west-1.meridian.internal\n"
    )


def test_data_sources_are_the_storage_regions_the_own_one_first() -> None:
    assert gateway.data_sources(inventory(FEDERATED, "federated").fleet(), "us-graph") == [
        {
            "name": "us-east-1",
            "uid": "meridian-us-east-1",
            "url": "http://gateway.us-east-1.meridian.internal:8427",
            "user": "grafana",
            "default": True,
        },
        {
            "name": "eu-west-1",
            "uid": "meridian-eu-west-1",
            "url": "http://gateway.eu-west-1.meridian.internal:8427",
            "user": "grafana",
            "default": False,
        },
    ]


def test_a_gateways_users_are_its_writing_clusters_and_the_readers() -> None:
    assert gateway.gateway_users(inventory(PLAIN).fleet(), "us-gate-1") == USERS
    assert gateway.gateway_users(inventory(FEDERATED, "federated").fleet(), "eu-gate") == [
        "eu-west-1-eks-03-prod",
        "grafana",
        "operator",
        "vmalert",
    ]


def test_a_gateway_before_a_vmsingle_routes_each_user_to_its_own_paths() -> None:
    config = gateway.gateway_config(inventory(PLAIN).fleet(), "us-gate-1", PASSWORDS)
    users = config["users"]
    assert isinstance(users, list)
    assert [user["username"] for user in users] == [
        "eu-west-1-eks-01-prod",
        "us-east-1-eks-04-prod",
        "grafana",
        "operator",
        "vmalert",
    ]
    assert users[0] == {
        "username": "eu-west-1-eks-01-prod",
        "password": "secret of eu-west-1-eks-01-prod",
        "url_map": [
            {
                "src_paths": ["/api/v1/write"],
                "url_prefix": [
                    "http://10.20.1.1:8428/?extra_label=env=prod&extra_label=region=eu-west-1"
                    "&extra_label=storage_region=us-east-1"
                    "&extra_label=cluster=eu-west-1-eks-01-prod"
                    "&extra_label=availability_zone=eu-west-1a"
                ],
                "load_balancing_policy": "least_loaded",
                "retry_status_codes": [500, 502, 503],
            }
        ],
    }
    for reader in users[2:]:
        route = reader["url_map"][0]
        assert "/api/v1/query" in route["src_paths"]
        assert "/api/v1/write" not in route["src_paths"]
        assert route["url_prefix"] == ["http://10.20.1.1:8428/"]
    assert {user["username"]: user["url_map"][1:] for user in users} == {
        **{user: [] for user in USERS},
        # what rules record has the labels that they give it
        "vmalert": [
            {
                "src_paths": ["/api/v1/write"],
                "url_prefix": ["http://10.20.1.1:8428/"],
                "load_balancing_policy": "least_loaded",
                "retry_status_codes": [500, 502, 503],
            }
        ],
    }
    assert config["unauthorized_user"] == {
        "url_map": [{"src_paths": ["/health"], "url_prefix": ["http://127.0.0.1:8426/"]}]
    }


def test_a_gateway_before_a_cluster_sets_the_tenant_and_balances() -> None:
    regions = CLUSTER | {"us-east-1": CLUSTER["us-east-1"] | {"us-insert-2": "vminsert"}}
    fleet = inventory(regions).fleet()
    users = gateway.gateway_users(fleet, "us-gate-1")
    config = gateway.gateway_config(fleet, "us-gate-1", dict.fromkeys(users, "x"))
    routes = {user["username"]: user["url_map"][0] for user in config["users"]}  # type: ignore[attr-defined]
    assert [url.partition("?")[0] for url in routes["eu-west-1-eks-01-prod"]["url_prefix"]] == [
        "http://10.20.1.4:8480/insert/0/prometheus/",
        "http://10.20.1.9:8480/insert/0/prometheus/",
    ]
    assert routes["grafana"]["url_prefix"] == ["http://10.20.1.5:8481/select/0/prometheus/"]


def test_a_labels_value_is_escaped_in_the_route() -> None:
    made = inventory(PLAIN)
    made.hostvars["eu-agent"]["availability_zone"] = "a b&extra_label=env=dev"
    config = gateway.gateway_config(made.fleet(), "us-gate-1", PASSWORDS)
    (url,) = config["users"][0]["url_map"][0]["url_prefix"]  # type: ignore[index]
    assert url.endswith("&extra_label=availability_zone=a%20b%26extra_label%3Denv%3Ddev")


@pytest.mark.parametrize(
    ("passwords", "message"),
    [
        pytest.param(
            PASSWORDS | {"grafana": ""},
            "gateway user 'grafana' has no password; state it, or let it be generated",
            id="none",
        ),
        pytest.param(
            PASSWORDS | {"grafana": "%{GRAFANA}"},
            "the password of gateway user 'grafana' holds '%{'; choose another one",
            id="placeholder",
        ),
    ],
)
def test_a_password_that_would_let_anyone_in_is_refused(
    passwords: dict[str, str], message: str
) -> None:
    with pytest.raises(TopologyError) as caught:
        gateway.gateway_config(inventory(PLAIN).fleet(), "us-gate-1", passwords)
    assert str(caught.value) == message


def test_a_gateway_address_that_is_no_ip_is_refused() -> None:
    made = inventory(PLAIN)
    made.hostvars["us-gate-1"]["ansible_host"] = "gate.example"
    with pytest.raises(TopologyError) as caught:
        gateway.gateway_names(made.fleet(), "eu-agent")
    assert str(caught.value) == (
        "gateway address 'gate.example' of region 'us-east-1' is no IP address, and /etc/hosts "
        "needs one; state meridian_address as an IP address, or gateway_url in "
        "meridian_regions['us-east-1']"
    )


def test_a_gateway_without_storage_is_refused() -> None:
    made = inventory(PLAIN)
    made.groups["vmsingle"] = []
    with pytest.raises(TopologyError) as caught:
        gateway.gateway_config(made.fleet(), "us-gate-1", PASSWORDS)
    assert str(caught.value) == (
        "region 'us-east-1' has a gateway and no storage behind it; put a host in the group "
        "vmsingle, or hosts in vmstorage, vminsert and vmselect"
    )
