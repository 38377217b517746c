"""The seam between filters and the topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    region_of,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import PLAIN, inventory


class RawHostvars(dict[str, dict[str, Any]]):
    """Hostvars that give a host's variables unwrapped, as Ansible's do."""

    def raw_get(self, host: str) -> Mapping[str, Any]:
        return self[host]


class WrappedList(list[str]):
    """A list that must not be looked into."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a wrapped list was looked into")


def agents(fleet: Fleet, _host: str) -> tuple[str, ...]:
    return fleet.all_hosts("vmagent")


def test_wrapped_groups_are_taken_from_the_inventory_itself() -> None:
    made = inventory(PLAIN)
    hostvars = RawHostvars(made.hostvars)
    hostvars["us-agent"]["groups"] = made.groups
    wrapped = {name: WrappedList(hosts) for name, hosts in made.groups.items()}
    assert fleet_filter(agents)(wrapped, hostvars, "us-agent") == ("eu-agent", "us-agent")


def test_groups_that_are_not_the_inventorys_are_taken_as_they_are() -> None:
    made = inventory(PLAIN)
    hostvars = RawHostvars(made.hostvars)
    hostvars["us-agent"]["groups"] = made.groups
    other = made.groups | {"vmagent": ["us-agent"]}
    assert fleet_filter(agents)(other, hostvars, "us-agent") == ("us-agent",)


def test_a_problem_of_the_topology_is_ansibles_error() -> None:
    made = inventory(PLAIN)
    made.groups["eu_west_1"] = []
    with pytest.raises(AnsibleFilterError) as caught:
        fleet_filter(region_of)(made.groups, made.hostvars, "eu-agent")
    assert caught.value.message == (
        "host 'eu-agent' is in no region; put it in one of the groups: eu_west_1, us_east_1"
    )
