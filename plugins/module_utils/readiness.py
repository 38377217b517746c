# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until a daemon serves: its unit runs the wanted generation and its health URL answers."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.systemd import status

# The probe only asks whether this host's own daemon answers, so no proxy and no certificate check.
_OPENER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
)


# Long enough for a signal to be handled: a program that does not survive its reload ends in it.
_RELOAD_SECONDS = 0.5


def request(url: str, timeout: float = 5.0, method: str = "GET") -> tuple[int, str]:
    """The status and the first 64 KiB of the body; raises OSError where nobody answers so."""
    asked = urllib.request.Request(url, method=method)
    try:
        with _OPENER.open(asked, timeout=timeout) as answer:
            return int(answer.status), answer.read(65536).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(65536).decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from error


def _complaint(ready: Mapping[str, Any]) -> str:
    """'' when the health URL answers as it should, else what it did."""
    url = ready["url"]
    try:
        code, body = request(url)
    except OSError as error:
        return f"{url} did not answer ({getattr(error, 'reason', error)})"
    if code != ready["status"]:
        return f"{url} answered {code} instead of {ready['status']}"
    if ready.get("body") and not re.search(ready["body"], body):
        return f"{url} answered without {ready['body']!r} in its body"
    return ""


def wait_until_ready(
    unit: str, ready: Mapping[str, Any], *, generation: str, pid: int | None = None
) -> str:
    """Poll until the daemon serves; '' then, else why it does not.

    ``ready`` has url (None: running for a second is enough), status, body and timeout in seconds.
    A process that ends by itself is a failure at once: waiting would only hide it. ``pid`` is the
    process that a reload must keep.
    """
    started = time.monotonic()
    deadline = started + float(ready["timeout"])
    settled = started + (_RELOAD_SECONDS if pid else 0 if ready.get("url") else 1)
    pause = 0.05
    while True:
        now = status(unit)
        if now.exited:
            return f"it exited with status {now.exit_status} ({now.result})"
        if pid and now.pid and now.pid != pid:
            return "it exited and was started again"
        complaint = "it is still starting"
        if now.running and now.generation == generation:
            pid = now.pid
            complaint = _complaint(ready) if ready.get("url") else ""
            if not complaint and time.monotonic() >= settled and status(unit).pid == pid:
                return ""
        if time.monotonic() >= deadline:
            return f"{complaint or 'it is still starting'} within {ready['timeout']} s"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
