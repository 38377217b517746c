"""The whole fleet of a scenario fleet_<inventory>, for its tests: play, ask, break things.

The inventory is that of this name in `inventories`, or the one that MERIDIAN_DRILL_INVENTORY names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from samples import query, vector

ROOT = Path(__file__).parents[1]
_NAMED = ROOT / "inventories" / os.environ["MOLECULE_SCENARIO_NAME"].removeprefix("fleet_")
INVENTORY = Path(os.environ.get("MERIDIAN_DRILL_INVENTORY") or _NAMED)
CREDENTIALS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "credentials"
# See the inventories: 8427 of the gateways.
GATEWAYS = ["http://10.20.1.21:8427", "http://10.20.1.22:8427"]
# This machine, as the fleet's hosts reach it.
CONTROLLER = "10.20.0.1"


@dataclass(frozen=True, slots=True)
class Source:
    """What Grafana has a data source for: the gateways of a region, and who reads there."""

    name: str
    regions: tuple[str, ...]  # whose samples it shows
    gateways: tuple[str, ...]  # base URLs
    user: str
    components: frozenset[str]  # those whose metrics it has

    @property
    def auth(self) -> tuple[str, str]:
        """Return the reader's name and password."""
        return self.user, (CREDENTIALS / f"{self.user}.txt").read_text().strip()


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of a playbook: `changed` and the hosts that took part, from its recap."""

    status: int
    output: str
    changed: dict[str, int]


def play(playbook: str, *arguments: str, inventory: Path = INVENTORY) -> Run:
    """Run a playbook of the collection against the fleet, as a user does."""
    completed = subprocess.run(
        [
            *("ansible-playbook", "-i", str(inventory), str(ROOT / "playbooks" / playbook)),
            *("-e", f"meridian_credentials_dir={CREDENTIALS}"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
    )
    recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", completed.stdout, re.M)
    return Run(
        status=completed.returncode,
        output=completed.stdout + completed.stderr,
        changed={host: int(count) for host, count in recap},
    )


def ask(expression: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Query the fleet through its first gateway; values by sorted labels."""
    password = (CREDENTIALS / "operator.txt").read_text().strip()
    return vector(query(GATEWAYS[0], expression, auth=("operator", password)))


@cache
def _listed() -> dict[str, Any]:
    listed = subprocess.run(
        ["ansible-inventory", "-i", str(INVENTORY), "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(listed.stdout)
    return found


def groups() -> dict[str, list[str]]:
    """Return the hosts of each group of the inventory that has any, sorted."""
    return {name: sorted(group["hosts"]) for name, group in _listed().items() if group.get("hosts")}


def variables(host: str) -> dict[str, Any]:
    """Return the variables that the inventory states for a host."""
    found: dict[str, Any] = _listed()["_meta"]["hostvars"][host]
    return found


def components() -> set[str]:
    """Return the groups of the inventory that have hosts: among them the components carried."""
    return set(groups())


@cache
def sources() -> dict[str, Source]:
    """Return the data sources by name: each region that stores, and Global where there is one."""
    hosts = groups()
    settings = variables(hosts["vmauth"][0])
    regions = sorted(settings["meridian_regions"])
    central = settings.get("meridian_storage_region")
    found = {}
    for region in [central] if central else regions:
        shown = tuple(regions) if central else (region,)
        found[region] = _source(region, region, shown, "operator")
    for region in regions:
        if set(hosts.get("vmselect_global", [])) & set(hosts[group_of(region)]):
            found["Global"] = _source("Global", region, tuple(regions), "operator-global")
    return found


def group_of(region: str) -> str:
    """Return the name of the group that holds a region's hosts."""
    return region.replace("-", "_")


def _source(name: str, region: str, shown: tuple[str, ...], user: str) -> Source:
    hosts = groups()
    read = {host for each in shown for host in hosts[group_of(each)]}
    own = set(hosts[group_of(region)])
    return Source(
        name=name,
        regions=shown,
        gateways=tuple(
            f"http://{variables(host)['ansible_host']}:8427"
            for host in hosts["vmauth"]
            if host in own
        ),
        user=user,
        components=frozenset(group for group, members in hosts.items() if read & set(members)),
    )


def service(host: str, name: str, state: str) -> None:
    """Start or stop a service of a host of the fleet."""
    task = ["-m", "ansible.builtin.systemd_service", "-a", f"name={name} state={state}"]
    subprocess.run(["ansible", "-i", str(INVENTORY), host, *task], check=True)


@contextmanager
def stopped(*services: tuple[str, str]) -> Iterator[None]:
    """Stop services, each a host and a name, and start them again at the end."""
    try:
        for host, name in services:
            service(host, name, "stopped")
        yield
    finally:
        for host, name in services:
            service(host, name, "started")
