"""Who scrapes what, which region probes which, and what it costs to find out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import gateway, scraping, topology
from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet, read_fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    PLAIN,
    CountedHostvars,
    Inventory,
    inventory,
)


def large(regions: int) -> Inventory:
    """A fleet of ten hosts a region."""
    made = {
        f"region-{number}": {
            f"r{number}-host-{host}": "vmagent node_exporter" + (" blackbox" if host == 0 else "")
            for host in range(10)
        }
        for number in range(regions)
    }
    made["region-0"] |= {"r0-single": "vmsingle", "r0-gate-1": "vmauth", "r0-gate-2": "vmauth"}
    return inventory(made)


def test_an_agent_scrapes_itself_its_host_and_its_share_of_the_other_hosts() -> None:
    assert scraping.scrape_configs(inventory(PLAIN).fleet(), "us-agent") == [
        {
            "job_name": "vmsingle",
            "static_configs": [
                {"targets": ["10.20.1.1:8428"], "labels": {"instance": "us-single"}}
            ],
        },
        {
            "job_name": "vmauth",
            "static_configs": [
                {"targets": ["10.20.1.2:8426"], "labels": {"instance": "us-gate-1"}},
                {"targets": ["10.20.1.3:8426"], "labels": {"instance": "us-gate-2"}},
            ],
        },
        {
            "job_name": "vmagent",
            "static_configs": [{"targets": ["10.20.1.4:8429"], "labels": {"instance": "us-agent"}}],
        },
        {
            "job_name": "blackbox",
            "static_configs": [{"targets": ["10.20.1.4:9115"], "labels": {"instance": "us-agent"}}],
        },
    ]


def test_every_host_of_a_region_carries_a_node_exporter_unless_a_group_says_which() -> None:
    made = inventory({"us-east-1": {"store": "vmsingle", "agent": "vmagent", "other": ""}})
    assert "node_exporter" not in scraping.scraped_hosts(made.fleet(), "agent")
    del made.groups["node_exporter"]
    made.groups["all"].append("elsewhere")
    scraped = scraping.scraped_hosts(made.fleet(), "agent")
    assert scraped["node_exporter"] == ["agent", "other", "store"]
    assert topology.carries(made.fleet(), "other", "node_exporter")
    assert not topology.carries(made.fleet(), "elsewhere", "node_exporter")
    made.groups["node_exporter"] = ["store"]
    assert scraping.scraped_hosts(made.fleet(), "agent")["node_exporter"] == ["store"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param(
            {},
            {
                "prometheus_receiver": ("10.20.1.1:9091", None),
                "prometheus": ("10.20.1.1:9090", None),
            },
            id="the agent is the door",
        ),
        pytest.param(
            {"prometheus_receiver_forward": "federate"},
            {
                "prometheus_receiver": ("10.20.1.1:9092", None),
                "prometheus": ("10.20.1.1:9091", None),
            },
            id="the Prometheus is the door",
        ),
        pytest.param(
            {"prometheus_receiver_allowed_addresses": ["192.0.2.0/24"]},
            {
                "prometheus_receiver": ("10.20.1.1:8405", "/agent/metrics"),
                "prometheus": ("10.20.1.1:8405", "/prometheus/metrics"),
                "prometheus_receiver_guard": ("10.20.1.1:8405", None),
            },
            id="a guard is the door",
        ),
    ],
)
def test_every_program_of_a_receiver_is_scraped_where_it_serves_its_metrics(
    variables: dict[str, Any], expected: dict[str, tuple[str, str | None]]
) -> None:
    made = inventory({"us-east-1": {"receiver": "prometheus_receiver", "agent": "vmagent"}})
    made.hostvars["receiver"] |= variables
    seen = {
        job["job_name"]: (static["targets"][0], static["labels"].get("__metrics_path__"))
        for job in scraping.scrape_configs(made.fleet(), "agent")
        for static in job["static_configs"]  # type: ignore[attr-defined]
        if static["labels"]["instance"] == "receiver"
    }
    assert seen == expected


def test_hosts_without_an_agent_are_dealt_out_whole_in_sorted_order() -> None:
    hosts = {"store-1": "vmstorage node_exporter", "store-2": "vmstorage node_exporter"}
    hosts |= {"store-3": "vmstorage", "agent-1": "vmagent", "agent-2": "vmagent"}
    assert scraping.agents_by_host(inventory({"us-east-1": hosts}).fleet(), "us-east-1") == {
        "agent-1": "agent-1",
        "agent-2": "agent-2",
        "store-1": "agent-1",
        "store-2": "agent-2",
        "store-3": "agent-1",
    }


def test_a_probe_is_known_by_both_regions_its_prober_and_the_probed_url() -> None:
    assert scraping.probe_configs(inventory(PLAIN).fleet(), "eu-agent") == [
        {
            "job_name": "probe",
            "metrics_path": "/probe",
            "params": {"module": ["http_2xx"]},
            "static_configs": [
                {
                    "targets": [
                        "http://10.20.1.2:8427/health",
                        "http://10.20.1.3:8427/health",
                        "http://10.20.1.4:9115/-/healthy",
                    ],
                    "labels": {
                        "__tmp_exporter": "10.20.2.1:9115",
                        "prober": "eu-agent",
                        "source_region": "eu-west-1",
                        "target_region": "us-east-1",
                    },
                }
            ],
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": ["__param_target"], "target_label": "instance"},
                {"source_labels": ["__tmp_exporter"], "target_label": "__address__"},
            ],
        }
    ]


def test_an_agent_without_an_exporter_probes_nothing() -> None:
    made = inventory(PLAIN)
    made.groups["blackbox"].remove("eu-agent")
    assert scraping.probe_configs(made.fleet(), "eu-agent") == []


@pytest.mark.parametrize(
    ("settings", "targets"),
    [
        pytest.param(
            {"probe_targets": ["http://192.0.2.9/ok"]}, ["http://192.0.2.9/ok"], id="stated"
        ),
        pytest.param(
            {"gateway_url": "https://metrics.example/"},
            ["http://10.20.1.4:9115/-/healthy", "https://metrics.example/health"],
            id="balancer",
        ),
        pytest.param(
            {"gateway_addresses": ["192.0.2.1"]},
            ["http://10.20.1.4:9115/-/healthy", "http://192.0.2.1:8427/health"],
            id="gateway addresses",
        ),
    ],
)
def test_what_a_regions_settings_state_is_probed(
    settings: dict[str, object], targets: list[str]
) -> None:
    made = inventory(PLAIN)
    made.set_region("us-east-1", **settings)
    assert scraping.probe_targets(made.fleet(), "us-east-1", "eu-agent") == targets


@pytest.mark.parametrize(
    ("ask", "host", "read"),
    [
        pytest.param(
            topology.region_of, "r7-host-3", {"r7-host-3"}, id="region: the asking host only"
        ),
        pytest.param(
            gateway.write_urls, "r7-host-3", {"r7-host-3", "r0-gate-1"}, id="write: one gateway"
        ),
        pytest.param(
            gateway.gateway_names,
            "r7-host-3",
            {"r7-host-3", "r0-gate-1", "r0-gate-2"},
            id="names: the gateways",
        ),
        pytest.param(
            scraping.scrape_configs, "r7-host-3", {"r7-host-3"}, id="scrape: the scraped hosts"
        ),
        pytest.param(scraping.probe_configs, "r7-host-3", {"r7-host-3"}, id="probe: none to ask"),
        pytest.param(
            scraping.probe_configs,
            "r7-host-0",
            {"r0-gate-1", "r0-gate-2", *(f"r{number}-host-0" for number in range(30))},
            id="probe: the targets",
        ),
    ],
)
def test_only_the_variables_of_selected_hosts_are_read_and_each_once(
    ask: Callable[[Fleet, str], object], host: str, read: set[str]
) -> None:
    made = large(regions=30)
    hostvars = CountedHostvars(made.hostvars)
    ask(read_fleet(made.groups, hostvars, host), host)
    assert hostvars.reads == dict.fromkeys(read, 1)


@pytest.mark.parametrize("regions", [5, 10])
def test_preflight_and_plan_read_each_hosts_variables_no_more_than_once(regions: int) -> None:
    made = large(regions)
    for_problems, for_plan = CountedHostvars(made.hostvars), CountedHostvars(made.hostvars)
    assert fleet_problems(made.groups, for_problems, made.any_host)["errors"] == []
    fleet_plan(read_fleet(made.groups, for_plan, made.any_host), made.any_host)
    for hostvars in (for_problems, for_plan):
        assert set(hostvars.reads.values()) == {1}
        assert len(hostvars.reads) <= regions * 10 + 3
