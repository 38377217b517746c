"""The plan for people: a table per region, and a diagram."""

from __future__ import annotations

from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    Inventory,
    inventory,
)


def lines(made: Inventory) -> list[str]:
    planned = fleet_plan(made.fleet(), made.any_host)["lines"]
    assert isinstance(planned, list)
    return planned


def diagram(made: Inventory) -> list[str]:
    return f"{fleet_plan(made.fleet(), made.any_host)['diagram']}".splitlines()


def test_a_regions_table_says_who_does_what() -> None:
    assert lines(inventory(PLAIN)) == [
        "eu-west-1: 1 host, metrics stored in us-east-1",
        "  host      does       what",
        "  --------  ---------  ----",
        "  eu-agent  writes to  http://gateway.us-east-1.meridian.internal:8427/api/v1/write as "
        "eu-west-1-eks-01-prod",
        "  eu-agent  scrapes    vmagent on eu-agent",
        "  eu-agent  scrapes    blackbox on eu-agent",
        "  eu-agent  probes     us-east-1 (3)",
        "",
        "us-east-1: 4 hosts, metrics stored in us-east-1",
        "  host       does              what",
        "  ---------  ----------------  ----",
        "  us-agent   writes to         "
        "http://gateway.us-east-1.meridian.internal:8427/api/v1/write as us-east-1-eks-04-prod",
        "  us-agent   scrapes           vmsingle on us-single",
        "  us-agent   scrapes           vmauth on us-gate-1, us-gate-2",
        "  us-agent   scrapes           vmagent on us-agent",
        "  us-agent   scrapes           blackbox on us-agent",
        "  us-agent   probes            eu-west-1 (1)",
        "  us-gate-1  routes writes to  us-single",
        "  us-gate-1  routes reads to   us-single",
        "  us-gate-2  routes writes to  us-single",
        "  us-gate-2  routes reads to   us-single",
    ]


def test_a_storage_clusters_table_says_which_nodes_are_written_and_read() -> None:
    planned = lines(inventory(CLUSTER))
    for row in (
        "  us-gate-1  routes writes to  us-insert",
        "  us-gate-1  routes reads to   us-select",
        "  us-insert  writes to         10.20.1.1:8400, 10.20.1.2:8400, 10.20.1.3:8400",
        "  us-select  reads from        10.20.1.1:8401, 10.20.1.2:8401, 10.20.1.3:8401",
    ):
        assert row in planned


def test_a_node_that_is_taken_out_stands_in_the_table() -> None:
    made = inventory(CLUSTER)
    made.hostvars["us-store-2"]["vmstorage_writes"] = False
    planned = lines(made)
    assert "  us-insert   writes to         10.20.1.1:8400, 10.20.1.3:8400" in planned
    assert "  us-store-2  keeps             what it has; nothing is written to it" in planned


def test_a_grafana_reads_every_storage_region() -> None:
    regions = {
        "us-east-1": PLAIN["us-east-1"] | {"us-graph": "grafana"},
        "eu-west-1": PLAIN["eu-west-1"] | {"eu-single": "vmsingle", "eu-gate": "vmauth"},
    }
    made = inventory(regions, "federated")
    assert (
        "  us-graph   reads from        http://gateway.eu-west-1.meridian.internal:8427, "
        "http://gateway.us-east-1.meridian.internal:8427" in lines(made)
    )
    assert "  us_east_1_grafana -->|reads| eu_west_1_vmauth" in diagram(made)


def test_a_receiver_and_alerting_are_planned_and_drawn() -> None:
    regions = {
        "us-east-1": PLAIN["us-east-1"] | {"us-alert-1": "vmalert alertmanager"},
        "eu-west-1": PLAIN["eu-west-1"] | {"eu-receiver": "prometheus_receiver"},
    }
    made = inventory(regions)
    door = "http://gateway.us-east-1.meridian.internal:8427"
    for row in (
        f"  eu-receiver  passes on to  {door}/api/v1/write as eu-west-1-eks-01-prod-legacy",
        f"  us-alert-1  reads from        {door}",
        "  us-alert-1  alerts            10.20.1.5:9093",
    ):
        assert row in lines(made)
    for edge in (
        "  us_east_1_vmalert -->|reads, records| us_east_1_vmauth",
        "  us_east_1_vmalert -->|alerts| us_east_1_alertmanager",
        "  eu_west_1_prometheus_receiver -->|writes| us_east_1_vmauth",
    ):
        assert edge in diagram(made)


COPYING = {
    "us-east-1": {"us-s": "vmsingle", "us-g": "vmauth", "us-a": "vmagent"},
    "eu-west-1": {
        "eu-s": "vmsingle",
        "eu-g": "vmauth",
        "eu-a": "vmagent",
        "eu-r": "prometheus_receiver",
    },
}


