"""A running program is asked by the flags that it was started with."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import process
from ansible_collections.meridian.metrics.plugins.module_utils.process import Program, ProgramError

PAGE = """vm_vminsert_conns 2
vm_tcplistener_conns{name="vminsert", addr=":8400"} 3
vm_rows_added_to_storage_total{type="a"} 10
vm_rows_added_to_storage_total{type="b"} 5
vm_rows_added_to_storage_total_other 99
"""


class Guarded(BaseHTTPRequestHandler):
    """Answers with the page whoever has the password and the key."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(b"me:pass word").decode()
        right = self.headers.get("Authorization") == expected and self.path.endswith(
            "?authKey=k%26y"
        )
        self.send_response(200 if right else 401)
        self.end_headers()
        self.wfile.write(PAGE.encode() if right else b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(serve: Callable[[type[BaseHTTPRequestHandler]], str]) -> str:
    return serve(Guarded)


def test_flags_are_those_of_the_process() -> None:
    command = ["-retentionPeriod=1y", "--tls", "-a=b=c", "-retentionPeriod=2y"]
    program = "import time; print('ready', flush=True); time.sleep(60)"
    running = subprocess.Popen(
        [sys.executable, "-c", program, *command], stdout=subprocess.PIPE, text=True
    )
    try:
        # Before that it may still be on its way into the new program.
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        found = process.flags_of(running.pid)
    finally:
        running.kill()
        running.wait()
    assert {name: found[name] for name in ("retentionPeriod", "tls", "a")} == {
        "retentionPeriod": "2y",
        "tls": "true",
        "a": "b=c",
    }


@pytest.mark.parametrize(
    ("listen", "reached"),
    [
        (":8401", "127.0.0.1:8401"),
        ("0.0.0.0:8401", "127.0.0.1:8401"),
        ("10.0.0.1:9401", "10.0.0.1:9401"),
        ("[fd00::1]:9401", "[fd00::1]:9401"),
        ("", "127.0.0.1:8401"),
    ],
)
def test_a_listener_is_reached_from_its_own_host(listen: str, reached: str) -> None:
    assert process.local_address(listen, 8401) == reached


def test_a_page_is_asked_with_the_programs_own_password_and_key(
    address: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("pass word\n")
    program = Program(
        {
            "httpListenAddr": address,
            "httpAuth.username": "me",
            "httpAuth.password": f"file://{tmp_path}/password",
            "metricsAuthKey": "k&y",
        },
        1,
    )
    assert program.page("/metrics", "metricsAuthKey") == PAGE


def test_a_refusal_does_not_tell_the_key(address: str) -> None:
    program = Program({"httpListenAddr": address, "metricsAuthKey": "wrong"}, 1)
    with pytest.raises(ProgramError) as raised:
        program.page("/metrics", "metricsAuthKey")
    assert f"{raised.value}" == f"http://{address}/metrics answered 401"


@pytest.mark.parametrize(
    ("name", "value"),
    [("vm_vminsert_conns", 2), ("vm_rows_added_to_storage_total", 15), ("vm_missing", 0)],
)
def test_a_metric_is_the_sum_of_its_series(name: str, value: float) -> None:
    assert process.metric(PAGE, name) == value
