"""A centralized fleet whose second region gets a storage of its own: what one writes for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import hosts as containers
from drill_fleet import NETWORK, SCENARIO, DrillFleet
from samples import import_text, request

FLEET = f"molecule-{SCENARIO}"
# The one in which this drill is the only one.
OWN_SCENARIO = "drill_migration"
REGION = "eu-west-1"
AGENT = "eu-west-1-agent-1"
DAY = 86400
# The smallest form of a region's storage: as a cluster, and as one program.
CLUSTER = """---
eu_west_1:
  hosts:
    eu-west-1-storage-1:
      ansible_host: "{{ drill_network }}.2.11"
    eu-west-1-storage-2:
      ansible_host: "{{ drill_network }}.2.12"

vmstorage:
  hosts:
    eu-west-1-storage-[1:2]:

vminsert:
  hosts:
    eu-west-1-storage-1:

vmselect:
  hosts:
    eu-west-1-storage-2:

vmauth:
  hosts:
    eu-west-1-storage-[1:2]:

vmalert:
  hosts:
    eu-west-1-storage-1:
"""
SINGLE = """---
eu_west_1:
  hosts:
    eu-west-1-storage-1:
      ansible_host: "{{ drill_network }}.2.11"

vmsingle:
  hosts:
    eu-west-1-storage-1:

vmauth:
  hosts:
    eu-west-1-storage-1:

vmalert:
  hosts:
    eu-west-1-storage-1:
"""


@contextmanager
def hosts_for_it(fleet: DrillFleet, folder: Path) -> Iterator[DrillFleet]:
    """Bare hosts for the storage, and the fleet by a copy of its inventory that a test may change.

    At the end the fleet is again what its own inventory declares, unless no other drill follows,
    and the hosts are gone.
    """
    copy = folder / "inventory"
    shutil.copytree(fleet.inventory, copy)
    numbers = (1, 2) if fleet.is_cluster else (1,)
    added = [
        containers.Host(
            name=name, address=f"{NETWORK}.2.1{number}", container=fleet.container(name)
        )
        for number in numbers
        for name in [f"{REGION}-storage-{number}"]
    ]
    containers.up(FLEET, added)
    try:
        yield DrillFleet(copy)
    finally:
        if SCENARIO != OWN_SCENARIO:
            fleet.site()
        subprocess.run(
            ["docker", "rm", "-f", "-v", *(host.container_name for host in added)],
            capture_output=True,
            check=True,
        )
        fleet.forget()
        if SCENARIO != OWN_SCENARIO:
            fleet.settle()


def own_doors(fleet: DrillFleet) -> list[str]:
    """Base URLs of the gateways that the region is going to have."""
    return [
        f"http://{NETWORK}.2.1{number}:8427" for number in ((1, 2) if fleet.is_cluster else (1,))
    ]


def declare(fleet: DrillFleet, phase: str) -> None:
    """State a phase in the inventory; an empty one is the federated fleet that all leads to."""
    storage = CLUSTER if fleet.is_cluster else SINGLE
    (fleet.inventory / f"{REGION}-storage.yml").write_text(storage)
    path = fleet.inventory / "group_vars" / "all.yml"
    kept = [
        line
        for line in path.read_text().splitlines()
        if not line.startswith(("meridian_topology", "meridian_storage_region", "meridian_migr"))
    ]
    stated = ["meridian_topology: federated"]
    if phase:
        stated.append(f"meridian_migration: {{from: us-east-1, phase: {phase}}}")
    path.write_text("\n".join([*kept, *stated]) + "\n")
    fleet.forget()


@dataclass(frozen=True)
class History:
    """Samples of days before the migration, one a minute: the value is the minute's number."""

    first: int  # unix seconds
    minutes: int
    series: int = 10

    @property
    def samples(self) -> int:
        """How many there are."""
        return self.minutes * self.series

    def write(self, agent: str) -> None:
        """Send them to an agent."""
        for series in range(self.series):
            lines = "".join(
                f'meridian_history{{series="{series}"}} {minute} '
                f"{(self.first + 60 * minute) * 1000}\n"
                for minute in range(self.minutes)
            )
            answer = import_text(agent, lines)
            assert answer.status == 204, answer

    def found(self, gateway: str, auth: tuple[str, str]) -> tuple[int, int]:
        """How many a reader of a gateway gets, and how many of them are too many or wrong."""
        end = self.first + 60 * self.minutes
        path = f"/api/v1/export?match[]=meridian_history&start={self.first}&end={end}"
        answer = request(f"{gateway}{path}", auth=auth, timeout=120)
        assert answer.status == 200, answer
        seen = [each for line in answer.text.splitlines() for each in samples_of(line)]
        right = {
            (f"{series}", minute, (self.first + 60 * minute) * 1000)
            for series in range(self.series)
            for minute in range(self.minutes)
        }
        found = right.intersection(seen)
        return len(found), len(seen) - len(found)


def samples_of(line: str) -> list[tuple[str, int, int]]:
    """Series, value and time of each sample on a line of an export."""
    content = json.loads(line)
    series = content["metric"]["series"]
    pairs = zip(content["values"], content["timestamps"], strict=True)
    return [(series, int(value), int(at)) for value, at in pairs]


def of_days(days: int) -> History:
    """History within some whole days, of which the last is yesterday."""
    today = int(time.time()) // DAY * DAY
    # A sample of midnight belongs to the day before.
    return History(first=today - days * DAY + 60, minutes=days * 1440 - 1)


@dataclass(frozen=True)
class Row:
    """What a phase took and what is found after it, in seconds and samples."""

    phase: str
    seconds: float
    sent: int
    found: int
    duplicated: int
    missing: int


def table(rows: Sequence[Row]) -> str:
    """Show what the phases took and what is found after them as a Markdown table."""
    names = [field.name for field in fields(Row)]
    lines = [names, ["---"] * len(names)]
    lines += [
        [row.phase, f"{row.seconds:.0f}", *(f"{number:,}" for number in astuple(row)[2:])]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
