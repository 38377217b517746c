"""Write samples and read them back over HTTP, as an agent and a reader do; for tests."""

from __future__ import annotations

import base64
import http.client
import json
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

# Long enough for a program that gets no processor for a while.
TIMEOUT_SECONDS = 30
# The test hosts are on this machine; a proxy of the environment does not know them.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; an error status is an answer too."""

    status: int
    text: str


def request(
    url: str,
    *,
    body: bytes | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send a request, a POST when it has a body; `auth` is user and password."""
    sent = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    if auth:
        token = base64.b64encode(":".join(auth).encode()).decode()
        sent.add_header("Authorization", f"Basic {token}")
    try:
        with _DIRECT.open(sent, timeout=timeout) as answer:
            return Answer(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode())


def eventually(check: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until `check` returns something true; AssertionError with its last result when not.

    That nobody answers is a result too: a busy program answers the next time. The last look begins
    when the time is over, however long the one before took.
    """
    deadline = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() >= deadline
        result: object
        try:
            result = check()
        except (OSError, http.client.HTTPException) as error:
            result = error
        else:
            if result:
                return
        assert not is_over, f"still {result!r} after {seconds} s"
        time.sleep(0.2)


def becomes(look: Callable[[], object], wanted: object, *, seconds: float = 60) -> None:
    """Wait until what is seen is what is wanted; AssertionError with both when it is not."""
    deadline = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() >= deadline
        seen = look()
        if seen == wanted:
            return
        assert not is_over, f"still {seen!r} instead of {wanted!r} after {seconds} s"
        time.sleep(0.2)


def import_text(url: str, lines: str) -> Answer:
    """Write samples as text, `name{label="value"} 1 milliseconds`, below a prefix."""
    return request(f"{url}/api/v1/import/prometheus", body=lines.encode())


def query(
    url: str, expression: str, *, at: float | None = None, auth: tuple[str, str] | None = None
) -> Answer:
    """Send an instant query below a prefix, past all caches; `at` is in seconds, by default now."""
    parameters = {"query": expression, "time": f"{at or time.time():.3f}", "nocache": "1"}
    return request(f"{url}/api/v1/query?{urllib.parse.urlencode(parameters)}", auth=auth)


def vector(answer: Answer) -> dict[tuple[tuple[str, str], ...], float]:
    """Return value by sorted labels of an instant query's answer."""
    assert answer.status == 200, answer
    result = json.loads(answer.text)["data"]["result"]
    return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in result}


def scalar(answer: Answer) -> float:
    """Return the one value of an instant query's answer, 0 when it is empty."""
    values = list(vector(answer).values())
    assert len(values) <= 1, answer
    return values[0] if values else 0.0


def metric(url: str, name: str, /, **labels: str) -> float:
    """Return the sum of a program's own metric over all series that have these labels."""
    return sum(value for found, value in _metrics(url, name) if labels.items() <= found.items())


def labels(url: str, name: str, label: str) -> set[str]:
    """Return the values that a label has in a program's own metric."""
    return {found[label] for found, _ in _metrics(url, name) if label in found}


def _metrics(url: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    for line in request(f"{url}/metrics").text.splitlines():
        series, _, value = line.rpartition(" ")
        if series == name or series.startswith(name + "{"):
            yield dict(re.findall(r'([a-zA-Z0-9_]+)="([^"]*)"', series)), float(value)


def remote_write(
    url: str,
    series: Mapping[str, str],
    value: float = 1,
    *,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Write one sample with the time of now by the remote write protocol; `series` are labels."""
    labels = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, text.encode()))
        for name, text in sorted(series.items())
    )
    stamp = int(time.time() * 1000)
    sample = _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(stamp))
    message = _field(1, labels + sample)
    return request(
        url,
        body=_snappy(message),
        auth=auth,
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
            **(headers or {}),
        },
    )


def _varint(number: int) -> bytes:
    def digits(rest: int) -> Iterator[int]:
        while rest > 0x7F:
            yield rest & 0x7F | 0x80
            rest >>= 7
        yield rest

    return bytes(digits(number))


def _field(number: int, content: bytes) -> bytes:
    """Encode a length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _snappy(content: bytes) -> bytes:
    """Encode a snappy block that only holds literals."""
    pieces = [content[start : start + 60] for start in range(0, len(content), 60)]
    literals = b"".join(bytes([(len(piece) - 1) << 2]) + piece for piece in pieces)
    return _varint(len(content)) + literals
