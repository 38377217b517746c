"""What is asked of the view of all regions where a gateway has one, and what it lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import verification, view_check
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventory,
)

CLUSTER = {"store": "vmstorage vminsert vmselect", "gate": "vmauth", "agent": "vmagent"}
SINGLE = {"store": "vmsingle", "gate": "vmauth", "agent": "vmagent"}


def named(prefix: str, hosts: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}-{host}": components for host, components in hosts.items()}


def made() -> Inventory:
    """Two regions on clusters, one on a vmsingle; the view of all is in us-east-1."""
    return inventory(
        {
            "us-east-1": {**named("us", CLUSTER), "us-view": "vmselect_global"},
            "eu-west-1": named("eu", CLUSTER),
            "ap-south-1": named("ap", SINGLE),
        },
        "federated",
        meridian_replication_factor=1,
    )


def answer(*regions: str, partial: bool = False, status: int = 200) -> dict[str, Any]:
    result = [{"metric": {"region": region}, "value": [1, "3"]} for region in regions]
    body = {"status": "success", "isPartial": partial, "data": {"result": result}}
    return {"status": status, "body": json.dumps(body), "error": ""}


def test_the_regions_on_clusters_are_expected_where_the_view_is() -> None:
    fleet = made().fleet()
    assert view_check.seen_regions(fleet, "us-east-1") == ["eu-west-1", "us-east-1"]
    assert view_check.seen_regions(fleet, "eu-west-1") == []


def test_the_region_of_the_view_asks_for_all_and_the_others_do_not() -> None:
    fleet = made().fleet()
    agents = ["us-agent", "eu-agent", "ap-agent"]
    plan = verification.verification_plan(fleet, "us-agent", agents)
    [asked] = [each for each in plan["requests"] if each["user"] == "operator-global"]
    assert asked["url"].startswith("http://gateway.us-east-1.meridian.internal:8427/api/v1/query?")
    assert "operator-global" in plan["users"]
    other = verification.verification_plan(fleet, "eu-agent", agents)
    assert "operator-global" not in f"{other}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(answer("eu-west-1", "us-east-1"), [], id="whole"),
        pytest.param(
            answer("us-east-1", partial=True),
            [
                "the global view is partial: not every region's vmselects answer it",
                "the global view has no samples of eu-west-1",
            ],
            id="a region is away",
        ),
        pytest.param(
            answer(),
            ["the global view has no samples of eu-west-1, us-east-1"],
            id="nothing arrives",
        ),
        pytest.param(
            {"status": 503, "body": "cannot fetch\n", "error": ""},
            [
                "user 'operator-global' got 503 for the query 'regions of the global view': "
                "cannot fetch"
            ],
            id="refused",
        ),
    ],
)
def test_what_the_view_lacks_is_named(given: dict[str, Any], expected: list[str]) -> None:
    assert view_check.view_problems(given, ["eu-west-1", "us-east-1"]) == expected


def test_what_the_view_lacks_is_a_problem_of_the_fleet() -> None:
    fleet = made().fleet()
    plan = verification.verification_plan(fleet, "us-agent", ["us-agent"])
    answers = {request["name"]: answer() for request in plan["requests"]}
    found = verification.problems(answers, plan)
    assert "the global view has no samples of eu-west-1, us-east-1" in found
    answers[view_check.QUERY] = answer("eu-west-1", "us-east-1")
    assert not [each for each in verification.problems(answers, plan) if "global view" in each]
