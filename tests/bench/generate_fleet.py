# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the inventory of a large fleet: one file a region, a storage cluster in the first."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

STORAGE = (("vmstorage", 6), ("vminsert", 2), ("vmselect", 2), ("vmauth", 2))


def fleet(hosts: int, regions: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The content of each inventory file by its path, for so many hosts in so many regions."""
    names = [f"zone-{number:03d}" for number in range(1, regions + 1)]
    yield (
        "group_vars/all.yml",
        {
            "meridian_topology": "centralized",
            "meridian_storage_region": names[0],
            "meridian_regions": {name: {} for name in names},
        },
    )
    for index, name in enumerate(names):
        size = hosts // regions + (index < hosts % regions)
        yield f"{name}.yml", _region(name, index, size, STORAGE if index == 0 else ())


def _region(
    name: str, index: int, size: int, storage: tuple[tuple[str, int], ...]
) -> dict[str, Any]:
    placed = [component for component, count in storage for _ in range(count)]
    members: dict[str, dict[str, Any]] = {}
    groups: dict[str, Any] = {name.replace("-", "_"): {"hosts": members}}
    for number in range(1, size + 1):
        host = f"{name}-host-{number}"
        members[host] = {"ansible_host": f"10.{index // 250}.{index % 250}.{number}"}
        components = ["node_exporter"]
        if number <= len(placed):
            components.append(placed[number - 1])
        else:
            members[host] |= {
                "cluster": f"{name}-eks-{number:02d}-prod",
                "env": "prod",
                "availability_zone": f"{name}a",
            }
            components.append("vmagent")
        if number == size:
            components.append("blackbox")
        for component in components:
            groups.setdefault(component, {"hosts": {}})["hosts"][host] = None
    return groups


def write_fleet(directory: Path, hosts: int, regions: int) -> None:
    """Write the inventory of a fleet into a directory."""
    for path, content in fleet(hosts, regions):
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--regions", type=int, default=50)
    options = parser.parse_args()
    write_fleet(options.directory, options.hosts, options.regions)
