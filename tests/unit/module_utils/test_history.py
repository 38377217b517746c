"""A region's history is counted metric by metric through gateways, and copied by vmctl."""

from __future__ import annotations

import base64
import json
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import history
from ansible_collections.meridian.metrics.plugins.module_utils.history import (
    AHEAD,
    DAY,
    HistoryError,
    Span,
    Store,
)

MIDNIGHT = 20000 * DAY  # 2024-10-04
NOON = MIDNIGHT + DAY // 2
Form = dict[str, list[str]]
Answer = Callable[[str, Form], tuple[int, object]]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve what `answer` makes of a path and a form; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pair = base64.b64encode(b"migration:secret").decode()
            assert self.headers["Authorization"] == f"Basic {pair}"
            status, content = answer(self.path, parse_qs(body.decode()))
            said = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def store(*urls: str) -> Store:
    return Store(list(urls), "migration", "secret")


def vector(**counts: int) -> dict[str, object]:
    result = [
        {"metric": {"__name__": name}, "value": [0, f"{number}"]} for name, number in counts.items()
    ]
    return {"isPartial": False, "data": {"result": result}}


def test_days_are_those_of_utc_and_what_is_ahead_of_the_clock_belongs_to_the_last() -> None:
    assert history.spans(MIDNIGHT - 7.5, NOON + 0.9) == [
        Span(MIDNIGHT - 8, MIDNIGHT, MIDNIGHT),
        Span(MIDNIGHT, NOON, NOON + AHEAD),
    ]
    assert Span(MIDNIGHT, NOON, NOON).day == "2024-10-04"


def test_a_region_is_counted_cluster_by_cluster_and_past_caches() -> None:
    asked: list[Form] = []

    def answer(path: str, form: Form) -> tuple[int, object]:
        if path == "/api/v1/label/cluster/values":
            assert form["match[]"] == ['{region="eu-west-1"}']
            return 200, {"data": ["a", "b"]}
        asked.append(form)
        return 200, vector(up=10, rare=1) if '"a"' in form["query"][0] else vector(up=5)

    with served(answer) as url:
        span = Span(MIDNIGHT, NOON, NOON)
        assert history.count(store(url), "eu-west-1", span) == {"up": 20, "rare": 1}
    assert [re.findall(r"cluster=\"(\w*)\"", form["query"][0]) for form in asked] == [
        [""],
        ["a"],
        ["b"],
    ]
    assert all(form["nocache"] == ["1"] and form["time"] == [f"{NOON}"] for form in asked)
    assert "[43200s]" in asked[0]["query"][0]


def test_what_a_storage_does_not_count_at_once_is_counted_in_halves() -> None:
    counted: list[tuple[int, int]] = []

    def answer(path: str, form: Form) -> tuple[int, object]:
        if path == "/api/v1/label/cluster/values":
            return 200, {"data": []}
        found = re.search(r"\[(\d+)s\]", form["query"][0])
        assert found
        end, length = int(form["time"][0]), int(found[1])
        if length > 4000:
            return 422, {"error": "cannot select more than -search.maxSamplesPerQuery"}
        counted.append((end - length, end))
        return 200, vector(up=length)

    with served(answer) as url:
        span = Span(MIDNIGHT, NOON, NOON)
        assert history.count(store(url), "eu-west-1", span) == {"up": NOON - MIDNIGHT}
    assert counted[0][0] == MIDNIGHT
    assert counted[-1][1] == NOON
    assert all(end == start for (_, end), (start, _) in zip(counted, counted[1:], strict=False))


def test_a_storage_that_counts_nothing_is_told_with_what_it_said() -> None:
    with served(lambda *_: (422, {"error": "too much"})) as url:
        with pytest.raises(HistoryError) as raised:
            history.count(store(url), "eu-west-1", Span(MIDNIGHT, NOON, NOON))
        assert f"{raised.value}" == (
            f'{url} answered /api/v1/label/cluster/values with 422: {{"error": "too much"}}'
        )


def test_half_an_answer_is_none() -> None:
    with served(lambda *_: (200, {"isPartial": True, "data": []})) as url:
        with pytest.raises(HistoryError) as raised:
            history.has_samples(store(url), "eu-west-1", Span(MIDNIGHT, NOON, NOON))
        assert f"{raised.value}" == (
            f"{url} answered in part only; all storage nodes behind it have to run"
        )


def test_another_gateway_answers_for_one_that_is_away() -> None:
    with served(lambda *_: (200, {"data": ["a"]})) as url:
        found = store("http://127.0.0.1:1", url)
        assert history.has_samples(found, "eu-west-1", Span(MIDNIGHT, NOON, NOON))
        assert found.first() == url


def test_when_all_are_away_each_is_named() -> None:
    with pytest.raises(HistoryError) as raised:
        store("http://127.0.0.1:1", "http://127.0.0.1:2").ask("/x", {})
    assert re.fullmatch(
        r"http://127.0.0.1:1 did not answer /x \(.*\); http://127.0.0.1:2 did not answer /x \(.*\)",
        f"{raised.value}",
    )


def test_what_is_missing_is_told_metric_by_metric_the_worst_first() -> None:
    wanted = {"a": 10, "b": 10, "c": 10, "d": 9, "e": 9, "f": 9, "g": 9}
    lacking = history.missing(wanted, {"a": 10, "b": 3, "c": 12})
    assert lacking == {"b": 7, "d": 9, "e": 9, "f": 9, "g": 9}
    assert history.told(lacking, wanted) == "d 9 of 9, e 9 of 9, f 9 of 9, g 9 of 9, b 7 of 10"
    assert history.told({**lacking, "h": 1}, {**wanted, "h": 1}).endswith(
        "b 7 of 10, 1 more metrics"
    )


def vmctl(folder: Path, script: str) -> str:
    """Make a program that takes the place of vmctl and keeps what it was given."""
    path = folder / "vmctl"
    path.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/argv\nenv > {folder}/env\n{script}\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_vmctl_gets_its_passwords_where_nobody_else_sees_them(tmp_path: Path) -> None:
    program = vmctl(tmp_path, "exit 0")
    with served(lambda *_: (200, {})) as url:
        span = Span(MIDNIGHT, NOON, NOON + AHEAD)
        source, destination = store("http://127.0.0.1:1", url), Store([url], "migration", "secret")
        history.copy([program], source, destination, "eu-west-1", span, 1000)
    arguments = (tmp_path / "argv").read_text().splitlines()
    assert arguments == [
        "vm-native",
        "-s",
        "--disable-progress-bar",
        f"--vm-native-src-addr={url}",
        f"--vm-native-dst-addr={url}",
        '--vm-native-filter-match={region="eu-west-1"}',
        "--vm-native-filter-time-start=2024-10-04T00:00:00Z",
        "--vm-native-filter-time-end=2024-10-06T12:00:00Z",
        "--vm-native-step-interval=day",
        "--vm-native-backoff-retries=5",
        "--vm-rate-limit=1000",
    ]
    environment = (tmp_path / "env").read_text().splitlines()
    assert "VM_NATIVE_SRC_PASSWORD=secret" in environment
    assert "VM_NATIVE_DST_USERNAME=migration" in environment


def test_what_vmctl_said_last_is_told_when_it_fails(tmp_path: Path) -> None:
    program = vmctl(tmp_path, "echo begun; echo 'import failed'; echo; exit 1")
    with served(lambda *_: (200, {})) as url:
        found = store(url)
        with pytest.raises(HistoryError) as raised:
            history.copy([program], found, found, "eu-west-1", Span(MIDNIGHT, NOON, NOON))
    assert f"{raised.value}" == "vmctl failed: import failed"
