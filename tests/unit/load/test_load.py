"""Load and Report as the drills use them, and that nothing of it outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import load as load_module
import pytest
from load import Load

FOLDER = Path(load_module.__file__).parent
SECONDS = 120


def wait_until(done: Any, what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def children() -> set[int]:
    """The processes that this one has started."""
    pid = os.getpid()
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.fixture
def usual(server: Any, tmp_path: Path) -> dict[str, Any]:
    """What a load of two agents and one gateway is made with."""
    return {
        "agents": {"a": server.url, "b": server.url},
        "gateways": [server.url],
        "auth": ("operator", "secret"),
        "rate": 20,
        "queries_per_second": 20,
        "directory": tmp_path / "load",
    }


def test_a_load_is_counted_exactly(usual: dict[str, Any], server: Any) -> None:
    load = Load(**usual)
    load.start()
    # what is younger than five seconds is not asked for
    wait_until(lambda: load.sent() >= 160 and server.asked, "160 samples sent, and some asked for")
    assert load.lag() < SECONDS
    assert load.readable() >= 160
    report = load.stop(settle_seconds=5)
    taken = sum(len(samples) for samples in server.samples.values())
    assert (report.sent, report.stored, report.missing, report.missing_spans) == (
        taken,
        taken,
        0,
        [],
    )
    assert (report.duplicated, report.wrong, report.queries_failed) == (0, 0, 0)
    assert report.queries > 0
    assert json.loads(json.dumps(report.as_dict()))["sent"] == taken
    # neither in a file nor in a list of processes
    for file in usual["directory"].iterdir():
        assert "secret" not in file.read_text()


def test_what_storage_lost_is_told_with_agent_and_time(usual: dict[str, Any], server: Any) -> None:
    load = Load(**usual)
    load.start()
    wait_until(lambda: load.sent() >= 60, "60 samples sent")
    lost = server.samples["b", 4].pop(1)
    report = load.stop(settle_seconds=0)
    at = lost[1] / 1000
    assert report.missing_spans == [{"agent": "b", "start": at, "end": at, "samples": 1}]
    assert (report.missing, report.stored) == (1, report.sent - 1)


def test_another_region_is_counted_of_some_agents_only(usual: dict[str, Any], server: Any) -> None:
    load = Load(**usual)
    load.start()
    wait_until(lambda: load.sent() >= 60, "60 samples sent")
    server.samples["a", 4].pop(1)
    load.stop(settle_seconds=0)
    found = {agent: load.held([server.url], agents=[agent]) for agent in ("a", "b")}
    assert [found[agent].missing for agent in ("a", "b")] == [1, 0]
    assert found["a"].sent + found["b"].sent == load.sent()
    assert found["b"].stored == found["b"].sent


def test_the_lag_grows_while_an_agent_is_away(usual: dict[str, Any], server: Any) -> None:
    load = Load(**usual)
    load.start()
    server.behave = lambda path: 503 if "import" in path else None
    wait_until(lambda: load.lag() >= 3, "3 s of samples not acknowledged")
    server.behave = lambda _path: None
    wait_until(lambda: load.lag() < 3, "the rest was caught up")
    assert load.stop().missing == 0


def test_an_agent_that_takes_nothing_is_named(
    usual: dict[str, Any], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def behave(path: str) -> int | None:
        if "agent=b" not in path:
            return None
        refused.append(path)
        return 400

    server.behave = behave
    # The time is over when the writer has heard it several times, however long that takes.
    clock = SimpleNamespace(
        time=time.time,
        sleep=time.sleep,
        monotonic=lambda: 2 * load_module.START_SECONDS if len(refused) > 10 else 0,
    )
    monkeypatch.setattr(load_module, "time", clock)
    expected = f"no sample taken by b at {server.url}: Refused: 400 as the test wants it"
    with pytest.raises(RuntimeError, match=expected):
        Load(**usual).start()


def test_a_process_that_ended_by_itself_is_told(usual: dict[str, Any]) -> None:
    load = Load(**{**usual, "agents": {"a": "http://["}})
    with pytest.raises(
        RuntimeError, match=r"(?s)the load's writer ended with 1:.*Invalid IPv6 URL"
    ):
        load.start()


def test_close_ends_the_processes(usual: dict[str, Any]) -> None:
    before = children()
    load = Load(**usual)
    load.start()
    started = children() - before
    assert len(started) == 2
    load.close()
    assert not started & children()
    load.close()


def test_the_processes_end_with_their_parent(usual: dict[str, Any], server: Any) -> None:
    settings = json.dumps({**usual, "directory": str(usual["directory"])})
    script = (
        "import json, sys, time; from pathlib import Path; from load import Load\n"
        "settings = json.loads(sys.argv[1]); settings['directory'] = Path(settings['directory'])\n"
        "load = Load(**settings); load.start(); print('started', flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, settings],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
    )
    assert parent.stdout
    assert parent.stdout.readline() == b"started\n"
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    gone = lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children)  # noqa: E731
    wait_until(gone, "writer and querier ended")