def test_copies_stand_in_the_table_with_what_they_are_of() -> None:
    made = inventory(COPYING, "federated")
    made.set_region("us-east-1", replication={"mode": "full", "to": "eu-west-1"})
    keep = ["slo_.*", '{job="api"}']
    made.set_region("eu-west-1", replication={"mode": "selective", "to": "us-east-1", "keep": keep})
    us, eu = (
        f"http://gateway.{region}.meridian.internal:8427/api/v1/write"
        for region in ("us-east-1", "eu-west-1")
    )
    planned = lines(made)
    for row in (
        "us-east-1: 3 hosts, metrics stored in us-east-1, all of them also in eu-west-1",
        f"  us-a  writes to         {us} as us-east-1-eks-03-prod",
        f"  us-a  copies to         {eu} every sample",
        "eu-west-1: 4 hosts, metrics stored in eu-west-1, a part of them also in us-east-1",
        f'  eu-a  copies to         {us} {{__name__=~"slo_.*"}} or {{job="api"}}',
        f"  eu-r  passes on to      {eu} as eu-west-1-eks-01-prod-legacy",
        f'  eu-r  copies to         {us} {{__name__=~"slo_.*"}} or {{job="api"}}',
    ):
        assert row in planned
    drawn = diagram(made)
    for edge in (
        "  us_east_1_vmagent -->|writes| us_east_1_vmauth",
        "  us_east_1_vmagent -->|copies| eu_west_1_vmauth",
        "  eu_west_1_vmagent -->|copies a part| us_east_1_vmauth",
        "  eu_west_1_prometheus_receiver -->|copies a part| us_east_1_vmauth",
    ):
        assert edge in drawn


def test_a_tunnel_is_planned_and_drawn() -> None:
    regions = {
        "us-east-1": PLAIN["us-east-1"] | {"us-end": "wireguard"},
        "eu-west-1": PLAIN["eu-west-1"] | {"eu-end": "wireguard"},
    }
    made = inventory(regions)
    made.hostvars["eu-end"]["meridian_tunnel_address"] = "10.9.9.9"
    assert "  us-end     tunnels to        eu-end (10.9.9.9)" in lines(made)
    assert [edge for edge in diagram(made) if "tunnel" in edge] == [
        "  eu_west_1_wireguard <-->|tunnel| us_east_1_wireguard"
    ]


def test_the_diagram_has_a_box_per_region_and_an_edge_per_route() -> None:
    assert diagram(inventory(PLAIN)) == [
        "flowchart LR",
        '  subgraph eu_west_1["eu-west-1"]',
        '    eu_west_1_vmagent["vmagent x 1"]',
        '    eu_west_1_blackbox["blackbox x 1"]',
        "  end",
        '  subgraph us_east_1["us-east-1"]',
        '    us_east_1_vmsingle["vmsingle x 1"]',
        '    us_east_1_vmauth["vmauth x 2"]',
        '    us_east_1_vmagent["vmagent x 1"]',
        '    us_east_1_blackbox["blackbox x 1"]',
        "  end",
        "  eu_west_1_vmagent -->|writes| us_east_1_vmauth",
        "  eu_west_1_vmagent -.->|scrapes| eu_west_1_blackbox",
        "  eu_west_1_blackbox -.->|probes| us_east_1",
        "  us_east_1_vmauth --> us_east_1_vmsingle",
        "  us_east_1_vmagent -->|writes| us_east_1_vmauth",
        "  us_east_1_vmagent -.->|scrapes| us_east_1_vmsingle",
        "  us_east_1_vmagent -.->|scrapes| us_east_1_vmauth",
        "  us_east_1_vmagent -.->|scrapes| us_east_1_blackbox",
        "  us_east_1_blackbox -.->|probes| eu_west_1",
    ]


def test_an_operators_balancer_stands_before_the_gateways() -> None:
    made = inventory(PLAIN)
    made.set_region("us-east-1", gateway_url="https://metrics.example/")
    drawn = diagram(made)
    assert '    us_east_1_gateway["https://metrics.example"]' in drawn
    assert "  eu_west_1_vmagent -->|writes| us_east_1_gateway" in drawn
    assert "  us_east_1_gateway --> us_east_1_vmauth" in drawn


def test_a_region_of_another_inventory_is_drawn_with_its_gateway() -> None:
    made = inventory({"eu-west-1": PLAIN["eu-west-1"]}, meridian_storage_region="us-east-1")
    made.set_region("us-east-1", gateway_addresses=["192.0.2.1", "192.0.2.2"])
    assert "us-east-1: no host here, metrics stored in us-east-1" in lines(made)
    assert '    us_east_1_gateway["http://gateway.us-east-1.meridian.internal:8427"]' in diagram(
        made
    )


def test_the_probes_of_many_regions_are_drawn_as_one_edge_a_region() -> None:
    regions = {f"region-{n}": {f"agent-{n}": "vmagent blackbox"} for n in range(14)}
    regions["region-0"] |= {"single": "vmsingle", "gate": "vmauth"}
    drawn = diagram(inventory(regions))
    assert '  others(("every other region"))' in drawn
    assert [edge for edge in drawn if "probes" in edge] == [
        f"  {region.replace('-', '_')}_blackbox -.->|probes| others" for region in sorted(regions)
    ]
