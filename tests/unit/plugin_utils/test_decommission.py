"""Taking a storage node out: what speaks against it, and who has to know."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.decommission import (
    decommission_plan,
    decommission_problems,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    inventory,
)


def leaving() -> Fleet:
    made = inventory(CLUSTER)
    made.hostvars["us-store-2"]["vmstorage_writes"] = False
    return made.fleet()


@pytest.mark.parametrize(
    ("node", "limit", "problems"),
    [
        pytest.param("us-store-2", "", [], id="nothing"),
        pytest.param(
            "",
            "",
            ["no host is named; add -e decommission_host=NAME, a host of the group vmstorage"],
            id="no name",
        ),
        pytest.param(
            "us-agent",
            "",
            [
                "host 'us-agent' is not in the group vmstorage; hosts in it: us-store-1, "
                "us-store-2, us-store-3"
            ],
            id="no storage node",
        ),
        pytest.param(
            "us-store-3",
            "us_east_1",
            [
                "--limit us_east_1 leaves out hosts that have to let go of 'us-store-3'; run "
                "without it",
                "host 'us-store-3' is still written to; state 'vmstorage_writes: false' among its "
                "variables in the inventory, and run this again",
            ],
            id="not marked, and a limit",
        ),
    ],
)
def test_what_speaks_against_it_is_said_with_the_fix(
    node: str, limit: str, problems: list[str]
) -> None:
    assert decommission_problems(leaving(), "us-agent", node, limit) == problems


def test_a_fleet_without_a_cluster_has_no_node_to_take_out() -> None:
    assert decommission_problems(inventory(PLAIN).fleet(), "us-agent", "us-single") == [
        "host 'us-single' is not in the group vmstorage; hosts in it: none"
    ]


def test_the_other_nodes_and_the_vminserts_of_its_region_take_over() -> None:
    assert decommission_plan(leaving(), "us-select", "us-store-2") == {
        "concerned": True,
        "others": ["10.20.1.1:8401", "10.20.1.3:8401"],
        "writers": ["http://10.20.1.4:8480"],
    }


def test_hosts_of_other_regions_are_not_concerned() -> None:
    assert decommission_plan(leaving(), "eu-agent", "us-store-2")["concerned"] is False
