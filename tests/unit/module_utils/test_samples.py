"""Samples are counted by day and tenant, and copied as they are stored, through local servers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import samples
from ansible_collections.meridian.metrics.plugins.module_utils.samples import (
    DAY,
    SamplesError,
    Window,
)

NOON = 20000 * DAY + DAY // 2
Answer = Callable[[str, bytes], tuple[int, bytes]]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve what `answer` makes of a path and a body; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = answer(self.path, body)
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


def vector(value: float | None, *, partial: bool = False) -> bytes:
    result = [] if value is None else [{"metric": {}, "value": [0, f"{value}"]}]
    return json.dumps({"isPartial": partial, "data": {"result": result}}).encode()


@pytest.mark.parametrize(
    ("retention", "seconds"),
    [
        ("1y", 365 * DAY),
        ("15d", 15 * DAY),
        ("1.5d", 1.5 * DAY),
        ("2w", 14 * DAY),
        ("36h", 1.5 * DAY),
        ("1", 31 * DAY),
        ("2M", 62 * DAY),
    ],
)
def test_a_retention_is_read_as_vmstorage_does(retention: str, seconds: float) -> None:
    assert samples.retention_seconds(retention) == seconds


def test_another_text_is_no_retention() -> None:
    with pytest.raises(SamplesError) as raised:
        samples.retention_seconds("forever")
    assert f"{raised.value}" == "retention 'forever' is none; write one such as 1y or 15d"


def test_days_are_those_of_utc_and_the_first_and_the_last_are_cut_short() -> None:
    assert list(samples.days(NOON - DAY + 0.5, NOON + DAY)) == [
        (NOON - DAY, 20000 * DAY),
        (20000 * DAY, 20001 * DAY),
        (20001 * DAY, NOON + DAY),
    ]


def test_nothing_is_asked_outside_of_what_the_storage_answers() -> None:
    times: list[tuple[int, int]] = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/admin/tenants":
            return 200, b'{"data":["0:0"]}'
        form = parse_qs(body.decode())
        span = re.search(r"\[(\d+)s\]", form["query"][0])
        assert span
        end = int(form["time"][0])
        times.append((end - int(span[1]), end))
        return 200, vector(None)

    with served(answer) as url:
        assert samples.windows(url, "3d", "36h", NOON) == []
    assert NOON - 3 * DAY < times[0][0] <= NOON - 3 * DAY + 3600
    assert NOON + 1.5 * DAY - 60 <= times[-1][1] < NOON + 1.5 * DAY
    assert all(end == start for (_, end), (start, _) in zip(times, times[1:], strict=False))


def test_only_days_with_samples_are_listed_and_the_last_one_ends_with_its_newest_sample() -> None:
    held = {20000 * DAY: 7, 20001 * DAY: 5}

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/admin/tenants":
            return 200, b'{"data":["0:0"]}'
        form = parse_qs(body.decode())
        if "tlast" in form["query"][0]:
            return 200, vector(NOON - 30.5)
        return 200, vector(held.get(int(form["time"][0])))

    with served(answer) as url:
        assert samples.windows(url, "3d", "2d", NOON) == [
            (Window("0:0", 19999 * DAY, 20000 * DAY), 7),
            (Window("0:0", 20000 * DAY, NOON - 30), 5),
        ]


def test_what_is_counted_is_the_tenants_span_past_all_caches() -> None:
    asked = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append((path, parse_qs(body.decode())))
        return 200, vector(12)

    with served(answer) as url:
        assert samples.count(url, Window("7:3", 1000, 1600)) == 12
    assert asked == [
        (
            "/select/7:3/prometheus/api/v1/query",
            {
                "query": ['sum(count_over_time({__name__!=""}[600s]))'],
                "time": ["1600"],
                "nocache": ["1"],
            },
        )
    ]


def test_an_answer_in_part_is_none() -> None:
    with (
        served(lambda _path, _body: (200, vector(12, partial=True))) as url,
        pytest.raises(SamplesError, match="answered in part only; all its vmstorage nodes"),
    ):
        samples.count(url, Window("0:0", 0, 60))


def test_a_refusal_is_told_with_its_reason() -> None:
    with served(lambda _path, _body: (422, b"too many series")) as url:
        with pytest.raises(SamplesError) as raised:
            samples.count(url, Window("0:0", 0, 60))
        assert f"{raised.value}" == (
            f"{url} answered /select/0:0/prometheus/api/v1/query with 422: too many series"
        )


def test_what_only_the_node_has_is_the_difference() -> None:
    with (
        served(lambda _path, _body: (200, vector(100))) as everything,
        served(lambda _path, _body: (200, vector(60))) as others,
    ):
        assert samples.only_there(everything, others, Window("0:0", 0, 60)) == 40


def test_nothing_is_compared_while_the_others_are_written_to() -> None:
    counts = iter([60, 61])
    with (
        served(lambda _path, _body: (200, vector(61))) as everything,
        served(lambda _path, _body: (200, vector(next(counts)))) as others,
    ):
        assert samples.only_there(everything, others, Window("0:0", 0, 60)) is None


def test_a_copy_carries_every_byte_to_the_same_tenant() -> None:
    stored = bytes(range(256)) * 20000
    asked, taken = [], []

    def exported(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append((path, parse_qs(body.decode())))
        return 200, stored

    def imported(path: str, body: bytes) -> tuple[int, bytes]:
        taken.append((path, body))
        return 204, b""

    with served(exported) as source, served(imported) as destination:
        assert samples.copy(source, destination, Window("7:3", 60, 120)) == len(stored)
    assert asked == [
        (
            "/select/7:3/prometheus/api/v1/export/native",
            {"match[]": ['{__name__!=""}'], "start": ["60"], "end": ["120"]},
        )
    ]
    assert taken == [("/insert/7:3/prometheus/api/v1/import/native", stored)]


def test_a_copy_that_is_not_taken_is_an_error() -> None:
    with (
        served(lambda _path, _body: (200, b"data")) as source,
        served(lambda _path, _body: (503, b"no nodes")) as destination,
    ):
        with pytest.raises(SamplesError) as raised:
            samples.copy(source, destination, Window("0:0", 0, 60))
        assert f"{raised.value}" == f"{destination} answered 503: no nodes"
