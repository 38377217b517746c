"""Fixtures: the hosts, and the releases of testd for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import testinfra

# The tests import what they share from here.
sys.path.insert(0, str(Path(__file__).parent))

from daemon_fleet import ARCHIVE, HOSTS, RELEASES, TREE, Fleet, Machine, pack, release


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive folder with all releases."""
    place = tmp_path_factory.mktemp("archives")
    for version, behaviour in RELEASES.items():
        pack(place, ARCHIVE, version, {"testd": release(version, behaviour)})
    for version in ("1.0.0", "2.0.0"):
        top = f"testd-tree-{version}"
        files = {
            f"{top}/bin/testd": release(version, "serve"),
            f"{top}/share/motd.txt": f"tree {version}\n".encode(),
            f"{top}/share/pages/index.html": b"<p>\n",
        }
        pack(place, TREE, version, files)
    (place / "testd.py").write_bytes(release("1.122.1", "serve"))
    return place


@pytest.fixture(scope="session")
def fleet(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The hosts, bare at first."""
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    fleet = Fleet(inventory, archives, tmp_path_factory.mktemp("runs"))
    fleet.bare()
    return fleet


@pytest.fixture(scope="session")
def machines() -> dict[str, Machine]:
    """All hosts by name."""
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    found = {}
    for name in HOSTS:
        shell = testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)
        address = shell.ansible.get_variables()["ansible_host"]
        found[name] = Machine(name, address, shell)
    return found


@pytest.fixture(params=HOSTS)
def machine(request: pytest.FixtureRequest, machines: Mapping[str, Machine]) -> Machine:
    """Each host in turn; what a class needs is done on all of them at once."""
    return machines[request.param]
