from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    CANDIDATES,
    expected_jobs,
    report_candidates,
    report_queries,
    trial_error,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import PLAIN, inventory
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.report_samples import (
    sample_fleet,
    vector,
)


def candidates(fleet: Fleet, hosts: list[str]) -> list[tuple[str, str]]:
    found = report_candidates(fleet, hosts[0], hosts)
    return [(each["storage_region"], each["host"]) for each in found]


def tried(fleet: Fleet, *errors: str) -> list[dict[str, Any]]:
    """Results of the trials of all agents, the first ones with an error."""
    found = report_candidates(fleet, "", fleet.all_hosts("vmagent"))
    failed = [*errors, *([""] * len(found))][: len(found)]
    return [
        {"item": each, "msg": error, "unreachable": True}
        if error
        else {"item": each, "answers": {"trial": vector([])}}
        for each, error in zip(found, failed, strict=True)
    ]


def queries(fleet: Fleet) -> dict[str, dict[str, list[str]]]:
    asked = report_queries(fleet, "", tried(fleet))
    return {r["name"]: parse_qs(urlsplit(r["url"]).query) for r in asked[0]["requests"]}


def test_agents_of_the_storage_region_are_preferred_then_one_of_each_other_region() -> None:
    fleet = sample_fleet(4)
    assert candidates(fleet, list(fleet.all_hosts("vmagent"))) == [
        ("us-east-1", "us-east-1-agent-1"),
        ("us-east-1", "ap-northeast-1-agent-1"),
        ("us-east-1", "ap-southeast-1-agent-1"),
    ]


def test_a_limit_leaves_its_own_agents() -> None:
    fleet = sample_fleet(4)
    assert candidates(fleet, ["eu-west-1-agent-1", "eu-west-1-receiver-1"]) == [
        ("us-east-1", "eu-west-1-agent-1")
    ]


def test_few_hosts_are_tried_however_many_there_are() -> None:
    fleet = sample_fleet(12)
    assert len(candidates(fleet, list(fleet.all_hosts("vmagent")))) == CANDIDATES


def test_each_region_of_a_federated_fleet_is_asked_by_its_own_agents() -> None:
    hosts = {
        "region-a": {"a-1": "vmagent blackbox vmsingle vmauth", "a-2": "vmagent"},
        "region-b": {"b-1": "vmagent blackbox vmsingle vmauth"},
    }
    fleet = inventory(hosts, "federated").fleet()
    assert candidates(fleet, ["a-1", "a-2", "b-1"]) == [
        ("region-a", "a-1"),
        ("region-a", "a-2"),
        ("region-b", "b-1"),
    ]


def test_the_first_candidate_that_gets_through_asks() -> None:
    fleet = sample_fleet(4)
    for errors, expected in (
        ((), ["us-east-1-agent-1"]),
        (("away",), ["ap-northeast-1-agent-1"]),
        (("away", "away", "away"), []),
    ):
        assert [e["host"] for e in report_queries(fleet, "", tried(fleet, *errors))] == expected


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"answers": {"trial": vector([])}}, None),
        ({"unreachable": True, "msg": "no route to host"}, "no route to host"),
        ({"answers": {"trial": {"status": 0, "body": "", "error": "refused"}}}, "refused"),
        (
            {"answers": {"trial": {"status": 401, "body": "who?\n", "error": ""}}},
            "status 401: who?",
        ),
    ],
)
def test_a_trial_says_why_it_did_not_get_through(result: dict[str, Any], error: str | None) -> None:
    assert trial_error(result) == error


def test_queries_read_programs_of_the_inventory_only() -> None:
    asked = queries(inventory(PLAIN).fleet())
    jobs = 'job=~"blackbox|vmagent|vmauth|vmsingle"'
    assert asked["up"] == {
        "query": [f"max by (job,instance) (last_over_time(up{{{jobs}}}[2m]))"],
        "nocache": ["1"],
        "latency_offset": ["1s"],
    }
    assert asked["history"]["start"] == ["-3600s"]
    assert asked["history"]["query"] == asked["samples"]["query"]


def test_no_query_reads_what_vmalert_records() -> None:
    """A recorded series is known by the colons in its name."""
    assert not [
        text for each in queries(sample_fleet(4)).values() for text in each["query"] if ":" in text
    ]


def test_every_program_of_a_host_is_expected() -> None:
    fleet = sample_fleet(4)
    assert expected_jobs(fleet, "eu-west-1") == {
        "eu-west-1-agent-1": ["vmagent", "blackbox", "node_exporter"],
        "eu-west-1-legacy-1": ["node_exporter"],
        "eu-west-1-receiver-1": ["prometheus_receiver", "prometheus", "node_exporter"],
    }
