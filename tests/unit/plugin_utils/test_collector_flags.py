"""Collectors of the node exporter."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.collector_flags import (
    collector_flags,
)


def test_collectors_are_switched_on_and_off() -> None:
    assert collector_flags(["processes", "cpu_vulnerabilities"], ["zfs"]) == {
        "collector.processes": True,
        "collector.cpu_vulnerabilities": True,
        "collector.zfs": False,
    }


def test_nothing_is_switched_without_a_word() -> None:
    assert collector_flags([]) == {}


def test_a_collector_may_be_named_twice() -> None:
    assert collector_flags(["processes", "processes"]) == {"collector.processes": True}


@pytest.mark.parametrize(
    ("enabled", "disabled", "message"),
    [
        (
            ["zfs"],
            ["zfs"],
            "collector 'zfs' is in both node_exporter_collectors and "
            "node_exporter_disabled_collectors; keep it in one of the two",
        ),
        (
            ["--collector.zfs"],
            [],
            "'--collector.zfs' in node_exporter_collectors is no collector; write a name such as "
            "'processes'",
        ),
        (
            [],
            ["filesystem.mount-points"],
            "'filesystem.mount-points' in node_exporter_disabled_collectors is no collector; write "
            "a name such as 'processes'",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(
    enabled: list[str], disabled: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match="collector") as error:
        collector_flags(enabled, disabled)

    assert str(error.value) == message
