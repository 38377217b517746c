"""A broken flag or version in the middle of a roll costs one host a few seconds, and no sample."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from drill_fleet import LONG, DrillFleet
from load import Load
from rolls import MACHINE, ORDER, cost_nothing, new_flag, watched

# Passes -version, which is all that is asked of a program before it is started, and then ends.
BROKEN = """#!/bin/sh
case "$*" in
*-version* | *-dryRun*) echo v1.149.999 ;;
*) echo 'FATAL: this version cannot read its data' >&2; exit 1 ;;
esac
"""
# Two servers of one program at one port: known only once it starts.
TAKEN_PORT = {"vmstorage": {"vminsertAddr": ":8482"}, "vmauth": {"httpInternalListenAddr": ":8427"}}
ARCHIVES = {"vmstorage": "victoria-metrics-{}-cluster", "vmauth": "vmutils-{}"}


@pytest.fixture
def component(fleet: DrillFleet) -> str:
    """What is rolled: a component with more than one host, the storage where it is a cluster."""
    return "vmstorage" if fleet.is_cluster else "vmauth"


def broken_archive(folder: Path, component: str) -> Path:
    """Put a release of a component that does not start into an archive folder."""
    stem = ARCHIVES[component].format(f"linux-{MACHINE}-v1.149.999")
    archive = folder / f"{stem}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(f"{component}-prod")
        member.mode, member.size = 0o755, len(BROKEN)
        tar.addfile(member, io.BytesIO(BROKEN.encode()))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / f"{stem}_checksums.txt").write_text(f"{digest}  {archive.name}\n")
    return folder


def overlay(
    path: Path, component: str, everywhere: Mapping[str, Any], host: str, only: Mapping[str, Any]
) -> Path:
    """Write an inventory to lay over the fleet's: a component's settings, other ones of a host."""
    path.write_text(json.dumps({component: {"vars": everywhere, "hosts": {host: only}}}))
    return path


def command_line(fleet: DrillFleet, host: str, component: str) -> str:
    return fleet.shell(host, f"systemctl show -P ExecStart meridian-{component}")


@pytest.mark.parametrize("what", ["flag", "version"] if LONG else ["version"])
def test_the_roll_ends_at_the_broken_host_which_serves_as_before(
    what: str,
    component: str,
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    tmp_path: Path,
) -> None:
    first, broken, *later = fleet.hosts(component)
    good = new_flag()
    flag = "-{}={}".format(*next(iter(good.items())))
    if what == "flag":
        bad: dict[str, Any] = {f"{component}_extra_args": good | TAKEN_PORT[component]}
    else:
        bad = {
            f"{component}_source": "archive",
            f"{component}_version": "1.149.999",
            "meridian_archive_dir": str(broken_archive(tmp_path, component)),
        }
    inventory = overlay(
        tmp_path / "change.json", component, {f"{component}_extra_args": good}, broken, bad
    )
    before, ran = fleet.pids(), command_line(fleet, broken, component)
    load = start_load()
    with watched(fleet, [component]) as watch:
        run = fleet.play("site.yml", "-i", str(inventory), "--tags", component)
        fleet.settle()
    after = fleet.pids()
    assert run.status != 0, run.output[-3000:]
    assert "was put back and serves." in run.output
    assert f"the roll stopped at {broken}; this host was not touched" in run.output or not later
    assert command_line(fleet, broken, component).split(" ; ")[1] == ran.split(" ; ")[1]
    assert flag in command_line(fleet, first, component)
    assert {who for who, pid in after.items() if pid != before[who]} == {
        (first, component),
        (broken, component),
    }
    # Mended, the roll goes on where it stopped.
    mended = {f"{component}_extra_args": good}
    fleet.site("--tags", component, "-e", json.dumps(mended))
    fleet.settle()
    report = load.stop()
    figures(
        f"a broken {what} of {component}", report, seconds=watch.seconds, down=watch.longest_down()
    )
    assert fleet.pids()[first, component] == after[first, component]
    for host in (broken, *later):
        assert flag in command_line(fleet, host, component)
    assert watch.together() == []
    cost_nothing(report, watch)


def test_a_flag_that_no_program_knows_is_refused_before_a_host_is_touched(
    fleet: DrillFleet, component: str
) -> None:
    before = fleet.pids()
    for name in ORDER if LONG else [component]:
        if not fleet.hosts(name):
            continue
        args = {f"{name}_extra_args": {"retentionPerod": "1y"}}
        run = fleet.play("site.yml", "--tags", name, "-e", json.dumps(args))
        assert run.status != 0, name
        assert "flag provided but not defined: -retentionPerod" in run.output, run.output[-3000:]
        assert "What runs was not touched." in run.output
    assert fleet.pids() == before
