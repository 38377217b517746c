"""Where alerts go."""

from __future__ import annotations

from ansible_collections.meridian.metrics.plugins.plugin_utils.alerting import (
    alertmanager_advertise_address,
    alertmanager_peers,
    alertmanager_urls,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory

FLEET = {
    "us-east-1": {"us-agent": "vmagent", "us-alert": "vmalert alertmanager"},
    "eu-west-1": {"eu-agent": "vmagent", "eu-alert": "alertmanager"},
}


def test_a_vmalert_tells_every_alertmanager_of_the_fleet() -> None:
    made = inventory(FLEET)
    made.hostvars["eu-alert"] |= {"alertmanager_port": 9193, "meridian_address": "2001:db8::1"}
    assert alertmanager_urls(made.fleet(), "us-alert") == [
        "http://[2001:db8::1]:9193",
        "http://10.20.1.2:9093",
    ]


def test_an_alertmanagers_peers_are_all_others() -> None:
    fleet = inventory(FLEET).fleet()
    assert alertmanager_peers(fleet, "us-alert") == ["10.20.2.2:9094"]
    assert alertmanager_peers(fleet, "eu-alert") == ["10.20.1.2:9094"]


def test_without_alertmanagers_there_is_nobody_to_tell() -> None:
    fleet = inventory({"us-east-1": {"us-alert": "vmalert"}}).fleet()
    assert alertmanager_urls(fleet, "us-alert") == []


def test_the_mesh_reaches_an_alertmanager_by_its_ip_address() -> None:
    made = inventory(FLEET)
    made.hostvars["eu-alert"] |= {"alertmanager_cluster_port": 9194}
    assert alertmanager_advertise_address(made.fleet(), "us-alert") == "10.20.1.2:9094"
    assert alertmanager_advertise_address(made.fleet(), "eu-alert") == "10.20.2.2:9194"


def test_a_host_with_a_name_advertises_what_it_finds_itself() -> None:
    made = inventory(FLEET)
    made.hostvars["eu-alert"] |= {"meridian_address": "alert.example.net"}
    assert alertmanager_advertise_address(made.fleet(), "eu-alert") == ""
