"""Which component waits for what, and whom it asks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.filter.gate import FilterModule
from ansible_collections.meridian.metrics.plugins.modules import daemon
from ansible_collections.meridian.metrics.plugins.plugin_utils import gate as gates
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import READ_USERS
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    Inventory,
    inventory,
)

METRICS = Path(__file__).parents[1] / "data" / "metrics"
URL = "http://127.0.0.1:8429/metrics"


def asked(made: Inventory, host: str, component: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = gates.gate(made.fleet(), host, component, **options)
    return found


def checks(gate: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The checks of a gate by their queries."""
    return {check["query"]: check for check in gate["checks"]}


def up(component: str) -> str:
    return f'up{{job="{component}",region="us-east-1"}}'


REACHABLE = 'vm_rpc_vmstorage_is_reachable{job="vminsert",region="us-east-1"}'
PENDING = "vmagent_remotewrite_pending_data_bytes"
BACKLOG = f'{PENDING}{{url=~"1:.*"}}'


@pytest.mark.parametrize(
    ("host", "component", "queries"),
    [
        ("us-store-1", "vmstorage", [REACHABLE, BACKLOG]),
        ("us-insert", "vminsert", [up("vminsert"), REACHABLE, BACKLOG]),
        ("us-select", "vmselect", [up("vmselect")]),
        ("us-gate-1", "vmauth", [up("vmauth"), BACKLOG]),
    ],
)
def test_a_program_of_a_cluster_waits_for(host: str, component: str, queries: list[str]) -> None:
    assert list(checks(asked(inventory(CLUSTER), host, component))) == queries


def test_a_vmselect_of_all_regions_waits_for_its_own_kind_as_its_regions_readers_see_it() -> None:
    made = inventory(CLUSTER)
    made.groups["vmselect_global"] = ["us-select"]
    gate = asked(made, "us-select", "vmselect_global")
    assert list(checks(gate)) == [up("vmselect_global")]
    assert (gate["username"], gate["settle"]) == ("operator", 5)


def test_a_single_storage_waits_for_itself_and_the_agents() -> None:
    assert list(checks(asked(inventory(PLAIN), "us-single", "vmsingle"))) == [
        up("vmsingle"),
        BACKLOG,
    ]


@pytest.mark.parametrize(
    ("host", "component", "query", "own"),
    [
        ("us-store-2", "vmstorage", REACHABLE, {"addr": "10.20.1.2:8400"}),
        ("us-insert", "vminsert", REACHABLE, {"instance": "us-insert"}),
        ("us-gate-1", "vmauth", up("vmauth"), {"instance": "us-gate-1"}),
    ],
)
def test_a_host_may_be_changed_when_only_itself_is_missing(
    host: str, component: str, query: str, own: dict[str, str]
) -> None:
    check = checks(asked(inventory(CLUSTER), host, component))[query]
    assert (check["wanted"], check["own"]) == (1, own)


def test_a_node_is_known_by_its_own_port_for_writes() -> None:
    made = inventory(CLUSTER)
    made.hostvars["us-store-1"]["vmstorage_insert_port"] = 9400
    assert checks(asked(made, "us-store-1", "vmstorage"))[REACHABLE]["own"] == {
        "addr": "10.20.1.1:9400"
    }


def test_storage_asks_the_gateways_by_address() -> None:
    made = inventory(CLUSTER)
    made.set_all(vmauth_port=9427)
    gate = asked(made, "us-store-1", "vmstorage")
    assert gate["urls"] == ["http://10.20.1.6:9427", "http://10.20.1.7:9427"]
    assert gate["username"] in READ_USERS


def test_a_gateway_asks_itself_first() -> None:
    gate = asked(inventory(CLUSTER), "us-gate-2", "vmauth")
    assert gate["urls"] == ["http://10.20.1.7:8427", "http://10.20.1.6:8427"]


def test_a_balancer_of_the_operator_is_asked_instead() -> None:
    made = inventory(CLUSTER)
    made.set_region("us-east-1", gateway_url="https://metrics.example/")
    assert asked(made, "us-store-1", "vmstorage")["urls"] == ["https://metrics.example"]


def test_what_no_agent_scrapes_is_not_asked_for() -> None:
    regions = {"us-east-1": {"s": "vmsingle", "g": "vmauth"}, "eu-west-1": {"a": "vmagent"}}
    assert list(checks(asked(inventory(regions), "s", "vmsingle"))) == [BACKLOG]


def test_what_waits_for_another_region_is_not_asked_for() -> None:
    made = inventory(
        {
            name: {
                f"{name[:2]}-s": "vmsingle",
                f"{name[:2]}-g": "vmauth",
                f"{name[:2]}-a": "vmagent",
            }
            for name in ("us-east-1", "eu-west-1", "ap-south-1")
        },
        "federated",
    )
    for region in ("us-east-1", "ap-south-1"):
        made.set_region(region, replication={"mode": "full", "to": "eu-west-1"})
    assert list(checks(asked(made, "us-s", "vmsingle")))[-1] == BACKLOG
    assert list(checks(asked(made, "eu-s", "vmsingle")))[-1] == (
        f'{PENDING}{{region=~"eu-west-1",url=~"1:.*" or '
        'region=~"ap-south-1|us-east-1",url=~"2:.*"}'
    )


