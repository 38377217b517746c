# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Count the samples that vmselects read, day by day, and copy them in VictoriaMetrics' own format.

A window is a tenant and a span of time of at most one day of UTC; its start is not part of it.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

DAY = 86400
# vmstorage refuses to be asked for more than its retention, which moves on while it is asked.
_EDGE = 3600
# The same for what is ahead of the clock.
_AHEAD_EDGE = 60
_ALL = '{__name__!=""}'
_UNITS = {"h": 3600, "d": DAY, "w": 7 * DAY, "M": 31 * DAY, "y": 365 * DAY, "": 31 * DAY}
_CHUNK = 1 << 20
# Counting or copying a day may take long on a large node.
_TIMEOUT = 3600


class SamplesError(Exception):
    """Samples cannot be counted or copied. The message says where and why."""


class Window(NamedTuple):
    """Samples of a tenant with a time after `start` and not after `end`, in Unix seconds."""

    tenant: str
    start: int
    end: int


def retention_seconds(retention: str) -> float:
    """Seconds of a retention as vmstorage takes it: with h, d, w, M or y, else in months."""
    match = re.match(r"(\d+(?:\.\d+)?)([hdwMy]?)\Z", retention)
    if not match:
        raise SamplesError(f"retention '{retention}' is none; write one such as 1y or 15d")
    return float(match[1]) * _UNITS[match[2]]


def days(oldest: float, last: float) -> Iterator[tuple[int, int]]:
    """Start and end of every day of UTC between two times, the first and the last cut short."""
    start = int(oldest)
    while start < int(last):
        end = min((start // DAY + 1) * DAY, int(last))
        yield start, end
        start = end


def windows(url: str, retention: str, future: str, now: float) -> list[tuple[Window, int]]:
    """Every window in which a vmselect reads samples, oldest first, with their number.

    `retention` and `future` are how far samples may lie behind and ahead of the clock.
    """
    oldest = max(0.0, now - retention_seconds(retention) + _EDGE)
    spans = list(days(oldest, now + retention_seconds(future) - _AHEAD_EDGE))
    found = []
    for tenant in tenants(url):
        for start, end in spans:
            window = Window(tenant, start, end)
            number = count(url, window)
            if not number:
                continue
            if end > now:
                # Not further than there is something: other nodes are written to meanwhile.
                window = Window(tenant, start, int(newest(url, window)) + 1)
            found.append((window, number))
    return found


def only_there(everything: str, others: str, window: Window) -> int | None:
    """How many samples a vmselect of all nodes reads that one of the other nodes does not.

    None while the others are written to in that window, so that the numbers cannot be compared.
    """
    before = count(others, window)
    together = count(everything, window)
    return together - before if before == count(others, window) else None


def tenants(url: str) -> list[str]:
    """Tenants that a vmselect knows, as accountID:projectID."""
    return sorted(f"{each}" for each in _json(url, "/admin/tenants", {})["data"] or [])


def count(url: str, window: Window) -> int:
    """How many samples a vmselect reads in a window; stale markers are none."""
    span = f"[{window.end - window.start}s]"
    value = _query(url, window, f"sum(count_over_time({_ALL}{span}))")
    return int(value) if value else 0


def newest(url: str, window: Window) -> float:
    """Unix time of the newest sample that a vmselect reads in a window, 0 when there is none."""
    span = f"[{window.end - window.start}s]"
    return _query(url, window, f"max(tlast_over_time({_ALL}{span}))") or 0.0


def copy(source: str, destination: str, window: Window) -> int:
    """Stream a window from a vmselect to a vminsert as it is stored; returns the bytes."""
    with_bounds = {"match[]": _ALL, "start": window.start, "end": window.end}
    exporter, answer = _ask(
        source, f"/select/{window.tenant}/prometheus/api/v1/export/native", with_bounds
    )
    importer = _connection(destination)
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while True:
            chunk = answer.read(_CHUNK)
            if not chunk:
                return
            sent += len(chunk)
            yield chunk

    path = f"{urlsplit(destination).path}/insert/{window.tenant}/prometheus/api/v1/import/native"
    try:
        importer.request("POST", path, body=chunks(), encode_chunked=True, headers=_CHUNKED)
        imported = importer.getresponse()
        said = imported.read().decode(errors="replace")
        if imported.status not in (200, 204):
            raise SamplesError(f"{destination} answered {imported.status}: {said.strip()[:300]}")
    except (OSError, http.client.HTTPException) as error:
        raise SamplesError(f"{destination} did not take what was copied ({error!r})") from error
    finally:
        importer.close()
        exporter.close()
    return sent


_CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}


def _query(url: str, window: Window, expression: str) -> float | None:
    path = f"/select/{window.tenant}/prometheus/api/v1/query"
    # Past all caches: what was counted a moment ago is counted again.
    parameters = {"query": expression, "time": window.end, "nocache": 1}
    answer = _json(url, path, parameters)
    if answer.get("isPartial"):
        raise SamplesError(f"{url} answered in part only; all its vmstorage nodes have to be there")
    found = answer["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def _json(url: str, path: str, parameters: dict[str, object]) -> dict[str, Any]:
    connection, answer = _ask(url, path, parameters)
    try:
        found: dict[str, Any] = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SamplesError(f"{url} did not answer {path} ({error!r})") from error
    finally:
        connection.close()
    return found


def _ask(
    url: str, path: str, parameters: dict[str, object]
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """The connection and the answer to a form; both are the caller's to close."""
    connection = _connection(url)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", f"{urlsplit(url).path}{path}", urlencode(parameters), headers)
        answer = connection.getresponse()
        if answer.status == 200:
            return connection, answer
        said = answer.read().decode(errors="replace").strip()[:300]
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise SamplesError(f"{url} did not answer {path} ({error!r})") from error
    connection.close()
    raise SamplesError(f"{url} answered {path} with {answer.status}: {said}")


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
