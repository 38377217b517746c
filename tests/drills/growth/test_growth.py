"""A fleet grows and shrinks under load: nothing is lost, and only what has to restarts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from drill_fleet import DrillFleet
from growth.growing import AGENT, GATEWAY, NEW_HOSTS, REGION, STORAGE, mark, room_to_grow, write
from load import Load, Report
from rolls import watched
from samples import eventually, query, vector

GATEWAY_3 = "us-east-1-gateway-3"
STORAGE_4 = "us-east-1-storage-4"
# Where storage nodes are flags: a new list is a restart, host after host.
READ_THE_LIST = ("vmselect", "vminsert")
OTHERS = {"gateway": GATEWAY, "agent": AGENT, "region": REGION}
DATE = re.compile(r"it has to stay readable until (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")

Pids = dict[tuple[str, str], int]


def cost_nothing(report: Report) -> None:
    assert (report.missing, report.duplicated, report.wrong) == (0, 0, 0), report.missing_spans
    assert (report.queries_failed, report.queries_partial) == (0, 0), report.query_failures
    assert report.queries > 0


def restarted(before: Pids, after: Pids) -> set[tuple[str, str]]:
    """What ran before and is another process now."""
    return {who for who, pid in before.items() if after.get(who) != pid}


def await_samples(fleet: DrillFleet, cluster: str) -> None:
    """Wait until samples of a cluster are readable."""
    eventually(lambda: fleet.ask(f'count(up{{cluster="{cluster}"}} == 1)'), seconds=180)


def test_more_gateways_agents_and_regions_restart_nothing_and_cost_nothing(
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    tmp_path: Path,
) -> None:
    new = [name for name in NEW_HOSTS if name != STORAGE_4]
    fleet.site()  # without what other tests have changed
    with room_to_grow(fleet, tmp_path, new) as grown:
        load = start_load()
        before = fleet.pids()
        write(grown, OTHERS)
        began = time.monotonic()
        run = grown.site()
        seconds = grown.settle() + time.monotonic() - began
        after = grown.pids()
        await_samples(grown, "us-east-1-eks-02-prod")
        await_samples(grown, "ap-south-1-eks-01-prod")
        answer = query(
            grown.url(GATEWAY_3, "vmauth").replace("8426", "8427"), "up", auth=fleet.operator
        )
        report = load.stop()
        assert vector(answer)
        assert restarted(before, after) == set()
        assert {host for host, _ in set(after) - set(before)} == set(new)
        cost_nothing(report)
        figures("more gateways, agents and regions", report, seconds=seconds, restarted=0)
        # The second run has nothing to do.
        assert sum(grown.site().changed.values()) == 0, run.output[-3000:]


def test_one_more_storage_node_is_started_then_read_then_written_to(
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
    tmp_path: Path,
) -> None:
    if not fleet.is_cluster:
        pytest.skip("a vmsingle has no storage nodes")
    with room_to_grow(fleet, tmp_path, [STORAGE_4]) as grown:
        load = start_load()
        before = fleet.pids()
        write(grown, {"storage": STORAGE})
        began = time.monotonic()
        with watched(grown, ("vmstorage", *READ_THE_LIST)) as watch:
            grown.site()
        seconds = grown.settle() + time.monotonic() - began
        after = grown.pids()
        starts = [watch.restarts(component) for component in READ_THE_LIST]
        expected = {(host, name) for name in READ_THE_LIST for host in fleet.hosts(name)}
        assert restarted(before, after) == expected
        assert watch.together() == []
        new = started(grown, STORAGE_4, "vmstorage")
        selects, inserts = ([each.started for each in roll] for roll in starts)
        assert new < min(selects) <= max(selects) < min(inserts)
        report = load.stop()
        assert rows(grown, STORAGE_4) > 0
        cost_nothing(report)
        figures("a fourth storage node", report, seconds=seconds)

        leaves(fleet, grown, start_load, figures)


def leaves(
    fleet: DrillFleet,
    grown: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
) -> None:
    """Take the fourth node out again: refused, kept readable, drained, each under load."""
    take_out = ("-e", f"decommission_host={STORAGE_4}")
    mark(grown, *grown.hosts("vmstorage")[:2], STORAGE_4)
    before = grown.pids()
    refused = grown.play("decommission.yml", *take_out)
    assert refused.status == 2
    assert (
        "ERROR: replication factor 2 of region 'us-east-1' is above its number of vmstorage hosts "
        "that are written to, 1, not " in refused.output
    )
    assert grown.pids() == before

    load = start_load()
    mark(grown, STORAGE_4)
    began = time.monotonic()
    kept = grown.play("decommission.yml", *take_out)
    seconds = time.monotonic() - began
    assert kept.status == 0, kept.output[-6000:]
    assert DATE.search(kept.output)
    inserts = {(host, "vminsert") for host in fleet.hosts("vminsert")}
    assert restarted(before, grown.pids()) == inserts
    held = rows(grown, STORAGE_4)
    # An earlier removal would lose what only this node has.
    early = grown.play("decommission.yml", *take_out)
    assert early.status == 2
    assert re.search(f"ERROR: {STORAGE_4} is not written to, .*{DATE.pattern}", early.output)
    report = load.stop()
    assert rows(grown, STORAGE_4) == held
    cost_nothing(report)
    figures("a storage node that is only read", report, seconds=seconds)

    # Not rounded up: the next load's first sample may have the time of the next second.
    sent = f"sum(count_over_time(meridian_load[2h] @ {int(time.time())}))"
    whole = grown.ask(sent)
    assert whole
    load = start_load()
    before = grown.pids()
    began = time.monotonic()
    drained = grown.play("decommission.yml", *take_out, "-e", "decommission_drain=true")
    seconds = time.monotonic() - began
    assert drained.status == 0, drained.output[-6000:]
    report = load.stop()
    cost_nothing(report)
    gone = {(host, "vmselect") for host in fleet.hosts("vmselect")} | {(STORAGE_4, "vmstorage")}
    assert restarted(before, grown.pids()) == gone
    assert grown.shell(STORAGE_4, "ls /var/lib/vmstorage") != ""
    figures("a storage node that is drained", report, seconds=seconds)
    # All that was sent before it, now read without the node.
    assert grown.ask(sent) == whole
    again = grown.play("decommission.yml", *take_out, "-e", "decommission_drain=true")
    assert again.status == 0, again.output[-3000:]
    assert sum(again.changed.values()) == 0


def started(fleet: DrillFleet, host: str, component: str) -> float:
    """When a program was started, in seconds of the clock that all test hosts share."""
    name = "ActiveEnterTimestampMonotonic"
    shown = fleet.shell(host, f"systemctl show -P {name} meridian-{component}")
    return int(shown) / 1_000_000


def rows(fleet: DrillFleet, host: str) -> float:
    """Samples that a storage node has taken since its start."""
    return fleet.metric(host, "vmstorage", "vm_rows_added_to_storage_total")