@pytest.mark.parametrize("component", ["vminsert", "vmselect"])
def test_a_backend_settles_until_gateways_try_it_again(component: str) -> None:
    host = f"us-{component.removeprefix('vm')}"
    assert asked(inventory(CLUSTER), host, component)["settle"] == 5


def test_a_storage_node_settles_until_the_others_find_the_series_that_they_took_over() -> None:
    assert asked(inventory(CLUSTER), "us-store-1", "vmstorage")["settle"] == 15


@pytest.mark.parametrize("component", gates.AGENTS)
def test_an_agent_is_asked_itself(component: str) -> None:
    gate = asked(inventory(CLUSTER), "us-agent", component, metrics_url=URL)
    assert gate == {
        "timeout": 300,
        "checks": [
            {
                "name": "the backlog of agents is no larger",
                "query": PENDING,
                "growth": 1_000_000,
                "metrics_url": URL,
            }
        ],
    }


@pytest.mark.parametrize(("timeout", "seconds"), [(60, 60), ("60", 60)])
def test_lasts_as_long_as_is_stated(timeout: object, seconds: int) -> None:
    assert (
        asked(inventory(CLUSTER), "us-store-1", "vmstorage", timeout=timeout)["timeout"] == seconds
    )


@pytest.mark.parametrize("timeout", [0, "0"])
@pytest.mark.parametrize(
    ("host", "component"), [("us-store-1", "vmstorage"), ("us-agent", "vmagent")]
)
def test_is_none_at_0_seconds(timeout: object, host: str, component: str) -> None:
    options = {"metrics_url": URL} if component == "vmagent" else {}
    assert asked(inventory(CLUSTER), host, component, timeout=timeout, **options) == {}


@pytest.mark.parametrize("timeout", ["5m", -1, 1.5, "", True])
def test_a_time_that_is_no_number_of_seconds_is_named(timeout: object) -> None:
    message = (
        f"meridian_gate_timeout is '{timeout}'; write seconds as a whole number, 0 for no gate"
    )
    with pytest.raises(TopologyError, match=f"^{re.escape(message)}$"):
        asked(inventory(CLUSTER), "us-store-1", "vmstorage", timeout=timeout)


def test_a_component_without_a_gate_is_named() -> None:
    message = (
        "component 'grafana' has no gate; components with one: vmstorage, vminsert, vmselect, "
        "vmselect_global, vmsingle, vmauth, vmagent, prometheus_receiver"
    )
    with pytest.raises(TopologyError, match=f"^{re.escape(message)}$"):
        asked(inventory(CLUSTER), "us-store-1", "grafana")


class TestFilter:
    def gate(self, made: Inventory, host: str, component: str, **options: Any) -> Any:
        return FilterModule().filters()["gate"](
            made.groups, made.hostvars, host, component, **options
        )

    def test_knows_the_fleet(self) -> None:
        made = inventory(CLUSTER)
        found = self.gate(made, "us-store-1", "vmstorage", timeout=9)
        assert found == asked(made, "us-store-1", "vmstorage", timeout=9)

    def test_has_no_gate_without_a_gateway(self) -> None:
        made = inventory({"us-east-1": {"s": "vmsingle", "a": "vmagent"}})
        assert self.gate(made, "s", "vmsingle") == {}

    def test_has_no_gate_in_no_region(self) -> None:
        made = inventory(CLUSTER)
        made.groups["us_east_1"].remove("us-store-1")
        assert self.gate(made, "us-store-1", "vmstorage") == {}

    def test_has_no_gate_without_a_topology(self) -> None:
        made = Inventory({"all": ["h"], "vmsingle": ["h"]}, {"h": {"ansible_host": "10.0.0.1"}})
        assert self.gate(made, "h", "vmsingle") == {}
        assert self.gate(made, "h", "vmagent", metrics_url=URL)["checks"][0]["metrics_url"] == URL

    def test_reports_errors_as_ansible_does(self) -> None:
        made = Inventory({"all": ["h"]}, {"h": {}})
        with pytest.raises(AnsibleFilterError, match=r"^meridian_gate_timeout is 'x'; "):
            self.gate(made, "h", "vmsingle", timeout="x")


def test_every_choice_is_a_component_with_a_gate() -> None:
    text = Path(gates.__file__).parents[1] / "filter" / "gate.py"
    documented = re.search(r'DOCUMENTATION = r"""(.*?)"""', text.read_text(), re.DOTALL)
    assert documented
    options = yaml.safe_load(documented[1])["options"]
    assert tuple(options["component"]["choices"]) == gates.COMPONENTS


@pytest.mark.parametrize(
    ("host", "component"),
    [("us-store-1", "vmstorage"), ("us-insert", "vminsert"), ("us-gate-1", "vmauth")],
)
def test_the_daemon_knows_all_that_a_gate_says(host: str, component: str) -> None:
    gate = asked(inventory(CLUSTER), host, component)
    known = daemon._specification()["gate"]["options"]
    assert set(gate) <= set(known)
    for check in gate["checks"]:
        assert set(check) <= set(known["checks"]["options"])


@pytest.mark.parametrize(
    ("program", "metric"),
    [("vminsert", "vm_rpc_vmstorage_is_reachable"), ("vmagent", PENDING)],
)
def test_the_programs_have_the_metrics(program: str, metric: str) -> None:
    found = [path.read_text() for path in METRICS.rglob(f"{program}.txt")]
    assert found
    assert all(re.search(rf"^{metric}\b", text, re.MULTILINE) for text in found)
