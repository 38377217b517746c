"""A release page on loopback: ranges, validators, cut and stalled transfers, a log of requests."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class ReleaseServer:
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)  # path -> content
    cuts: dict[str, list[int]] = field(default_factory=dict)  # path -> bytes before each cut
    stalls: dict[str, int] = field(default_factory=dict)  # path -> bytes before waiting
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)  # (path, Range header)

    def requested(self, path: str) -> list[str]:
        """Return the Range header of every request for a path."""
        return [asked for requested, asked in self.requests if requested == path]


@pytest.fixture
def release_page() -> Iterator[ReleaseServer]:
    state = ReleaseServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            state.requests.append((self.path, self.headers.get("Range", "")))
            content = state.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            start = 0
            if self.headers.get("If-Range") == etag:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cuts = state.cuts.get(self.path, [])
            end = cuts.pop(0) if cuts else len(content)
            if stall := state.stalls.pop(self.path, None):
                self.wfile.write(content[start:stall])
                state.stalled.set()
                state.go_on.wait(600)
                start = stall
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content[start:end])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        server.server_close()
