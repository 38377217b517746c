"""What preflight says about backups, by its exact message."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.backups import restore_report
from ansible_collections.meridian.metrics.plugins.plugin_utils.preflight import fleet_problems
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    inventory,
)

NODES = ["us-store-1", "us-store-2", "us-store-3"]
RIGHT = {"vmbackup_destination": "s3://backups/metrics"}


def problems(hosts: list[str], **variables: Any) -> dict[str, list[str]]:
    made = inventory(CLUSTER)
    made.groups["vmbackup"] = hosts
    for host in hosts:
        made.hostvars[host].update(variables)
    return fleet_problems(made.groups, made.hostvars, made.any_host)


@pytest.mark.parametrize(
    "destination",
    ["fs:///srv/backups", "fs:///srv/backups/", "s3://bucket", "s3://bucket/a/b", "gs://b/a"],
)
def test_backups_of_all_storage_have_no_problem(destination: str) -> None:
    found = problems(NODES, vmbackup_destination=destination)
    assert found == {"errors": [], "warnings": []}


@pytest.mark.parametrize("destination", ["", "/srv/backups", "fs://backups", "fs:///", "s3://"])
def test_a_destination_that_is_none_is_refused(destination: str) -> None:
    assert problems(NODES[:1], vmbackup_destination=destination)["errors"] == [
        f"vmbackup_destination of host 'us-store-1' is '{destination}'; write where its backups "
        "go, such as fs:///srv/backups or s3://bucket/folder"
    ]


def test_a_host_without_storage_is_refused() -> None:
    assert problems([*NODES, "us-agent"], **RIGHT)["errors"] == [
        "host 'us-agent' is in the group vmbackup and has no storage to back up; take it out, or "
        "put it in vmstorage or vmsingle"
    ]


@pytest.mark.parametrize("value", [0, -1, "many"])
def test_backups_are_kept_for_a_day_or_more(value: object) -> None:
    assert problems(NODES, **RIGHT, vmbackup_keep_days=value)["errors"] == [
        f"vmbackup_keep_days of host '{node}' is '{value}'; write a whole number of 1 or more"
        for node in NODES
    ]


def test_storage_that_is_left_out_is_told() -> None:
    assert problems(NODES[:2], **RIGHT) == {
        "errors": [],
        "warnings": [
            "region 'us-east-1' has backups of some of its storage, and none of us-store-3; put "
            "all of it in the group vmbackup"
        ],
    }


def test_a_misspelt_group_is_told() -> None:
    made = inventory(CLUSTER)
    made.groups["vmbackups"] = NODES
    assert fleet_problems(made.groups, made.hostvars, made.any_host)["errors"] == [
        "group 'vmbackups' is no component; rename it to 'vmbackup', or to something else if that "
        "is not meant"
    ]


VERIFIED = {
    "kind": "hourly",
    "time": 1_800_014_400,
    "days": {"2027-01-14": 100, "2027-01-15": 50},
    "restored_days": {"2027-01-14": 100, "2027-01-15": 50},
    "answered_days": {"2027-01-14": 100, "2027-01-15": 60},
    "days_to_count": [],
    "differences": [],
}
TITLE = "storage-1: restored the hourly backup of 2027-01-15 12:00 UTC"


def test_a_restore_tells_what_it_brought_back() -> None:
    assert restore_report(VERIFIED, "storage-1") == {
        "lines": [
            TITLE,
            "  2 days with 150 samples in the backup, 150 restored, 160 answered",
        ],
        "errors": [],
    }


def test_a_restore_lists_what_is_missing_and_what_was_not_counted() -> None:
    verified = {
        **VERIFIED,
        "restored_days": {"2027-01-14": 90, "2027-01-15": 50},
        "answered_days": {"2027-01-14": 80, "2027-01-15": 50},
        "days_to_count": ["2026-12-01", "2026-12-02", "2026-12-03"],
        "differences": ["2027-01-14: 90 samples in the backup, 80 found"],
    }
    assert restore_report(verified, "storage-1") == {
        "lines": [
            TITLE,
            "  2 days with 150 samples in the backup, 140 restored, 130 answered",
            "  1 days have fewer samples than when they were counted, as after a deletion of "
            "series: 2027-01-14",
            "  not counted in the backup: 2026-12-01 to 2026-12-03",
        ],
        "errors": ["storage-1: 2027-01-14: 90 samples in the backup, 80 found"],
    }
