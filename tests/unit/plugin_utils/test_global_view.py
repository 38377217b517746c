"""The view of all regions: what a global vmselect reads, its users, and what cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import gateway, global_view
from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import scrape_configs
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    PLAIN,
    Inventory,
    inventory,
)

US = {
    "us-store-1": "vmstorage",
    "us-store-2": "vmstorage vminsert vmselect",
    "us-store-3": "vmstorage vmselect",
    "us-gate-1": "vmauth",
    "us-gate-2": "vmauth",
    "us-agent": "vmagent blackbox",
    "us-view": "vmselect_global grafana",
}
EU = {
    "eu-store": "vmstorage vminsert vmselect",
    "eu-gate": "vmauth",
    "eu-agent": "vmagent blackbox grafana",
}
SINGLE = {"ap-single": "vmsingle", "ap-gate": "vmauth", "ap-agent": "vmagent blackbox"}
MIXED = {"us-east-1": US, "eu-west-1": EU, "ap-south-1": SINGLE}


def mixed(**regions: dict[str, str]) -> Inventory:
    """Two regions on clusters, one on a vmsingle; the view of all is in us-east-1."""
    made = inventory({**MIXED, **{k.replace("_", "-"): v for k, v in regions.items()}}, "federated")
    made.set_region("eu-west-1", replication_factor=1)
    return made


def problems(made: Inventory) -> tuple[list[str], list[str]]:
    found = fleet_problems(made.groups, made.hostvars, made.any_host)
    return found["errors"], [each for each in found["warnings"] if "global view" in each]


def test_every_vmselect_of_every_cluster_is_asked_by_region() -> None:
    assert global_view.view_nodes(mixed().fleet(), "us-view") == [
        "eu-west-1/10.20.2.1:8411",
        "us-east-1/10.20.1.2:8411",
        "us-east-1/10.20.1.3:8411",
    ]


def test_vmselects_of_other_regions_are_asked_by_their_tunnels() -> None:
    made = mixed()
    for host in ("eu-store", "us-store-2"):
        made.hostvars[host]["meridian_tunnel_address"] = f"10.99.0.{len(host)}"
        made.hostvars[host]["vmselect_clusternative_port"] = 9411
    assert global_view.view_nodes(made.fleet(), "us-view") == [
        "eu-west-1/10.99.0.8:9411",
        "us-east-1/10.20.1.2:9411",
        "us-east-1/10.20.1.3:8411",
    ]


def test_vmselects_listen_for_it_where_there_is_one() -> None:
    assert global_view.has_global_view(mixed().fleet(), "eu-store")
    without = {**US, "us-view": "grafana"}
    assert not global_view.has_global_view(mixed(us_east_1=without).fleet(), "eu-store")


def users(made: Inventory, host: str) -> dict[str, Any]:
    fleet = made.fleet()
    names = gateway.gateway_users(fleet, host)
    config = gateway.gateway_config(fleet, host, dict.fromkeys(names, "quiet"))
    found: Any = config["users"]
    return {user["username"]: user["url_map"] for user in found}


def test_its_gateways_know_readers_of_all_who_reach_nothing_else() -> None:
    found = users(mixed(), "us-gate-1")
    for name in gateway.GLOBAL_READ_USERS:
        [route] = found[name]
        assert route["url_prefix"] == ["http://10.20.1.7:8491/select/0/prometheus/"]
        assert "/api/v1/query" in route["src_paths"]
        assert "/api/v1/write" not in route["src_paths"]
    assert "10.20.1.7" not in f"{found['operator']}{found['grafana']}{found['vmalert']}"


@pytest.mark.parametrize("host", ["eu-gate", "ap-gate"])
def test_other_gateways_do_not_know_them(host: str) -> None:
    assert set(users(mixed(), host)).isdisjoint(gateway.GLOBAL_READ_USERS)


@pytest.mark.parametrize("host", ["us-view", "eu-agent"])
def test_every_grafana_has_each_region_and_the_view_of_all(host: str) -> None:
    sources = gateway.data_sources(mixed().fleet(), host)
    assert sorted(f"{each['name']}" for each in sources) == ["Global", *sorted(MIXED)]
    assert sources[-1] == {
        "name": "Global",
        "uid": "meridian-global",
        "url": "http://gateway.us-east-1.meridian.internal:8427",
        "user": "grafana-global",
        "default": False,
    }
    assert [each["name"] for each in sources if each["default"]] == [
        "us-east-1" if host == "us-view" else "eu-west-1"
    ]


def test_a_grafana_reads_the_view_of_its_own_region_where_several_have_one() -> None:
    made = mixed(eu_west_1={**EU, "eu-view": "vmselect_global"})
    assert gateway.data_sources(made.fleet(), "eu-agent")[-1]["url"] == (
        "http://gateway.eu-west-1.meridian.internal:8427"
    )


def test_it_and_its_links_are_scraped_as_jobs_of_their_own() -> None:
    jobs = {f"{each['job_name']}": each for each in scrape_configs(mixed().fleet(), "us-agent")}
    assert jobs["vmselect_global"]["static_configs"] == [
        {"targets": ["10.20.1.7:8491"], "labels": {"instance": "us-view"}}
    ]
    assert jobs["vmselect_global_links"]["static_configs"] == [
        {"targets": ["10.20.1.7:8493"], "labels": {"instance": "us-view"}}
    ]


def test_a_region_on_a_vmsingle_is_said_to_be_missing() -> None:
    assert problems(mixed()) == (
        [],
        [
            "the global view lacks region 'ap-south-1': it is stored on a vmsingle (ap-single), "
            "which no vmselect can ask; read it by its own data source, or store it in vmstorage, "
            "vminsert and vmselect"
        ],
    )


def test_a_region_of_another_inventory_is_said_to_be_missing() -> None:
    made = mixed(ap_south_1={})
    made.set_region(
        "ap-south-1",
        gateway_url="https://ap.example",
        probe_targets=["https://ap.example/health"],
        clusters={"ap-south-1-eks-01-prod": "ap-south-1a"},
    )
    made.groups["ap_south_1"] = []
    assert problems(made) == (
        [],
        [
            "the global view lacks region 'ap-south-1': no vmselect of it is in this inventory; "
            "add its hosts, or state its vmselects in vmselect_global_storage_nodes"
        ],
    )


def test_a_view_without_a_gateway_in_its_region_is_an_error() -> None:
    made = inventory({**PLAIN, "eu-west-1": {"eu-agent": "vmagent blackbox vmselect_global"}})
    made.groups["vmselect"] = ["us-single"]
    made.groups["vminsert"] = made.groups["vmstorage"] = ["us-single"]
    made.groups["vmsingle"] = []
    made.set_all(meridian_replication_factor=1)
    assert problems(made)[0] == [
        "region 'eu-west-1' has a vmselect_global (eu-agent) and no gateway for those who read it; "
        "put hosts of the region in the group vmauth"
    ]


def test_a_view_of_nothing_is_an_error() -> None:
    single = {**SINGLE, "ap-view": "vmselect_global"}
    made = inventory({"ap-south-1": single}, "federated")
    message = (
        "vmselect_global (ap-view) has nothing to read: no region has a vmselect; store regions in "
        "vmstorage, vminsert and vmselect, or empty the group vmselect_global"
    )
    assert problems(made) == ([message], [])
    with pytest.raises(TopologyError) as failure:
        global_view.view_nodes(made.fleet(), "ap-view")
    assert f"{failure.value}" == message


def test_the_plan_shows_what_it_reads_and_what_it_cannot() -> None:
    plan = fleet_plan(mixed().fleet(), "us-view")
    lines: Any = plan["lines"]
    rows = [" ".join(line.split()) for line in lines if "us-view" in line or "eu-agent" in line]
    assert (
        "us-view reads all regions from eu-west-1/10.20.2.1:8411, us-east-1/10.20.1.2:8411, "
        "us-east-1/10.20.1.3:8411"
    ) in rows
    assert "us-view cannot read ap-south-1: no vmselect there" in rows
    assert "eu-agent reads all regions from http://gateway.us-east-1.meridian.internal:8427" in rows
    assert "us-gate-1 routes global reads to us-view" in rows
    diagram = f"{plan['diagram']}"
    assert "us_east_1_vmauth -->|reads of all regions| us_east_1_vmselect_global" in diagram
    assert "us_east_1_vmselect_global -->|reads| eu_west_1_vmselect" in diagram
