"""Between two hosts of a roll stands a gate; one that does not open stops the roll, and says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from drill_fleet import NETWORK, PORTS, DrillFleet
from load import Load
from rolls import cost_nothing, new_flag, watched
from samples import eventually

# Long enough for a sample to come through on a busy machine.
TIMEOUT = ("-e", "meridian_gate_timeout=20")


@pytest.fixture
def component(fleet: DrillFleet) -> str:
    """What is rolled: a component with more than one host, the storage where it is a cluster."""
    return "vmstorage" if fleet.is_cluster else "vmauth"


@contextmanager
def walled_off(fleet: DrillFleet, host: str, component: str) -> Iterator[None]:
    """Refuse what the gate asks for: vminsert's way to a vmstorage, agents' to a vmauth's page."""
    port = "8400" if component == "vmstorage" else str(PORTS[component])
    pid = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Pid}}", fleet.container(host)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    enter = ["nsenter", "-t", pid, "-n", "iptables", "-w"]
    rule = ["INPUT", "-p", "tcp", "--dport", port, "!", "-s", f"{NETWORK}.0.1"]
    rule += ["-j", "REJECT", "--reject-with", "tcp-reset"]
    subprocess.run([*enter, "-I", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run([*enter, "-D", *rule], check=True)


def change(component: str) -> tuple[str, ...]:
    """Arguments of a run that restarts all hosts of a component; another value at every call."""
    args = {f"{component}_extra_args": new_flag()}
    return ("--tags", component, "-e", json.dumps(args))


def serves_again(fleet: DrillFleet, component: str, host: str, old_pid: int) -> bool:
    """Whether a restarted program is there again for those that send to it."""
    pid = int(fleet.shell(host, f"systemctl show -P MainPID meridian-{component}"))
    reachable = "vm_rpc_vmstorage_is_reachable"
    return pid not in (0, old_pid) and all(
        fleet.metric(vminsert, "vminsert", reachable) == len(fleet.hosts("vmstorage"))
        for vminsert in fleet.hosts("vminsert")
    )


def test_no_roll_begins_while_another_host_is_away(component: str, fleet: DrillFleet) -> None:
    before = fleet.pids()
    host = fleet.hosts(component)[-1]
    sign = (
        f'up{{job="vmauth",instance="{host}"}}'
        if component == "vmauth"
        else f'vm_rpc_vmstorage_is_reachable{{addr=~"({host}|{fleet.addresses[host]}):.+"}}'
    )
    eventually(lambda: fleet.ask(f"min({sign})") == {(): 1}, seconds=180)
    with walled_off(fleet, host, component):
        eventually(lambda: fleet.ask(f"max({sign})") == {(): 0}, seconds=180)
        run = fleet.play("site.yml", *change(component), "-e", "meridian_gate_timeout=5")
    assert run.status != 0
    assert fleet.pids() == before
    assert "its change waits, because" in run.output, run.output[-3000:]
    assert "This host was not touched. Mend that and run the same command again" in run.output


def test_a_gate_that_does_not_open_stops_the_roll_until_what_failed_is_mended(
    component: str,
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
) -> None:
    first, *later = fleet.hosts(component)
    before = fleet.pids()
    same_change = change(component)
    load = start_load()
    with watched(fleet, [component]) as watch, ThreadPoolExecutor() as pool:
        running = pool.submit(fleet.play, "site.yml", *same_change, *TIMEOUT)
        # Not before: two storage nodes away at a time would leave samples with one copy.
        old = before[first, component]
        eventually(
            lambda: running.done() or serves_again(fleet, component, first, old), seconds=600
        )
        assert not running.done(), running.result().output[-3000:]
        with walled_off(fleet, later[-1], component):
            run = running.result()
        after = fleet.pids()
        fleet.settle()
        fleet.site(*same_change)
        fleet.settle()
    report = load.stop()
    figures(
        f"a failed gate of {component}", report, seconds=watch.seconds, down=watch.longest_down()
    )
    assert run.status != 0
    assert {who for who, pid in after.items() if pid != before[who]} == {(first, component)}
    # A gateway's gate can have heard of the other one between its restart and the wall; then the
    # next host's gate stops the roll.
    if not fleet.is_cluster and "its change waits, because" in run.output:
        assert "This host was not touched. Mend that and run the same command again" in run.output
    else:
        assert "it runs as declared and serves, but after" in run.output, run.output[-3000:]
        assert "Nothing is rolled back. Mend that and run the same command again" in run.output
        assert f"the roll stopped at {first}; this host was not touched" in run.output
    now = fleet.pids()
    assert now[first, component] == after[first, component]
    assert all(now[host, component] != before[host, component] for host in later)
    assert watch.together() == []
    cost_nothing(report, watch)
