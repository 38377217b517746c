"""The two regions of the scenario, and how the replication of one of them is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from drill_fleet import DrillFleet
from fleet import CREDENTIALS, Run
from load import Held, Load, Report
from samples import metric, query, vector

US, EU = "us-east-1", "eu-west-1"
STORAGE = {US: "us-storage-1", EU: "eu-storage-1"}
# Ends of the label `agent` of what is sent: of series that a selection has, and of others.
KEPT, LEFT = "kept", "left"
# What a mode sends to eu-west-1.
COPIED: dict[str, tuple[str, ...]] = {
    "none": (),
    "full": (KEPT, LEFT),
    "selective": (KEPT,),
}
MODES: dict[str, Any] = {
    "none": "none",
    "full": {"mode": "full", "to": EU, "queue_hours": 48},
    "selective": {
        "mode": "selective",
        "to": EU,
        # The second one asks for a label that pushed samples do not have by themselves.
        "keep": ["up|slo_.*", '{__name__="meridian_load",agent=~".+ kept",env="prod"}'],
    },
}
# Another selection.
SELECTIONS = MODES | {
    "another selection": {"mode": "selective", "to": EU, "keep": ["up", "vm_app_uptime_seconds"]}
}
PENDING = "vmagent_remotewrite_pending_data_bytes"
# Components that samples are pushed to, and their ports.
WRITERS = {"vmagent": 8429, "prometheus_receiver": 9091}


@dataclass(frozen=True, slots=True)
class Regions:
    """The fleet of the scenario, in which us-east-1 may send copies to eu-west-1."""

    fleet: DrillFleet

    def gateway(self, region: str) -> str:
        """Base URL of a region's gateway."""
        return f"http://{self.fleet.addresses[STORAGE[region]]}:8427"

    def writers(self) -> dict[str, str]:
        """Base URLs of the agent and the door of the receiver of us-east-1, by host."""
        return {
            host: f"http://{self.fleet.addresses[host]}:{port}"
            for component, port in WRITERS.items()
            for host in self.fleet.hosts(component)
            if host in self.fleet.groups["us_east_1"]
        }

    def agents(self, kinds: Collection[str] = (KEPT, LEFT)) -> dict[str, str]:
        """Agents of a load, by name: each writer twice, with series of the two kinds."""
        return {
            f"{host} {kind}": url
            for host, url in self.writers().items()
            for kind in (KEPT, LEFT)
            if kind in kinds
        }

    def play(self, playbook: str, mode: str, *arguments: str) -> Run:
        """Run a playbook with a mode of replication."""
        stated = json.dumps({"us_replication": SELECTIONS[mode]})
        return self.fleet.play(playbook, "-e", stated, *arguments)

    def site(self, mode: str, *arguments: str) -> Run:
        """Run site.yml with a mode of replication and expect it to succeed."""
        run = self.play("site.yml", mode, *arguments)
        assert run.status == 0, run.output[-6000:]
        return run

    @contextmanager
    def away(self, region: str) -> Iterator[None]:
        """Freeze the storage and the gateway of a region: no packet comes back."""
        with self.fleet.frozen(STORAGE[region]):
            yield

    def backlog(self, place: int) -> float:
        """Bytes that the agent and the receiver of us-east-1 hold back for one of their URLs."""
        region = (US, EU)[place - 1]
        # Agents of release archives look a name up themselves.
        discovery = "dns+" if self.fleet.is_cluster else ""
        name = f"{discovery}gateway.{region}.meridian.internal"
        url = f"{place}:http://{name}:8427/api/v1/write"
        return sum(metric(writer, PENDING, url=url) for writer in self.writers().values())

    def ask(self, region: str, expression: str, user: str = "operator") -> float:
        """The value of a query at a region's gateway; 0 when it is empty."""
        password = (CREDENTIALS / f"{user}.txt").read_text().strip()
        return sum(vector(query(self.gateway(region), expression, auth=(user, password))).values())

    def series(self, region: str, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The values of a query at a region's gateway, by sorted labels."""
        password = (CREDENTIALS / "operator.txt").read_text().strip()
        return vector(query(self.gateway(region), expression, auth=("operator", password)))

    def flags(self, host: str, service: str) -> dict[str, list[str]]:
        """The flags with which a service runs, and their values."""
        pid = self.fleet.shell(host, f"systemctl show -P MainPID meridian-{service}")
        found: dict[str, list[str]] = {}
        for word in self.fleet.shell(host, f"cat /proc/{pid}/cmdline").split("\0")[1:]:
            name, _, value = word.lstrip("-").partition("=")
            found.setdefault(name, []).append(value)
        return found


@pytest.fixture(scope="session")
def regions() -> Regions:
    """The fleet as it was converged."""
    return Regions(DrillFleet(Path(os.environ["MERIDIAN_DRILL_INVENTORY"])))


@pytest.fixture
def start_load(regions: Regions, tmp_path: Path) -> Iterator[Callable[[], Load]]:
    """Put numbered samples on the agent and the receiver of us-east-1; ends with the test."""
    started: list[Load] = []

    def start() -> Load:
        load = Load(
            agents=regions.agents(),
            gateways=[regions.gateway(US)],
            auth=("operator", (CREDENTIALS / "operator.txt").read_text().strip()),
            rate=int(os.environ.get("MERIDIAN_DRILL_RATE", "4000")),
            queries_per_second=1,
            directory=tmp_path / "load",
        )
        started.append(load)
        load.start()
        return load

    yield start
    for load in started:
        load.close()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print the counts of a test."""

    def say(what: str, here: Report, there: Held | None) -> None:
        sides: dict[str, Report | Held] = {US: here, EU: there} if there else {US: here}
        told = "; ".join(
            f"{region}: sent {side.sent}, stored {side.stored}, missing {side.missing}, duplicated "
            f"{side.duplicated}, wrong {side.wrong}"
            for region, side in sides.items()
        )
        with capsys.disabled():
            print(f"\n{what}: {told}")

    return say


def assert_whole(counted: Report | Held) -> None:
    """Every sample that was sent is there, once."""
    assert counted.missing == 0, counted.missing_spans
    assert (counted.stored, counted.duplicated, counted.wrong) == (counted.sent, 0, 0)
