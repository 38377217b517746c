"""The seam between filters and the topology."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.fleet_filter import fleet_filter
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    region_of,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import PLAIN, inventory


class Wrapped:
    """Holds a value as ansible-core 2.19 does."""

    def __init__(self, value: list[str]) -> None:
        self.value = value


class LazyGroups(dict[str, Any]):
    """Groups that hold their values wrapped, and count the lists that are looked at."""

    looked_at = 0

    def __init__(self, groups: dict[str, list[str]]) -> None:
        super().__init__({name: Wrapped(hosts) for name, hosts in groups.items()})

    def __getitem__(self, name: str) -> list[str]:
        self.looked_at += 1
        return [host.replace("{{ here }}", "us-agent") for host in super().__getitem__(name).value]


def agents(fleet: Fleet, _host: str) -> tuple[str, ...]:
    return fleet.all_hosts("vmagent")


def test_plain_names_are_taken_out_of_their_wrappers() -> None:
    made = inventory(PLAIN)
    groups = LazyGroups(made.groups)
    found = fleet_filter(agents)(groups, made.hostvars, "us-agent")
    assert found == ("eu-agent", "us-agent")
    assert groups.looked_at == 0


def test_names_that_are_templates_are_rendered() -> None:
    made = inventory(PLAIN)
    groups = LazyGroups(made.groups | {"vmagent": ["{{ here }}"]})
    assert fleet_filter(agents)(groups, made.hostvars, "us-agent") == ("us-agent",)


def test_a_problem_of_the_topology_is_ansibles_error() -> None:
    made = inventory(PLAIN)
    made.groups["eu_west_1"] = []
    with pytest.raises(AnsibleFilterError) as caught:
        fleet_filter(region_of)(made.groups, made.hostvars, "eu-agent")
    assert caught.value.message == (
        "host 'eu-agent' is in no region; put it in one of the groups: eu_west_1, us_east_1"
    )
