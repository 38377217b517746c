"""The setting `replication` of a region, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import gateway, routes
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.plugins.plugin_utils.replication import (
    SelectorError,
    selector,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import Destination
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    PLAIN,
    Inventory,
    inventory,
)

PLACE = "meridian_regions['us-east-1'].replication"
US = "us-east-1-eks-03-prod"
EU = "eu-west-1-eks-03-prod"


def federated(**replication: object) -> Inventory:
    """Two regions that store their own; `replication` is the setting of us-east-1."""
    made = inventory(
        {
            "us-east-1": {
                "us-single": "vmsingle",
                "us-gate": "vmauth",
                "us-agent": "vmagent blackbox",
                "us-receiver": "prometheus_receiver",
                "us-rules": "vmalert",
            },
            "eu-west-1": {
                "eu-single": "vmsingle",
                "eu-gate": "vmauth",
                "eu-agent": "vmagent blackbox",
            },
        },
        "federated",
    )
    if replication:
        made.set_region("us-east-1", replication=replication)
    return made


def errors(made: Inventory) -> list[str]:
    return fleet_problems(made.groups, made.hostvars, made.any_host)["errors"]


FULL = {"mode": "full", "to": "eu-west-1"}
SELECTIVE = {"mode": "selective", "to": "eu-west-1", "keep": ["slo_.*", '{job="api"}']}


def test_no_sample_leaves_its_region_unless_asked_for() -> None:
    for made in (federated(), federated(mode="none")):
        fleet = made.fleet()
        assert routes.destinations(fleet, "us-east-1") == [Destination("us-east-1")]
        assert routes.written_by(fleet, "eu-west-1") == ["eu-west-1"]
        assert routes.copied_to(fleet, "eu-west-1") == []


@pytest.mark.parametrize("word", ["none", None])
def test_none_may_be_a_word_of_its_own(word: str | None) -> None:
    made = federated()
    made.set_region("us-east-1", replication=word)
    assert errors(made) == []
    assert routes.destinations(made.fleet(), "us-east-1") == [Destination("us-east-1")]


def test_a_copy_comes_after_the_storage_region_so_that_its_queue_stays() -> None:
    fleet = federated(**FULL).fleet()
    assert routes.destinations(fleet, "us-east-1") == [
        Destination("us-east-1"),
        Destination("eu-west-1"),
    ]
    assert gateway.write_urls(fleet, "us-agent") == [
        "http://gateway.us-east-1.meridian.internal:8427/api/v1/write",
        "http://gateway.eu-west-1.meridian.internal:8427/api/v1/write",
    ]
    assert routes.destinations(fleet, "eu-west-1") == [Destination("eu-west-1")]


def test_selective_keeps_what_its_matchers_select() -> None:
    fleet = federated(**SELECTIVE, queue_hours=6).fleet()
    assert routes.destinations(fleet, "us-east-1")[1] == Destination(
        "eu-west-1", ('{__name__=~"slo_.*"}', '{job="api"}'), 6.0
    )


def test_writers_know_the_names_of_both_gateways_and_others_do_not() -> None:
    fleet = federated(**FULL).fleet()
    both = (
        "10.20.2.2 gateway.eu-west-1.meridian.internal\n"
        "10.20.1.2 gateway.us-east-1.meridian.internal\n"
    )
    assert gateway.gateway_names(fleet, "us-agent") == both
    assert gateway.gateway_names(fleet, "us-receiver") == both
    assert gateway.gateway_names(fleet, "eu-agent") == both.splitlines(keepends=True)[0]


def test_the_other_gateway_knows_the_clusters_and_enforces_the_same_labels() -> None:
    fleet = federated(**FULL).fleet()
    users = gateway.gateway_users(fleet, "eu-gate")
    assert users == [EU, "grafana", "operator", "us-east-1-eks-01-prod-legacy", US, "vmalert"]
    passwords = dict.fromkeys([*users, *gateway.gateway_users(fleet, "us-gate")], "x")
    enforced = [
        {
            user["username"]: user["url_map"][0]["url_prefix"][0].partition("?")[2]  # type: ignore[index]
            for user in gateway.gateway_config(fleet, host, passwords)["users"]  # type: ignore[attr-defined]
        }
        for host in ("us-gate", "eu-gate")
    ]
    for cluster in (US, "us-east-1-eks-01-prod-legacy"):
        assert enforced[0][cluster] == enforced[1][cluster]
        assert "extra_label=storage_region=us-east-1" in enforced[0][cluster]
    assert US not in gateway.gateway_users(federated().fleet(), "eu-gate")


def test_a_centralized_fleet_may_keep_copies_in_a_second_region() -> None:
    made = inventory(
        PLAIN
        | {"ap-south-1": {"ap-single": "vmsingle", "ap-gate": "vmauth", "ap-agent": "vmagent"}}
    )
    for region in PLAIN:
        made.set_region(region, replication={"mode": "full", "to": "ap-south-1"})
    fleet = made.fleet()
    assert routes.stores(fleet) == ["ap-south-1", "us-east-1"]
    assert routes.written_by(fleet, "ap-south-1") == ["eu-west-1", "us-east-1"]
    assert not [error for error in errors(made) if "storage" in error or "gateway" in error]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("full", " is 'full'; write none, or a mapping such as {mode: full, to: eu-west-1}"),
        (
            {"mode": "some", "to": "eu-west-1"},
            ".mode is 'some'; write one of: none, full, selective",
        ),
        ({"to": "eu-west-1"}, ".mode is ''; write one of: none, full, selective"),
        ({"mode": "full"}, ".to is not set; name the region that gets the copies"),
        (
            {"mode": "full", "to": "mars-1"},
            ".to is 'mars-1', which is not declared; other regions: eu-west-1",
        ),
        (
            {"mode": "full", "to": "us-east-1"},
            ".to is 'us-east-1', where these samples are stored already; name another region: "
            "eu-west-1",
        ),
        (
            {**FULL, "keep": ["up"]},
            ".keep is stated with mode full, which sends every sample; remove it, or write mode: "
            "selective",
        ),
        (
            {"mode": "selective", "to": "eu-west-1"},
            ".keep is ''; write a list of what is sent, regular expressions of metric names or "
            """selectors in braces, such as ["slo_.*", '{job="api"}']""",
        ),
        (
            {**SELECTIVE, "keep": "up"},
            ".keep is 'up'; write a list of what is sent, regular expressions of metric names or "
            """selectors in braces, such as ["slo_.*", '{job="api"}']""",
        ),
        (
            {**SELECTIVE, "keep": ["up", '{job="api"']},
            """.keep has '{job="api"', and it does not end with '}'""",
        ),
        (
            {**FULL, "tos": "eu"},
            " has the unknown key 'tos'; known: keep, mode, queue_hours, to",
        ),
        ({**FULL, "queue_hours": "1d"}, ".queue_hours is '1d'; write hours as a number above 0"),
        ({**FULL, "queue_hours": 0}, ".queue_hours is '0'; write hours as a number above 0"),
    ],
)
def test_what_is_wrong_is_one_problem_that_names_the_place_and_the_fix(
    stated: Any, message: str
) -> None:
    made = federated()
    made.set_region("us-east-1", replication=stated)
    assert errors(made) == [PLACE + message]


@pytest.mark.parametrize("phase", ["build", "finish"])
def test_copies_wait_until_regions_have_moved(phase: str) -> None:
    made = federated(**FULL)
    made.set_all(meridian_migration={"from": "eu-west-1", "phase": phase})
    refused = (
        f"{PLACE} is full, and the samples of regions are on their way to storage of their own; "
        "write none until the phase finish of meridian_migration"
    )
    assert (refused in errors(made)) == (phase != "finish")


def test_a_region_without_storage_takes_no_copies() -> None:
    made = inventory(PLAIN)
    made.set_region("us-east-1", replication=FULL)
    assert errors(made) == [
        "region 'eu-west-1' has no storage, and the replication of us-east-1 names it; put a host "
        "of it in the group vmsingle, or hosts in vmstorage, vminsert and vmselect, or name "
        "another region",
        "storage region 'eu-west-1' has no gateway in this inventory; put hosts of it in the group "
        "vmauth, or state gateway_addresses or gateway_url in meridian_regions['eu-west-1']",
    ]


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("up", '{__name__=~"up"}'),
        (r"slo_.*|error_rate|p\d\d", r'{__name__=~"slo_.*|error_rate|p\\d\\d"}'),
        ('{__name__=~"latency_p95",env="prod"}', '{__name__=~"latency_p95",env="prod"}'),
        ('up{env!="prod",}', 'up{env!="prod",}'),
        ("up{}", "up{}"),
        (""" { a = 'b' or c !~ "d\\\\.\\"e" } """, """{ a = 'b' or c !~ "d\\\\.\\"e" }"""),
        ('{job="a,b}c"}', '{job="a,b}c"}'),
    ],
)
def test_a_matcher_is_a_selector_or_an_expression_of_names(matcher: str, expected: str) -> None:
    assert selector(matcher) == expected


@pytest.mark.parametrize(
    ("matcher", "message"),
    [
        ("", "its regular expression is empty"),
        ("slo_(", "'slo_(' is no regular expression: missing ), unterminated subpattern"),
        ("(?!slo_).*", "its regular expression '(?!slo_).*' looks around or back, which RE2"),
        (r"(a)\1", r"its regular expression '(a)\1' looks around or back, which RE2 cannot"),
        ('{job=~"("}', "'(' is no regular expression"),
        ("{}", "it cannot be read at '}', where a label, one of = != =~ !~ and a value in quotes"),
        ("{job=api}", "it cannot be read at 'job=api}', where a label, one of"),
        ('{job="api" env="x"}', """it cannot be read at 'env="x"}', where ',' or '}' belongs"""),
        ('a b{job="api"}', "it does not begin with '{' or a metric's name"),
        ('{job="api"} > 1', "it does not end with '}'"),
    ],
)
def test_a_matcher_that_cannot_be_read_is_explained(matcher: str, message: str) -> None:
    with pytest.raises(SelectorError) as failed:
        selector(matcher)
    assert f"{failed.value}".startswith(message)
