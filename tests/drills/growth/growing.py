"""A fleet that grows: what one writes for it, and the hosts that come with it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import hosts as containers
from drill_fleet import NETWORK, SCENARIO, DrillFleet
from samples import eventually

FLEET = f"molecule-{SCENARIO}"
# One file each, as a user would write it beside the others.
GATEWAY = """---
us_east_1:
  hosts:
    us-east-1-gateway-3:
      ansible_host: "{{ drill_network }}.1.23"

vmauth:
  hosts:
    us-east-1-gateway-3:
"""
AGENT = """---
us_east_1:
  hosts:
    us-east-1-agent-2:
      ansible_host: "{{ drill_network }}.1.32"
      cluster: us-east-1-eks-02-prod
      env: prod
      availability_zone: us-east-1b

vmagent:
  hosts:
    us-east-1-agent-2:
"""
REGION = """---
all:
  vars:
    meridian_region_ap_south_1: {}

ap_south_1:
  hosts:
    ap-south-1-agent-1:
      ansible_host: "{{ drill_network }}.3.31"
      cluster: ap-south-1-eks-01-prod
      env: prod
      availability_zone: ap-south-1a

vmagent:
  hosts:
    ap-south-1-agent-1:
"""
STORAGE = """---
us_east_1:
  hosts:
    us-east-1-storage-4:
      ansible_host: "{{ drill_network }}.1.14"

vmstorage:
  hosts:
    us-east-1-storage-4:
"""
# Last part of the address of each host of these files.
NEW_HOSTS = {
    "us-east-1-gateway-3": "1.23",
    "us-east-1-agent-2": "1.32",
    "ap-south-1-agent-1": "3.31",
    "us-east-1-storage-4": "1.14",
}
# A gate waits for everybody who had a sample in so many seconds (its window) before a change, but
# for those who were silent for much longer than they used to be, which is long on a busy machine.
GONE_SECONDS = 90


@contextmanager
def room_to_grow(fleet: DrillFleet, folder: Path, names: list[str]) -> Iterator[DrillFleet]:
    """Bare hosts of these names, and the fleet by a copy of its inventory that a test may add to.

    At the end the fleet is again what its own inventory declares, and the hosts are gone.
    """
    copy = folder / "inventory"
    shutil.copytree(fleet.inventory, copy)
    added = [
        containers.Host(
            name=name, address=f"{NETWORK}.{NEW_HOSTS[name]}", container=fleet.container(name)
        )
        for name in names
    ]
    containers.up(FLEET, added)
    try:
        yield DrillFleet(copy)
    finally:
        # First nobody knows them any more, then they go.
        fleet.site()
        subprocess.run(
            ["docker", "rm", "-f", "-v", *(host.container_name for host in added)],
            capture_output=True,
            check=True,
        )
        fleet.forget()
        if any("agent" in name for name in names):
            heard = f'count_over_time(up{{instance=~"{"|".join(names)}"}}[{GONE_SECONDS}s])'
            eventually(lambda: not fleet.ask(heard), seconds=600)
        fleet.settle()


def write(fleet: DrillFleet, files: Mapping[str, str]) -> None:
    """Add files to a fleet's inventory, by name."""
    for name, text in files.items():
        (fleet.inventory / f"{name}.yml").write_text(text)
    fleet.forget()


def mark(fleet: DrillFleet, *nodes: str) -> None:
    """State that vminserts do not write to some nodes."""
    marked = "".join(f"    {node}:\n      vmstorage_writes: false\n" for node in nodes)
    write(fleet, {"leaving": f"---\nvmstorage:\n  hosts:\n{marked}"})
