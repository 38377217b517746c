"""A running centralized fleet becomes a federated one: every sample is found once in its region."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from drill_fleet import SCENARIO, DrillFleet
from fleet import CREDENTIALS, Run
from load import Held, Load, Report
from migration.moving import (
    AGENT,
    OWN_SCENARIO,
    REGION,
    History,
    Row,
    declare,
    hosts_for_it,
    of_days,
    own_doors,
    table,
)
from rolls import FIRST, archives_away
from samples import eventually

ROOT = Path(__file__).parents[3]
OLD_AGENT = "us-east-1-agent-1"
Figures = Callable[..., None]


def gateways(fleet: DrillFleet, region: str) -> list[str]:
    """Base URLs of the doors of a region."""
    hosts = [host for host in fleet.hosts("vmauth") if host.startswith(region)]
    return [f"http://{fleet.addresses[host]}:8427" for host in hosts]


def as_report(held: Held | Report, history: int, seconds: float) -> Report:
    """What is held so far, with the history, in the form of a whole load's report without queries.

    `history` is in samples, of which none is missing.
    """
    return Report(
        sent=held.sent + history,
        stored=held.stored + history,
        duplicated=held.duplicated,
        wrong=held.wrong,
        missing=held.missing,
        missing_spans=held.missing_spans,
        queries=0,
        queries_failed=0,
        queries_partial=0,
        queries_retried=0,
        query_failures=[],
        slowest_query=0.0,
        seconds=round(seconds, 1),
        rate=0,
    )


def nothing_lost(held: Held | Report) -> None:
    assert (held.missing, held.duplicated, held.wrong) == (0, 0, 0), held.missing_spans
    assert held.stored == held.sent > 0


class Move:
    """The fleet on its way, under load, with history from before."""

    def __init__(self, fleet: DrillFleet, load: Load, history: History, figures: Figures) -> None:
        self.fleet = fleet
        self.load = load
        self.history = history
        self.rows: list[Row] = []
        self._figures = figures

    def refused(self, phase: str, *errors: str) -> None:
        """Run a phase that is to be refused, with these errors and no others, untouched."""
        before = self.fleet.pids()
        declare(self.fleet, phase)
        run = self.fleet.play("migrate.yml")
        assert run.status == 2, run.output[-4000:]
        told = [line for line in run.output.splitlines() if line.startswith("ERROR: ")]
        assert told == [f"ERROR: {error}" for error in errors], run.output[-4000:]
        assert self.fleet.pids() == before

    def phase(self, phase: str, *, reads: str, name: str = "") -> Run:
        """Run a phase, and count at the gateways of the region that is read then."""
        declare(self.fleet, phase)
        began = time.monotonic()
        run = self.fleet.play("migrate.yml")
        seconds = time.monotonic() - began
        assert run.status == 0, run.output[-8000:]
        self.count(name or phase, reads, seconds, self.load.held)
        return run

    def count(
        self, name: str, reads: str, seconds: float, held: Callable[..., Held | Report]
    ) -> None:
        """Count what a region's gateways have of the load and of the history, and keep it."""
        doors = gateways(self.fleet, reads)
        found = held(doors, settle_seconds=180)
        nothing_lost(found)
        assert self.history.found(doors[0], self.fleet.operator) == (self.history.samples, 0)
        report = as_report(found, self.history.samples, seconds)
        self._figures(f"migration: {name}", report, seconds=seconds, read_in=reads)
        self.rows.append(
            Row(name, seconds, report.sent, report.stored, report.duplicated, report.missing)
        )


