"""Test hosts: which network a fleet gets, and what a killed run left there."""

from __future__ import annotations

import hosts
import pytest
from hosts import Host, network_of
from steps import Failure


def test_hosts_without_addresses_share_dockers_network():
    assert network_of([Host("a"), Host("b")]) is None


def test_a_fleet_with_addresses_gets_the_network_around_them():
    fleet = [Host("a", address="10.20.1.11"), Host("b", address="10.20.4.31")]
    assert network_of(fleet) == "10.20.0.0/16"


def test_addresses_in_two_networks_are_refused():
    fleet = [Host("a", address="10.20.1.11"), Host("b", address="10.21.4.31")]
    with pytest.raises(Failure) as caught:
        network_of(fleet)
    assert str(caught.value) == (
        "The hosts' addresses lie in several networks: 10.20.0.0/16, 10.21.0.0/16."
    )
    assert caught.value.advice == "Give them addresses in one network of 16 bits."


@pytest.mark.parametrize(
    ("network", "running", "removed"),
    [
        ("10.20.0.0/16", [], ["molecule-a"]),
        ("10.20.0.0/16", ["molecule-a-us"], []),
        ("10.21.0.0/16", [], []),
    ],
    ids=["no host of it runs", "one runs", "another network"],
)
def test_a_dead_fleet_makes_way_and_no_other(monkeypatch, capsys, network, running, removed):
    found = {"molecule-a": ["10.20.0.0/16"], "molecule-b": ["10.30.0.0/16"]}
    gone = []
    monkeypatch.setattr(hosts, "networks_of_fleets", lambda: found)
    monkeypatch.setattr(hosts, "running", lambda _: running)
    monkeypatch.setattr(hosts, "down", gone.append)
    hosts.forget_dead_fleets(network)
    assert gone == removed
    printed = capsys.readouterr()
    assert (printed.out, "molecule-a" in printed.err) == ("", bool(removed))
