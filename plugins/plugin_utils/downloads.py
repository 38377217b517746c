# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP downloads that an interruption does not lose; proxy variables are respected by urllib."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path

TRANSFER_ATTEMPTS = 3
CHUNK_BYTES = 1 << 20
TEXT_LIMIT_BYTES = 1 << 20


class DownloadError(ValueError):
    """A URL cannot be read; the message is the reason alone."""


class _Interrupted(Exception):
    """The transfer began and stopped early; another attempt can resume it."""


def download(url: str, part: Path, *, timeout: float) -> None:
    """Read ``url`` into ``part``, resuming what an earlier call left there.

    ``timeout`` is the longest silence in seconds. After a ``DownloadError`` the file holds what
    arrived, and a file beside it remembers which state of the URL that was.
    """
    reason = ""
    for _attempt in range(TRANSFER_ATTEMPTS):
        try:
            _transfer(url, part, timeout)
        except _Interrupted as error:
            reason = str(error)
        else:
            _state_file(part).unlink(missing_ok=True)
            return
    raise DownloadError(
        f"the transfer stopped {TRANSFER_ATTEMPTS} times, last {reason} (the next run resumes it)"
    )


def discard(part: Path) -> None:
    """Forget a partial download."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def read_text(url: str, *, timeout: float) -> str:
    """Return a small text file; raises ``DownloadError``."""
    with _open(url, {}, timeout) as response:
        try:
            content = response.read(TEXT_LIMIT_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(_reason(error)) from error
    if len(content) > TEXT_LIMIT_BYTES:
        raise DownloadError(f"larger than {TEXT_LIMIT_BYTES} bytes, so not a checksum file")
    return content.decode("utf-8", "replace")


def _transfer(url: str, part: Path, timeout: float) -> None:
    have, validator = _resumable(url, part)
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have else {}
    with _open(url, headers, timeout) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if not resumed:
            part.unlink(missing_ok=True)
            state = {"url": url, "validator": _validator(response.headers)}
            _state_file(part).write_text(json.dumps(state), encoding="utf-8")
        with part.open("ab") as file:
            while chunk := _read(response, have, total):
                file.write(chunk)
                have += len(chunk)
    if total is not None and have != total:
        raise _Interrupted(f"after {have} of {total} bytes")


def _read(response: http.client.HTTPResponse, have: int, total: int | None) -> bytes:
    try:
        # read1: what arrived is kept even if the rest never comes.
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        of_total = f" of {total}" if total is not None else ""
        raise _Interrupted(f"after {have}{of_total} bytes: {_reason(error)}") from error


def _open(url: str, headers: dict[str, str], timeout: float) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "meridian.metrics", **headers})
    # An opener of its own: it reads the proxy variables of now and ignores installed openers.
    opener = urllib.request.build_opener()
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(_reason(error)) from error
    return response


def _resumable(url: str, part: Path) -> tuple[int, str]:
    """Return how many bytes can be kept and the validator that proves it, or (0, '')."""
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(_state_file(part).read_text(encoding="utf-8"))
        if state["url"] == url and state["validator"]:
            return part.stat().st_size, str(state["validator"])
    return 0, ""


def _validator(headers: http.client.HTTPMessage) -> str:
    etag = headers.get("ETag", "")
    # If-Range takes strong validators only.
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def _state_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