def test_every_sample_of_a_fleet_that_becomes_federated_is_found_once_in_its_region(
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Figures,
    tmp_path: Path,
    long: bool,
    rate: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if SCENARIO != OWN_SCENARIO:
        if not long and not archives_away(FIRST, cluster=True):
            pytest.skip(f"{OWN_SCENARIO} moves a cluster here; make drill NAME=single moves this")
        fleet.site()  # without what other tests have changed
    agents, doors = fleet.agents, fleet.gateways
    # When the copy is interrupted, some are left; more where other drills delay the interruption.
    history = of_days(3 if long else 6)
    history.write(agents[AGENT])
    # One stays where it is, and is asked all the time; one moves.
    staying = start_load(agents={OLD_AGENT: agents[OLD_AGENT]}, gateways=doors, rate=rate / 2)
    with hosts_for_it(fleet, tmp_path) as moved:
        moving = start_load(
            agents={AGENT: agents[AGENT]},
            gateways=own_doors(fleet),
            queries_per_second=1e-6,
            rate=rate / 2,
        )
        move = Move(moved, moving, history, figures)
        own = forth(move, thorough=long)
        if long:
            back_and_forth(move, own)
        finish(move, thorough=long)
        # What is done is what site.yml makes of an inventory without a migration.
        declare(moved, "")
        assert sum(moved.site().changed.values()) == 0
        move.count("all that was sent", REGION, 0.0, lambda *_, **wait: moving.stop(**wait))
    stayed = staying.stop()
    nothing_lost(stayed)
    assert (stayed.queries_failed, stayed.queries_partial) == (0, 0), stayed.query_failures
    assert stayed.queries > 0
    figures("migration: the region that stayed", stayed, seconds=0.0)
    with capsys.disabled():
        print(f"\n{table(move.rows)}")


def forth(move: Move, *, thorough: bool) -> list[str]:
    """The first four phases, one of them interrupted; returns the region's own gateways."""
    fleet = move.fleet
    if thorough:
        move.refused("dual_write", *first("build"))
    before = fleet.pids()
    move.phase("build", reads="us-east-1")
    own = gateways(fleet, REGION)
    assert move.load.held(own).stored == 0
    assert changed(before, fleet) == set()

    move.refused("backfill", *first("dual_write"), *writes_to_the_old_only())
    move.phase("dual_write", reads="us-east-1")
    assert changed(before, fleet) == {(AGENT, "vmagent")}
    if thorough:
        move.refused("readers", *first("backfill"))
    finished, days = interrupted(fleet)
    there, strange = move.history.found(own[0], fleet.operator)
    assert 0 < there < move.history.samples
    assert strange == 0
    run = move.phase("backfill", reads=REGION)
    copied, compared, before_that = summed_up(run)
    assert copied > 0
    assert before_that >= finished
    # A day more, where midnight has passed meanwhile.
    assert compared + before_that in (days, days + 1)
    nothing_lost(move.load.held(gateways(fleet, "us-east-1"), settle_seconds=180))
    assert changed(before, fleet) == {(AGENT, "vmagent")}
    if thorough:
        move.refused("finish", *first("readers"), *asks_the_old())
    move.phase("readers", reads=REGION)
    return own


def back_and_forth(move: Move, own: list[str]) -> None:
    """A phase once more; then back to where only the old storage is written to, and forth."""
    fleet = move.fleet
    before = fleet.pids()
    again = move.phase("readers", reads=REGION, name="readers again")
    # What rules have recorded of the region meanwhile is copied, and nothing is restarted.
    assert {host for host, count in again.changed.items() if count} <= new_hosts(fleet)
    assert changed(before, fleet) == set()

    move.phase("backfill", reads="us-east-1", name="back to backfill")
    move.phase("dual_write", reads="us-east-1", name="back to dual_write")
    move.phase("build", reads="us-east-1", name="back to build")
    eventually(lambda: move.load.held(own).missing > 0, seconds=180)
    for phase, reads in (
        ("dual_write", "us-east-1"),
        ("backfill", REGION),
        ("readers", REGION),
    ):
        move.phase(phase, reads=reads, name=f"{phase} after going back")


def finish(move: Move, *, thorough: bool) -> None:
    """The last phase, back from it with nothing missing in the old storage, and again."""
    fleet = move.fleet
    move.phase("finish", reads=REGION)
    assert "migration" not in users(fleet)
    # The old storage gets nothing more of the region.
    old = gateways(fleet, "us-east-1")
    eventually(lambda: move.load.held(old).missing > 0, seconds=180)
    if not thorough:
        return
    move.refused(
        "backfill",
        f"'us-east-1' lacks what was written to '{REGION}' alone since phase finish; run phase "
        "readers first, which brings it there",
    )
    move.phase("readers", reads=REGION, name="back to readers")
    nothing_lost(move.load.held(old, settle_seconds=180))
    move.phase("finish", reads=REGION, name="finish again")
    # What is done is what site.yml makes of the same inventory.
    assert sum(fleet.site().changed.values()) == 0


def new_hosts(fleet: DrillFleet) -> set[str]:
    """The hosts that the region's storage came with."""
    return {host for host in fleet.addresses if host.startswith(f"{REGION}-storage-")}


def users(fleet: DrillFleet) -> str:
    """The users of a region's own gateway."""
    return fleet.shell(
        f"{REGION}-storage-1", "grep -o 'username: .*' /etc/meridian/vmauth/auth.yml"
    )


def summed_up(run: Run) -> tuple[int, int, int]:
    """Samples that were copied, days that were compared, and days that were finished before."""
    found = re.search(
        rf"{REGION}: (\d+) samples of \d+ days were copied, (\d+) days compared, (\d+) were",
        run.output,
    )
    assert found, run.output[-4000:]
    return int(found[1]), int(found[2]), int(found[3])


def interrupted(fleet: DrillFleet) -> tuple[int, int]:
    """Begin to copy, and kill Ansible after the first day of which something was copied.

    Returns how many days were done, and how many there are. A day that ends when the first sample
    was written is looked at, though it has none.
    """
    declare(fleet, "backfill")
    running = subprocess.Popen(
        [
            *("ansible-playbook", "-i", str(fleet.inventory), "playbooks/migrate.yml"),
            *("-e", f"meridian_credentials_dir={CREDENTIALS}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
    )
    assert running.stdout
    seen = []
    for line in running.stdout:
        seen.append(line)
        if found := re.search(r"^changed: .*, (\d+) of (\d+)\)", line):
            break
    else:
        raise AssertionError("".join(seen)[-6000:])
    kill_with_workers(running.pid, f"{fleet.inventory}")
    running.communicate()
    return int(found[1]), int(found[2])


def kill_with_workers(pid: int, argument: str) -> None:
    """Kill Ansible, then its workers, which have sessions of their own and would loop to the end.

    They have its arguments, of which one is like no other process's. What a host does just then
    goes on there.
    """
    os.kill(pid, signal.SIGKILL)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if argument.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)


def changed(before: dict[tuple[str, str], int], fleet: DrillFleet) -> set[tuple[str, str]]:
    """What ran before and is another process now."""
    after = fleet.pids()
    return {who for who, pid in before.items() if after.get(who) != pid}


def first(phase: str) -> list[str]:
    """The error that an earlier phase has to be run first."""
    return [f"phase {phase} is not complete in '{REGION}'; run it first"]


def writes_to_the_old_only() -> list[str]:
    return [f"the agent of host '{AGENT}' writes to 'us-east-1' only; run phase dual_write first"]


def asks_the_old() -> list[str]:
    host = f"{REGION}-storage-1"
    return [f"vmalert of host '{host}' does not ask '{REGION}'; run phase readers first"]
