"""The links of a global vmselect: one for each region, over all vmselects of it."""

from __future__ import annotations

import re

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_links import (
    linked_nodes,
    links_config,
)

NODES = [
    "eu-west-1/10.20.2.1:8411",
    "us-east-1/10.20.1.2:8411",
    "us-east-1/[2001:db8::3]:8411",
]


def section(config: str, head: str) -> list[str]:
    """The lines of a section of haproxy.cfg."""
    found = re.search(rf"^{head}\n((?:    .*\n)*)", config, re.M)
    assert found, config
    return [line.strip() for line in found[1].splitlines()]


def test_each_region_has_one_link_at_an_address_of_the_host_itself() -> None:
    assert linked_nodes(NODES, 8492) == [
        "eu-west-1/127.9.0.1:8492",
        "us-east-1/127.9.0.2:8492",
    ]


def test_many_regions_have_different_addresses() -> None:
    nodes = [f"region-{number}/10.0.0.1:8411" for number in range(600)]
    made = linked_nodes(nodes, 8492)
    assert len({each.partition("/")[2] for each in made}) == 600
    assert made[250] == "region-250/127.9.1.1:8492"


def test_a_link_goes_to_every_vmselect_of_its_region_and_to_no_other() -> None:
    config = links_config(NODES, 8492, metrics_port=8493)
    assert "bind 127.9.0.1:8492" in section(config, "listen eu-west-1")
    servers = [line for line in section(config, "listen us-east-1") if line.startswith("server ")]
    assert servers == [
        "server 10.20.1.2:8411 10.20.1.2:8411",
        "server 2001:db8::3:8411 [2001:db8::3]:8411",
    ]
    assert len([line for line in config.splitlines() if line.startswith("listen ")]) == 2


def test_one_that_does_not_greet_in_time_loses_its_connections() -> None:
    defaults = section(links_config(NODES, 8492, metrics_port=8493, patience="4s"), "defaults")
    assert "timeout check 4s" in defaults
    [check] = [line for line in defaults if line.startswith("default-server")]
    assert check.endswith("on-marked-down shutdown-sessions")


def test_metrics_have_a_port_of_their_own() -> None:
    lines = section(links_config(NODES, 8492, metrics_port=8493), "frontend metrics")
    assert "bind :8493" in lines


@pytest.mark.parametrize("node", ["10.20.1.2:8411", "us-east-1/", "us-east-1/10.20.1.2", "/a:1"])
def test_what_is_no_vmselect_of_a_region_is_named(node: str) -> None:
    with pytest.raises(TopologyError) as failure:
        linked_nodes([node], 8492)
    assert f"{failure.value}" == (
        f"'{node}' in vmselect_global_storage_nodes is no vmselect of a region; write "
        "region/address:port, such as us-east-1/10.20.1.16:8411"
    )
