"""The disk of a storage is full: it takes no more samples, none is lost, and it recovers by itself.

With a second case that is worse: not a byte is left before it could stop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from disk.small_disk import SmallDisk, small_disk
from drill_fleet import USUAL_BACKLOG_BYTES, DrillFleet
from load import Load
from samples import eventually

# The disk stays full for so long at least.
FULL_SECONDS = 30
ALERT_SECONDS = 600
# Parts in memory are written when they are five seconds old, and their merges when these are; a
# disk without space costs all of them.
UNWRITTEN_SECONDS = 15


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    """The disk of one storage node, or of the vmsingle."""
    fleet = DrillFleet(Path(os.environ["MERIDIAN_DRILL_INVENTORY"]))
    component = "vmstorage" if fleet.is_cluster else "vmsingle"
    with small_disk(fleet, fleet.hosts(component)[0], component) as found:
        yield found


@pytest.fixture(autouse=True)
def _room(disk: SmallDisk) -> Iterator[None]:
    """Whatever becomes of a test, the next one finds room."""
    yield
    disk.clear()


def minimum(disk: SmallDisk) -> float:
    """Bytes that the storage keeps free (-storage.minFreeDiskSpaceBytes)."""
    return disk.fleet.metric(disk.host, disk.component, "vm_free_disk_space_limit_bytes")


def is_read_only(disk: SmallDisk) -> bool:
    """Whether the storage takes no samples."""
    return disk.fleet.metric(disk.host, disk.component, "vm_storage_is_read_only") == 1


def insert_metric(fleet: DrillFleet, name: str, **labels: str) -> float:
    """The sum of a metric over all vminserts; 0 without any."""
    hosts = fleet.hosts("vminsert")
    return sum(fleet.metric(host, "vminsert", name, **labels) for host in hosts)


def lone_copies(fleet: DrillFleet) -> float:
    """Samples that were stored with fewer copies than they should have."""
    return insert_metric(fleet, "vm_rpc_rows_incompletely_replicated_total")


def seconds_until(check: Callable[[], object], *, at_most: float = 180) -> float:
    """Wait for something; how long it took."""
    started = time.monotonic()
    eventually(check, seconds=at_most)
    return round(time.monotonic() - started, 1)


def test_a_full_storage_is_read_only_and_nothing_is_lost(
    fleet: DrillFleet,
    disk: SmallDisk,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    long: bool,
) -> None:
    address = f"{fleet.addresses[disk.host]}:8400"
    lone_before = lone_copies(fleet)
    load = start_load()
    time.sleep(10)

    began = time.monotonic()
    disk.fill(bytes_left=minimum(disk) / 2)
    read_only_after = seconds_until(lambda: is_read_only(disk))
    if fleet.is_cluster:
        # Its share goes to the others, and no agent holds anything back.
        known = "vm_rpc_vmstorage_is_read_only"
        inserts = len(fleet.hosts("vminsert"))
        eventually(lambda: insert_metric(fleet, known, addr=address) == inserts, seconds=180)
        rerouted = "vm_rpc_rows_rerouted_from_here_total"
        before = insert_metric(fleet, rerouted, addr=address)
        eventually(lambda: insert_metric(fleet, rerouted, addr=address) > before, seconds=180)
        eventually(lambda: fleet.backlog() < USUAL_BACKLOG_BYTES)
    else:
        eventually(lambda: fleet.backlog() > USUAL_BACKLOG_BYTES, seconds=300)
    # A vmsingle does not store that it is read-only either; its silence is what is alerted.
    alert = "StorageReadOnly" if fleet.is_cluster else "StorageTakesNothing"
    # The short form leaves the rest of the time before it fires to the tests of the rules.
    states = ("firing",) if long else ("pending", "firing")
    eventually(lambda: alert in fleet.alerts(states), seconds=ALERT_SECONDS)
    alert_after = round(time.monotonic() - began)
    time.sleep(max(0.0, began + FULL_SECONDS - time.monotonic()))
    assert disk.free() > minimum(disk) / 2 * 0.9, "it goes on writing"
    full_seconds = round(time.monotonic() - began)

    disk.clear()
    writable_after = seconds_until(lambda: not is_read_only(disk))
    recovered = writable_after + fleet.settle()
    time.sleep(5)
    report = load.stop()
    figures(
        "disk full",
        report,
        seconds=recovered,
        full_seconds=full_seconds,
        read_only_after=read_only_after,
        alert=f"{alert} {states[0]}",
        alert_after=alert_after,
        writable_after=writable_after,
    )
    assert report.missing == 0, report.missing_spans
    assert report.duplicated == 0
    assert report.queries_failed == 0, report.query_failures
    assert report.queries_partial == 0
    assert lone_copies(fleet) == lone_before
    eventually(lambda: alert not in fleet.alerts(("pending", "firing")), seconds=ALERT_SECONDS)


def test_a_storage_without_a_byte_left_starts_again_and_a_second_copy_is_enough(
    fleet: DrillFleet,
    disk: SmallDisk,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
) -> None:
    """It ends when it cannot write what it holds in memory, systemd starts it, now read-only.

    What it had in memory is lost there: in a cluster another node has it, a vmsingle has lost it.
    """
    process = fleet.pids()[disk.host, disk.component]
    lone_before = lone_copies(fleet)
    load = start_load()
    time.sleep(10)

    began = time.time()
    disk.fill_up()
    eventually(lambda: fleet.pids()[disk.host, disk.component] not in (0, process), seconds=180)
    ended_after = round(time.time() - began, 1)
    log = f"journalctl --unit meridian-{disk.component} --since=@{int(began)} --output=cat"
    eventually(lambda: "no space left on device" in fleet.shell(disk.host, log))
    eventually(lambda: not fleet.unsettled() or not fleet.is_cluster, seconds=180)
    time.sleep(10)
    disk.clear()
    recovered = fleet.settle()
    eventually(lambda: not is_read_only(disk), seconds=180)
    time.sleep(5)
    report = load.stop()
    figures(
        "disk without a byte left",
        report,
        seconds=recovered,
        ended_after=ended_after,
        lost_seconds=round(report.missing / report.rate, 1),
    )
    assert report.duplicated == 0
    if fleet.is_cluster:
        assert report.missing == 0, report.missing_spans
        assert report.queries_failed == 0, report.query_failures
        assert lone_copies(fleet) == lone_before
    else:
        assert report.missing <= UNWRITTEN_SECONDS * report.rate, report.missing_spans
        for span in report.missing_spans:
            assert span["start"] >= began - UNWRITTEN_SECONDS, span
            assert span["end"] <= began + ended_after + UNWRITTEN_SECONDS, span
