"""Where samples go and who is asked in each phase of the way to a federated fleet."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import routes
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    data_sources,
    gateway_config,
    gateway_names,
    gateway_users,
    read_url,
    write_urls,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import external_labels
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import PHASES, Migration
from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import parse_settings
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory

REGIONS = {
    "us-east-1": {
        "us-single": "vmsingle",
        "us-gate": "vmauth",
        "us-agent": "vmagent vmalert grafana",
    },
    "eu-west-1": {
        "eu-single": "vmsingle",
        "eu-gate": "vmauth",
        "eu-agent": "vmagent vmalert",
    },
}
US = "http://gateway.us-east-1.meridian.internal:8427"
EU = "http://gateway.eu-west-1.meridian.internal:8427"
EU_CLUSTER = "eu-west-1-eks-03-prod"
US_CLUSTER = "us-east-1-eks-03-prod"


def fleet(phase: str, **variables: object) -> Fleet:
    migration = {"from": "us-east-1", "phase": phase}
    return inventory(REGIONS, "federated", meridian_migration=migration, **variables).fleet()


def by_phase(*values: object) -> list[Any]:
    return list(zip(PHASES, values, strict=True))


@pytest.mark.parametrize(("phase", "urls"), by_phase([US], [US, EU], [US, EU], [US, EU], [EU]))
def test_the_old_destination_is_first_and_goes_last(phase: str, urls: list[str]) -> None:
    expected = [f"{url}/api/v1/write" for url in urls]
    assert write_urls(fleet(phase), "eu-agent") == expected


@pytest.mark.parametrize("phase", PHASES)
def test_what_is_stored_where_it_was_does_not_move(phase: str) -> None:
    found = fleet(phase)
    assert write_urls(found, "us-agent") == [f"{US}/api/v1/write"]
    assert read_url(found, "us-agent") == US
    assert external_labels(found, "us-agent")["storage_region"] == "us-east-1"


@pytest.mark.parametrize(("phase", "url"), by_phase(US, US, US, EU, EU))
def test_readers_ask_the_new_storage_when_it_has_its_history(phase: str, url: str) -> None:
    assert read_url(fleet(phase), "eu-agent") == url


@pytest.mark.parametrize(
    ("phase", "names"),
    by_phase(
        ["us-east-1"],
        ["us-east-1"],
        ["us-east-1"],
        ["us-east-1", "eu-west-1"],
        ["us-east-1", "eu-west-1"],
    ),
)
def test_grafana_gets_a_data_source_when_it_has_its_history(phase: str, names: list[str]) -> None:
    assert [each["name"] for each in data_sources(fleet(phase), "us-agent")] == names


@pytest.mark.parametrize(("phase", "region"), by_phase(*["us-east-1"] * 4, "eu-west-1"))
def test_labels_are_the_same_at_both_until_there_is_only_one(phase: str, region: str) -> None:
    found = fleet(phase)
    assert external_labels(found, "eu-agent")["storage_region"] == region
    for gateway in ("us-gate", "eu-gate"):
        users = gateway_config(found, gateway, passwords(found, gateway))["users"]
        for user in users:  # type: ignore[attr-defined]
            if user["username"] == EU_CLUSTER:
                prefix = user["url_map"][0]["url_prefix"][0]
                assert f"extra_label=storage_region={region}&" in prefix


@pytest.mark.parametrize(("phase", "known"), by_phase(True, True, True, True, False))
def test_the_old_gateway_knows_the_clusters_that_move_until_the_end(
    phase: str, known: bool
) -> None:
    assert (EU_CLUSTER in gateway_users(fleet(phase), "us-gate")) is known
    assert US_CLUSTER in gateway_users(fleet(phase), "us-gate")


@pytest.mark.parametrize("phase", PHASES)
def test_the_new_gateway_knows_its_clusters_before_they_come(phase: str) -> None:
    users = gateway_users(fleet(phase), "eu-gate")
    assert EU_CLUSTER in users
    assert US_CLUSTER not in users


@pytest.mark.parametrize(("phase", "there"), by_phase(False, False, True, True, False))
def test_the_user_that_copies_history_exists_as_long_as_it_copies(phase: str, there: bool) -> None:
    found = fleet(phase)
    for gateway in ("us-gate", "eu-gate"):
        assert ("migration" in gateway_users(found, gateway)) is there


def test_the_user_that_copies_history_may_do_nothing_else() -> None:
    found = fleet("backfill")
    users = gateway_config(found, "eu-gate", passwords(found, "eu-gate"))["users"]
    (user,) = (u for u in users if u["username"] == "migration")  # type: ignore[attr-defined]
    assert [(route["src_paths"], route["url_prefix"]) for route in user["url_map"]] == [
        (
            ["/api/v1/query", "/api/v1/label/[^/]+/values", "/api/v1/export/native"],
            ["http://10.20.2.1:8428/"],
        ),
        (["/api/v1/import/native"], ["http://10.20.2.1:8428/"]),
    ]


@pytest.mark.parametrize(
    ("phase", "regions"),
    by_phase({"us"}, {"eu", "us"}, {"eu", "us"}, {"eu", "us"}, {"eu"}),
)
def test_agents_know_the_names_of_the_gateways_they_write_to(phase: str, regions: set[str]) -> None:
    lines = gateway_names(fleet(phase), "eu-agent").splitlines()
    assert {line.split()[1].split(".")[1][:2] for line in lines} == regions


def test_all_regions_have_storage_from_the_first_phase_on() -> None:
    assert routes.stores(fleet("build")) == ["eu-west-1", "us-east-1"]


def test_the_phase_of_a_run_wins_over_that_of_the_inventory() -> None:
    assert fleet("build", migrate_phase="finish").settings.migration == Migration(
        "us-east-1", "finish"
    )


@pytest.mark.parametrize("stated", [None, {}])
def test_without_the_variable_a_fleet_is_complete(stated: object) -> None:
    made = inventory(REGIONS, "federated", meridian_migration=stated).fleet()
    assert made.settings.migration is None
    assert write_urls(made, "eu-agent") == [f"{EU}/api/v1/write"]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {"meridian_migration": "build"},
            "meridian_migration is 'build'; write a mapping, such as "
            "{from: us-east-1, phase: build}, or remove it",
        ),
        (
            {"meridian_migration": {"from": "us-east-1", "phase": "build", "to": "x"}},
            "meridian_migration has the unknown key 'to'; known: from, phase",
        ),
        (
            {"meridian_migration": {"from": "us-east-1", "phase": "copy"}},
            "meridian_migration.phase is 'copy'; write one of: build, dual_write, backfill, "
            "readers, finish",
        ),
        (
            {
                "meridian_migration": {"from": "us-east-1", "phase": "build"},
                "migrate_phase": "back",
            },
            "migrate_phase is 'back'; write one of: build, dual_write, backfill, readers, finish",
        ),
        (
            {"meridian_migration": {"from": "mars-1", "phase": "build"}},
            "meridian_migration.from is 'mars-1'; name the region that stored all metrics before, "
            "one of: eu-west-1, us-east-1",
        ),
        (
            {
                "meridian_topology": "centralized",
                "meridian_storage_region": "us-east-1",
                "meridian_migration": {"from": "us-east-1", "phase": "build"},
            },
            "meridian_migration is stated in a fleet whose meridian_topology is not federated; "
            "write meridian_topology: federated, or remove it",
        ),
    ],
)
def test_a_statement_that_cannot_be_meant_is_refused(
    variables: dict[str, object], problem: str
) -> None:
    made = inventory(REGIONS, "federated", **variables)
    assert parse_settings(made.hostvars[made.any_host])[1] == [problem]


def passwords(found: Fleet, gateway: str) -> dict[str, str]:
    return dict.fromkeys(gateway_users(found, gateway), "secret")
