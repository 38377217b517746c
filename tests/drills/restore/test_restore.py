"""A storage host is lost, then all of them: from their backups every sample comes back.

The backups go to an emulation of a store that speaks S3, on this machine.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import hosts
import pytest
import yaml
from drill_fleet import NETWORK, SCENARIO, DrillFleet
from load import Load
from object_store import CREDENTIALS, emulated_s3
from samples import eventually

# Another one for each scenario, for several of them run beside each other.
S3_PORT = 29000 + int(NETWORK.rpartition(".")[2])
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[None]:
    """The store that the backups go to."""
    with emulated_s3(S3_PORT, "drill"):
        yield


@pytest.fixture
def backed_up(fleet: DrillFleet, tmp_path: Path) -> list[str]:
    """Arguments that add backups of every storage host to the fleet's inventory; applied."""
    inventory = {
        "vmbackup": {
            "hosts": dict.fromkeys(storage_hosts(fleet)),
            "vars": {
                "vmbackup_destination": f"s3://drill/{tmp_path.name}",
                "vmbackup_s3_endpoint": f"http://{NETWORK}.0.1:{S3_PORT}",
                "vmbackup_s3_credentials": CREDENTIALS,
                # when the drill says so
                "vmbackup_schedule": "yearly",
            },
        }
    }
    path = tmp_path / "backups.yml"
    path.write_text(yaml.safe_dump(inventory))
    arguments = ["-i", str(path)]
    fleet.site("--tags=vmbackup", *arguments)
    return arguments


def storage_hosts(fleet: DrillFleet) -> list[str]:
    """The hosts that keep samples."""
    return fleet.hosts("vmstorage") or fleet.hosts("vmsingle")


def back_up(fleet: DrillFleet) -> float:
    """Back up every storage host, as its timer does; how long it took."""
    started = time.monotonic()
    for host in storage_hosts(fleet):
        fleet.shell(host, "systemctl start meridian-vmbackup")
    return round(time.monotonic() - started, 1)


def replace(fleet: DrillFleet, host: str) -> None:
    """Let a host be gone, with all that it held, and put a new one in its place."""
    name = f"molecule-{SCENARIO}"
    image = subprocess.run(
        ["docker", "inspect", "-f", "{{.Config.Image}}", fleet.container(host)],
        capture_output=True,
        text=True,
        check=True,
    )
    new = hosts.Host(
        name=host,
        image=image.stdout.strip().rpartition(":")[2],
        address=fleet.addresses[host],
        container=fleet.container(host),
    )
    subprocess.run(["docker", "rm", "-f", "-v", fleet.container(host)], check=True)
    hosts.up(name, [new])


def counts(fleet: DrillFleet, first: datetime) -> dict[str, float]:
    """Samples of the load by day (UTC) that has any, as the gateway answers."""
    found = {}
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < datetime.now(timezone.utc):
        end = (day + DAY).timestamp() - 0.001
        expression = f"sum(count_over_time(meridian_load[1d] @ {end:.3f}))"
        found[f"{day:%Y-%m-%d}"] = sum(fleet.ask(expression).values())
        day += DAY
    return {name: samples for name, samples in found.items() if samples}


def restore(fleet: DrillFleet, lost: list[str], arguments: list[str]) -> tuple[float, list[str]]:
    """Restore hosts that are new; seconds until all is well, and the run's lines about samples."""
    started = time.monotonic()
    run = fleet.play("restore.yml", *arguments, "-e", f"restore_hosts={':'.join(lost)}")
    assert run.status == 0, run.output[-6000:]
    fleet.settle()
    told = [line.strip() for line in run.output.splitlines() if " samples in the backup" in line]
    return round(time.monotonic() - started, 1), told


def test_every_sample_comes_back_when_one_storage_host_is_lost_and_when_all_are(
    fleet: DrillFleet,
    backed_up: list[str],
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    long: bool,
) -> None:
    began = datetime.now(timezone.utc)
    # What other drills of the same fleet have sent.
    earlier = sum(counts(fleet, began).values())
    load = start_load()
    time.sleep(120 if long else 20)
    report = load.stop()
    assert report.missing == 0
    before = counts(fleet, began)
    assert sum(before.values()) - earlier == report.sent
    took = back_up(fleet)

    nodes = storage_hosts(fleet)
    for drill, lost in (("one storage host lost", nodes[-1:]), ("all storage lost", nodes)):
        for host in lost:
            replace(fleet, host)
        seconds, told = restore(fleet, lost, backed_up)
        assert len(told) == len(lost)
        after = counts(fleet, began)
        assert after == before
        assert load.readable() == report.sent
        figures(
            drill,
            report,
            seconds=seconds,
            hosts=len(lost),
            backup_seconds=took,
            by_day_before=before,
            by_day_after=after,
        )
        run = fleet.play("site.yml", *backed_up)
        assert run.status == 0, run.output[-6000:]
        for host in lost:
            assert fleet.shell(host, "systemctl is-active meridian-vmbackup.timer") == "active"


def test_a_restored_fleet_takes_new_samples_and_backs_them_up(
    fleet: DrillFleet, backed_up: list[str], start_load: Callable[..., Load]
) -> None:
    load = start_load()
    time.sleep(10)
    report = load.stop()
    assert report.missing == 0
    assert report.duplicated == 0
    back_up(fleet)
    name = "meridian_backup_last_run_success"
    eventually(lambda: set(fleet.ask(f'{name}{{kind="hourly"}}').values()) == {1.0}, seconds=180)
