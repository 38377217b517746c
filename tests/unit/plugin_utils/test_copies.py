"""How copies are sent, and who does not read them where they go."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.filter import copy_outage_hours, write_keep
from ansible_collections.meridian.metrics.plugins.plugin_utils import copies, gateway
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventory,
)

REGIONS = {
    "us-east-1": {"us-single": "vmsingle", "us-gate": "vmauth", "us-agent": "vmagent vmalert"},
    "eu-west-1": {"eu-single": "vmsingle", "eu-gate": "vmauth", "eu-agent": "vmagent vmalert"},
}
SELECTIVE = {"mode": "selective", "to": "eu-west-1", "keep": ["slo_.*", "up"], "queue_hours": 6}


def federated(replication: object) -> Inventory:
    made = inventory(REGIONS, "federated")
    made.set_region("us-east-1", replication=replication)
    return made


def test_a_writer_is_told_what_goes_to_which_url() -> None:
    fleet = federated(SELECTIVE).fleet()
    assert copies.write_keep(fleet, "us-agent") == [
        [],
        ['{__name__=~"slo_.*"}', '{__name__=~"up"}'],
    ]
    assert copies.write_keep(fleet, "eu-agent") == [[]]


def test_an_outage_of_the_copies_lasts_as_long_as_is_stated_for_them() -> None:
    assert copies.copy_outage_hours(federated(SELECTIVE).fleet(), "us-agent", 24) == 6
    full = {"mode": "full", "to": "eu-west-1"}
    assert copies.copy_outage_hours(federated(full).fleet(), "us-agent", 24) == 24
    assert copies.copy_outage_hours(federated("none").fleet(), "us-agent", 24) == 24


def test_a_role_without_a_topology_sends_everything() -> None:
    alone: dict[str, dict[str, Any]] = {"h": {"ansible_host": "10.0.0.1"}}
    keep = write_keep.FilterModule().filters()["write_keep"]
    hours = copy_outage_hours.FilterModule().filters()["copy_outage_hours"]
    assert keep({"all": ["h"]}, alone, "h") == []
    assert hours({"all": ["h"]}, alone, "h", 24) == 24


@pytest.mark.parametrize("keep", [[], [[]], [[], []]])
def test_without_selectors_there_is_neither_a_flag_nor_a_file(keep: list[list[str]]) -> None:
    assert copies.url_relabeling(keep, {"env": "prod"}, "/etc/x") == {"args": None, "files": []}


def test_selectors_are_tried_on_samples_with_their_labels_for_their_url_only() -> None:
    made = copies.url_relabeling([[], ['{env="prod"}', "up{}"]], {"env": "prod"}, "/etc/x")
    assert made["args"] == ["", "/etc/x/keep-2.yml"]
    [file] = made["files"]  # type: ignore[misc]
    assert (file["path"], file["on_change"]) == ("keep-2.yml", "reload")
    assert yaml.safe_load(file["content"]) == [
        {"target_label": "env", "replacement": "prod"},
        {"action": "keep", "if": ['{env="prod"}', "up{}"]},
    ]


def read_urls(made: Inventory, host: str, user: str) -> list[str]:
    fleet = made.fleet()
    passwords = dict.fromkeys(gateway.gateway_users(fleet, host), "x")
    users = gateway.gateway_config(fleet, host, passwords)["users"]
    [urls] = [
        each["url_map"][0]["url_prefix"]
        for each in users  # type: ignore[attr-defined]
        if each["username"] == user
    ]
    return list(urls)


def test_rules_do_not_see_what_others_have_copied_and_people_do() -> None:
    made = federated(SELECTIVE)
    [url] = read_urls(made, "eu-gate", "vmalert")
    assert parse_qs(urlsplit(url).query) == {"extra_filters[]": ['{region!~"us-east-1"}']}
    for user in ("grafana", "operator"):
        assert read_urls(made, "eu-gate", user) == ["http://10.20.2.1:8428/"]
    assert read_urls(made, "us-gate", "vmalert") == ["http://10.20.1.1:8428/"]
