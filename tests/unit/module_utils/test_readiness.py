from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import readiness
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import Status


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/garbage":
            self.wfile.write(b"220 ready\r\n")
            return
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A health URL."""
    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()


RUNNING = Status("active", "running", "success", "0", 7, "f00")


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> list[Status]:
    """What systemd says, one after another; the last one for ever."""
    said = [RUNNING]
    monkeypatch.setattr(
        readiness, "status", lambda _unit: said.pop(0) if len(said) > 1 else said[0]
    )
    return said


def wait(url: str | None, pid: int | None = None, **ready: Any) -> str:
    usual = {"url": url, "status": 200, "body": None, "timeout": 0.2}
    return readiness.wait_until_ready(
        "meridian-testd.service", {**usual, **ready}, generation="f00", pid=pid
    )


@pytest.mark.usefixtures("statuses")
class TestHealth:
    def test_is_waited_for(self, server: str) -> None:
        assert wait(f"{server}/health") == ""

    def test_is_not_another_status(self, server: str) -> None:
        url = f"{server}/x"
        assert wait(url) == f"{url} answered 503 instead of 200 within 0.2 s"

    def test_is_the_status_that_is_asked_for(self, server: str) -> None:
        assert wait(f"{server}/x", status=503) == ""

    def test_is_the_body_that_is_asked_for(self, server: str) -> None:
        assert wait(f"{server}/health", body="is w.ll") == ""

    def test_is_not_another_body(self, server: str) -> None:
        url = f"{server}/health"
        assert wait(url, body="bad") == f"{url} answered without 'bad' in its body within 0.2 s"

    def test_is_an_http_answer(self, server: str) -> None:
        assert f"{server}/garbage did not answer (no HTTP answer: " in wait(f"{server}/garbage")

    def test_needs_somebody_who_listens(self) -> None:
        url = "http://127.0.0.1:9/health"
        assert wait(url) == (f"{url} did not answer ([Errno 111] Connection refused) within 0.2 s")


class TestProcess:
    def test_that_ended_is_not_waited_for(self, statuses: list[Status], server: str) -> None:
        statuses[:] = [Status("activating", "auto-restart", "exit-code", "7", 0, "")]
        assert wait(f"{server}/health", timeout=60) == "it exited with status 7 (exit-code)"

    def test_that_was_started_again_has_ended(self, statuses: list[Status], server: str) -> None:
        statuses[:] = [RUNNING, RUNNING._replace(pid=8)]
        assert wait(f"{server}/x", timeout=60) == "it exited and was started again"

    def test_of_another_generation_is_not_it(self, statuses: list[Status], server: str) -> None:
        statuses[:] = [RUNNING._replace(generation="old")]
        assert wait(f"{server}/health") == "it is still starting within 0.2 s"

    def test_that_a_reload_replaced_is_not_it(self, statuses: list[Status], server: str) -> None:
        statuses[:] = [RUNNING._replace(pid=8)]
        assert wait(f"{server}/health", pid=7) == "it exited and was started again"

    def test_without_url_has_to_run_for_a_second(
        self, statuses: list[Status], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [100.0]
        monkeypatch.setattr(readiness.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(
            readiness.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds)
        )
        assert wait(None, timeout=5) == ""
        assert clock[0] >= 101
        statuses[:] = [RUNNING, RUNNING, Status("failed", "failed", "exit-code", "1", 0, "")]
        assert wait(None, timeout=5) == "it exited with status 1 (exit-code)"
