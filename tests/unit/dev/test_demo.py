"""The demo: what it reads from an inventory and how it sums up a fleet."""

from __future__ import annotations

from pathlib import Path

import demo
from hosts import Host

LISTED = {
    "_meta": {
        "hostvars": {
            "eu-agent": {"ansible_host": "10.20.2.31", "meridian_source": "package"},
            "us-gateway": {"ansible_host": "10.20.1.21", "meridian_source": "package"},
            "us-storage": {
                "ansible_host": "10.20.1.11",
                "meridian_source": "package",
                "vmsingle_source": "archive",
            },
        }
    },
    "all": {"children": ["vmagent", "vmauth", "vmsingle"]},
    "vmagent": {"hosts": ["eu-agent"]},
    "vmauth": {"hosts": ["us-gateway"]},
    "vmsingle": {"hosts": ["us-storage"]},
}

REPORT = {
    "regions": ["eu-west-1", "us-east-1"],
    "clusters": {
        "us-east-1-eks-01-prod": {"region": "us-east-1", "series": 812, "samples": 19744},
        "eu-west-1-eks-01-prod": {"region": "eu-west-1", "series": 7, "samples": 9},
    },
    "probe_seconds": {"eu-west-1": {"us-east-1": 0.00214}},
}


def test_an_inventory_tells_hosts_gateways_and_what_comes_from_archives():
    assert demo.parse_inventory([Path("x"), Path("y")], LISTED) == demo.Inventory(
        sources=[Path("x"), Path("y")],
        hosts=[
            Host("eu-agent", address="10.20.2.31"),
            Host("us-gateway", address="10.20.1.21"),
            Host("us-storage", address="10.20.1.11"),
        ],
        gateways=["10.20.1.21"],
        components=["vmsingle"],
    )


def test_archives_are_the_source_where_nothing_is_said():
    assert demo.source({}, "vmagent") == "archive"


def test_the_summary_shows_samples_latency_and_the_way_to_query():
    inventory = demo.Inventory(
        sources=[demo.ROOT / "inventories" / "demo", demo.GRAFANA],
        hosts=[],
        gateways=["10.20.1.21", "10.20.1.22"],
        components=[],
    )
    assert demo.summary(inventory, REPORT).splitlines() == [
        "",
        "Samples by cluster",
        "  cluster                series  samples, last hour",
        "  eu-west-1-eks-01-prod       7                   9",
        "  us-east-1-eks-01-prod     812              19,744",
        "",
        "Probe latency in milliseconds, from the region on the left to the one above",
        "             eu-west-1  us-east-1",
        "  eu-west-1          -        2.1",
        "  us-east-1          -          -",
        "",
        "Query it as 'operator'; the password is in inventories/demo/.credentials/operator.txt:",
        '  curl -u "operator:$(cat inventories/demo/.credentials/operator.txt)" '
        '"http://10.20.1.21:8427/api/v1/query?query=up"',
        "All gateways: 10.20.1.21, 10.20.1.22, port 8427",
    ]


def test_the_gateways_of_the_view_of_all_regions_are_those_of_its_region():
    regions = {"meridian_regions": {"eu-west-1": {}, "us-east-1": {}}}
    hosts = {
        "eu-gateway": {"ansible_host": "10.20.2.21", **regions},
        "us-gateway": {"ansible_host": "10.20.1.21", **regions},
        "us-view": {"ansible_host": "10.20.1.41", **regions},
    }
    listed = {
        "_meta": {"hostvars": hosts},
        "eu_west_1": {"hosts": ["eu-gateway"]},
        "us_east_1": {"hosts": ["us-gateway", "us-view"]},
        "vmauth": {"hosts": ["eu-gateway", "us-gateway"]},
        "vmselect_global": {"hosts": ["us-view"]},
    }
    found = demo.parse_inventory([demo.ROOT / "inventories" / "federated"], listed)
    assert found.views == ["10.20.1.21"]
    told = [line for line in demo.summary(found, REPORT).splitlines() if "operator-global" in line]
    assert told == [
        "All regions at once, as 'operator-global' with its own password: http://10.20.1.21:8427"
    ]
