# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups: what an inventory says wrong about them, and what a restore tells people."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.settings import listed
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    optional_variable,
)

JOB = "vmbackup"
STORAGES = ("vmstorage", "vmsingle")
# A folder of the host, a bucket of S3 and alike, of Google, a container of Azure.
_DESTINATION = re.compile(r"fs:///[^\s]*[^\s/]/?|(s3|gs|azblob)://[^\s/]+(/\S*)?")
_KEEP = "vmbackup_keep_days"


def backup_errors(fleet: Fleet) -> Iterator[str]:
    """What would make a host's backups fail, one line each."""
    for host in fleet.all_hosts(JOB):
        if not any(host in fleet.all_hosts(storage) for storage in STORAGES):
            yield (
                f"host '{host}' is in the group {JOB} and has no storage to back up; take it out, "
                f"or put it in {' or '.join(STORAGES)}"
            )
        destination = optional_variable(fleet, host, "vmbackup_destination")
        if not _DESTINATION.fullmatch(destination):
            yield (
                f"vmbackup_destination of host '{host}' is '{destination}'; write where its "
                "backups go, such as fs:///srv/backups or s3://bucket/folder"
            )
        days = optional_variable(fleet, host, _KEEP)
        if days and not re.fullmatch(r"[1-9]\d*", days):
            yield f"{_KEEP} of host '{host}' is '{days}'; write a whole number of 1 or more"


def backup_warnings(fleet: Fleet) -> Iterator[str]:
    """Storage that is left out where other storage of its region is backed up."""
    saved = set(fleet.all_hosts(JOB))
    for region in sorted(fleet.settings.regions):
        nodes = [host for storage in STORAGES for host in fleet.hosts(region, storage)]
        left_out = [host for host in nodes if host not in saved]
        if left_out and len(left_out) < len(nodes):
            yield (
                f"region '{region}' has backups of some of its storage, and none of "
                f"{listed(left_out)}; put all of it in the group {JOB}"
            )


def restore_report(verified: Mapping[str, Any], host: str) -> dict[str, list[str]]:
    """Lines about a restored host, and an error for each day that lacks samples."""
    made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(verified["time"]))
    wanted, answered = verified["days"], verified["answered_days"]
    lines = [
        f"{host}: restored the {verified['kind']} backup of {made} UTC",
        f"  {len(wanted)} days with {sum(wanted.values())} samples in the backup, "
        f"{sum(verified['restored_days'].values())} restored, {sum(answered.values())} answered",
    ]
    restored = verified["restored_days"]
    fewer = sorted(day for day in wanted if restored.get(day, 0) < wanted[day])
    if fewer:
        lines.append(
            f"  {len(fewer)} days have fewer samples than when they were counted, as after a "
            f"deletion of series: {listed(fewer)}"
        )
    uncounted = verified["days_to_count"]
    if uncounted:
        lines.append(f"  not counted in the backup: {uncounted[0]} to {uncounted[-1]}")
    return {"lines": lines, "errors": [f"{host}: {each}" for each in verified["differences"]]}
