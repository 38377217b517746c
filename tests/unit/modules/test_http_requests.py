"""The module runs as a program of its own, as on a host, against a local server."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.modules import http_requests

ACCEPTED = "Basic " + base64.b64encode(b"operator:right").decode()


class Gateway(BaseHTTPRequestHandler):
    """Answers a user with the right password, and says what it was asked."""

    def answer(self) -> None:
        status = 200 if self.headers.get("Authorization") == ACCEPTED else 401
        body = f"{self.command} {self.path}".encode()
        self.send_response(302 if self.path == "/moved" else status)
        self.send_header("Location", "/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway(serve: Callable[[type[BaseHTTPRequestHandler]], str]) -> str:
    return f"http://{serve(Gateway)}"


def run(**arguments: Any) -> dict[str, Any]:
    """Run the module with its arguments on standard input and return its result."""
    completed = subprocess.run(
        [sys.executable, str(Path(http_requests.__file__))],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        env={"http_proxy": "http://127.0.0.1:1"},
    )
    result: dict[str, Any] = json.loads(completed.stdout)
    return result


def test_every_answer_comes_back_by_its_name(gateway: str) -> None:
    result = run(
        requests=[
            {"name": "read", "url": f"{gateway}/query?a=b", "user": "operator"},
            {"name": "write", "url": f"{gateway}/write", "user": "operator", "method": "POST"},
            {"name": "anonymous", "url": f"{gateway}/query"},
            {"name": "wrong", "url": f"{gateway}/query", "user": "other"},
            {"name": "moved", "url": f"{gateway}/moved"},
        ],
        passwords={"operator": "right", "other": "wrong"},
    )
    assert {name: (a["status"], a["body"]) for name, a in result["answers"].items()} == {
        "read": (200, "GET /query?a=b"),
        "write": (200, "POST /write"),
        "anonymous": (401, "GET /query"),
        "wrong": (401, "GET /query"),
        "moved": (302, "GET /moved"),
    }
    assert result["changed"] is False


def test_no_answer_is_an_answer_with_its_reason() -> None:
    answer = run(requests=[{"name": "read", "url": "http://127.0.0.1:1/"}])["answers"]["read"]
    assert (answer["status"], answer["body"]) == (0, "")
    assert "refused" in answer["error"]


def test_passwords_are_not_shown(gateway: str) -> None:
    result = run(
        requests=[{"name": "read", "url": gateway, "user": "operator"}],
        passwords={"operator": "right"},
    )
    assert "right" not in json.dumps(result)


def test_user_without_a_password_is_named() -> None:
    result = run(requests=[{"name": "read", "url": "http://127.0.0.1:1/", "user": "operator"}])
    assert result["msg"] == "no password is given for: operator"


def test_names_are_unique() -> None:
    request = {"name": "read", "url": "http://127.0.0.1:1/"}
    assert run(requests=[request, request])["msg"] == "two requests have the same name"
