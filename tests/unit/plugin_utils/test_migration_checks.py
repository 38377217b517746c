"""What a host does in a phase of a migration, and what speaks against the phase."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration_checks import (
    answer_problems,
    migration_plan,
    migration_problems,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventory,
)

REGIONS = {
    "us-east-1": {"us-single": "vmsingle", "us-gate": "vmauth", "us-agent": "vmagent vmalert"},
    "eu-west-1": {
        "eu-single": "vmsingle",
        "eu-gate-1": "vmauth",
        "eu-gate-2": "vmauth",
        "eu-agent": "vmagent vmalert",
        "eu-receiver": "prometheus_receiver",
    },
}
US = "http://gateway.us-east-1.meridian.internal:8427"
EU = "http://gateway.eu-west-1.meridian.internal:8427"
BEGINS = "a migration begins with a fleet that is stored in us-east-1 and runs"
LACKS = (
    "'us-east-1' lacks what was written to 'eu-west-1' alone since phase finish; run phase readers "
    "first, which brings it there"
)


def fleet(
    phase: str,
    *,
    writes: list[str] | None = None,
    asks: str = US,
    done: list[str] | None = None,
    alone: int = 0,
) -> Inventory:
    """A fleet in a phase, whose programs of eu-west-1 run so; `writes` None: they do not run."""
    made = inventory(REGIONS, "federated", meridian_migration={"from": "us-east-1", "phase": phase})
    urls = [f"{url}/api/v1/write" for url in writes or []]
    programs: dict[str, Any] = {"vmalert": {"datasource.url": [asks]}}
    if writes is not None:
        programs["vmagent"] = {"remoteWrite.url": [url.replace("://", "://dns+") for url in urls]}
    made.hostvars["eu-agent"]["migrate_running"] = {"programs": programs}
    receiver = {"prometheus_receiver": {"remoteWrite.url": [*urls, "http://127.0.0.1:9090/x"]}}
    made.hostvars["eu-receiver"]["migrate_running"] = {"programs": receiver}
    made.hostvars["us-single"]["migrate_running"] = {
        "programs": {"vmsingle": {"retentionPeriod": ["1y"]}}
    }
    made.hostvars["eu-gate-1"]["migrate_state"] = {"phases": done or [], "alone": alone}
    return made


def problems(made: Inventory, limit: str = "") -> list[str]:
    return migration_problems(made.fleet(), made.any_host, limit)


DONE = ["build", "dual_write", "backfill", "readers", "finish"]


@pytest.mark.parametrize(
    ("phase", "writes", "asks"),
    [
        ("build", [US], US),
        ("build", [US, EU], EU),
        ("dual_write", [US], US),
        ("dual_write", [US, EU], EU),
        ("backfill", [US, EU], US),
        ("readers", [US, EU], US),
        ("readers", [EU], EU),
        ("finish", [US, EU], EU),
        ("finish", [EU], EU),
    ],
)
def test_nothing_speaks_against_the_next_phase_the_same_or_an_earlier_one(
    phase: str, writes: list[str], asks: str
) -> None:
    alone = int(writes == [EU])
    assert problems(fleet(phase, writes=writes, asks=asks, done=DONE, alone=alone)) == []


@pytest.mark.parametrize(("phase", "before"), list(zip(DONE[1:], DONE[:-1], strict=True)))
def test_a_phase_needs_the_one_before(phase: str, before: str) -> None:
    done = DONE[: DONE.index(before)]
    assert problems(fleet(phase, writes=[US, EU], asks=EU, done=done)) == [
        f"phase {before} is not complete in 'eu-west-1'; run it first"
    ]


@pytest.mark.parametrize("phase", ["backfill", "readers", "finish"])
def test_what_runs_counts_more_than_what_is_noted(phase: str) -> None:
    assert problems(fleet(phase, writes=[US], asks=EU, done=DONE)) == [
        f"the agent of host '{host}' writes to 'us-east-1' only; run phase dual_write first"
        for host in ("eu-agent", "eu-receiver")
    ]


@pytest.mark.parametrize("phase", ["build", "dual_write", "backfill"])
def test_what_the_old_storage_lacks_is_brought_there_before_it_is_read_again(phase: str) -> None:
    assert problems(fleet(phase, writes=[EU], asks=EU, done=DONE)) == [LACKS]
    assert problems(fleet(phase, writes=[US, EU], asks=EU, done=DONE, alone=1)) == [LACKS]


def test_writes_do_not_end_before_readers_ask_the_new_storage() -> None:
    assert problems(fleet("finish", writes=[US, EU], asks=US, done=DONE)) == [
        "vmalert of host 'eu-agent' does not ask 'eu-west-1'; run phase readers first"
    ]


def test_agents_have_to_run_when_both_storages_are_to_have_their_samples() -> None:
    off = [
        "the agent of host 'eu-receiver' writes neither to 'us-east-1' nor to 'eu-west-1'; a "
        "migration begins with a fleet that is stored in 'us-east-1' and runs"
    ]
    assert problems(fleet("build", done=DONE)) == off
    assert problems(fleet("backfill", done=DONE)) == [
        "no agent runs on host 'eu-agent'; start it (site.yml)",
        *off,
    ]


def test_a_region_without_a_gateway_cannot_take_its_samples() -> None:
    made = fleet("build", writes=[US])
    made.groups["vmauth"] = ["us-gate"]
    assert problems(made) == [
        "region 'eu-west-1' has no gateway of its own; put hosts of it in the group vmauth"
    ]


def test_a_region_that_only_stores_has_nothing_to_move() -> None:
    made = fleet("finish", writes=[EU], asks=EU, done=DONE)
    made.set_all(meridian_regions={"us-east-1": {}, "eu-west-1": {}, "ap-south-1": {}})
    made.groups["ap_south_1"] = ["ap-single"]
    made.groups["vmsingle"] = [*made.groups["vmsingle"], "ap-single"]
    made.hostvars["ap-single"] = {}
    assert problems(made) == []


def test_a_part_of_the_fleet_cannot_be_moved() -> None:
    assert problems(fleet("build", writes=[US]), "eu_west_1") == [
        "--limit eu_west_1 leaves out hosts that take part in the phase; run without it"
    ]


def test_without_a_migration_there_is_nothing_to_do() -> None:
    made = inventory(REGIONS, "federated")
    stated = (
        "no migration is stated; write meridian_migration: {from: REGION, phase: build} beside "
        "meridian_topology: federated in group_vars/all.yml"
    )
    assert problems(made) == [stated]
    with pytest.raises(TopologyError) as failure:
        migration_plan(made.fleet(), "eu-gate-1")
    assert f"{failure.value}" == stated


def test_the_first_gateway_of_a_region_works_for_it() -> None:
    made = fleet("backfill", writes=[US, EU]).fleet()
    assert {
        host: migration_plan(made, host)["works"]
        for host in ("us-gate", "eu-gate-1", "eu-gate-2", "eu-agent")
    } == {"us-gate": False, "eu-gate-1": True, "eu-gate-2": False, "eu-agent": False}
    plan = migration_plan(made, "eu-gate-1")
    assert plan["source"] == ["http://10.20.1.2:8427"]
    assert plan["destination"] == ["http://10.20.2.2:8427", "http://10.20.2.3:8427"]
    assert (plan["origin"], plan["region"], plan["retention"]) == ("us-east-1", "eu-west-1", "1y")
    assert plan["copies"]


def test_a_load_balancer_of_the_operator_is_asked_where_there_is_one() -> None:
    made = fleet("backfill", writes=[US, EU])
    made.set_region("us-east-1", gateway_url="https://metrics.example/us/")
    plan = migration_plan(made.fleet(), "eu-gate-1")
    assert plan["source"] == ["https://metrics.example/us"]


def test_only_the_old_gateways_are_asked_before_there_are_others() -> None:
    plan = migration_plan(fleet("build", writes=[US]).fleet(), "eu-gate-1")
    assert [each["name"] for each in plan["requests"]] == ["query http://10.20.1.2:8427"]


def test_gateways_have_to_take_the_samples_of_their_clusters_and_to_answer_in_full() -> None:
    made = fleet("dual_write", writes=[US]).fleet()
    plan = migration_plan(made, "eu-gate-1")
    well = {"status": 200, "body": '{"isPartial":false}', "error": ""}
    answers = {each["name"]: well for each in plan["requests"]}
    assert answer_problems(answers, plan) == []
    assert len(answers) == 3 + 2 * 2
    cluster = "eu-west-1-eks-04-prod"
    answers["query http://10.20.2.2:8427"] = {**well, "body": '{"isPartial":true}'}
    answers[f"write http://10.20.2.3:8427 {cluster}"] = {**well, "status": 401, "body": "no\n"}
    answers["query http://10.20.2.3:8427"] = {"status": 0, "body": "", "error": "refused"}
    assert answer_problems(answers, plan) == [
        "http://10.20.2.2:8427/api/v1/query answers in part only; start all storage nodes behind "
        "it",
        "http://10.20.2.3:8427/api/v1/query answers user 'operator' with 0: refused; run phase "
        "build first",
        f"http://10.20.2.3:8427/api/v1/write answers user '{cluster}' with 401: no; run phase "
        "build first",
    ]


@pytest.mark.parametrize(
    ("phase", "remedy"),
    [("build", BEGINS), ("finish", "see that the gateway and its storage run")],
)
def test_what_to_do_about_a_gateway_depends_on_the_phase(phase: str, remedy: str) -> None:
    plan = migration_plan(fleet(phase, writes=[US]).fleet(), "eu-gate-1")
    away = {"status": 0, "body": "", "error": "refused"}
    found = answer_problems({each["name"]: away for each in plan["requests"]}, plan)
    assert found[0].endswith(f"with 0: refused; {remedy}")
