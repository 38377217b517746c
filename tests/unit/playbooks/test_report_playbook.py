"""playbooks/report.yml against a gateway on loopback that gives the answers of a sample fleet."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    report_queries,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import Inventory, inventory
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.report_samples import (
    Answer,
    answers,
    results,
    vector,
)

ROOT = Path(__file__).parents[3]
HOSTILE = "{{ lookup('env', 'HOME') }}<script>"
PASSWORD = "open-sesame-123"


@dataclass
class Gateway:
    """Answers queries by their text, to the operator only."""

    url: str = ""
    bodies: dict[str, str] = field(default_factory=dict)
    password: str = PASSWORD
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, str]:
        token = base64.b64encode(f"operator:{self.password}".encode()).decode()
        if authorization != f"Basic {token}":
            return 401, "wrong password"
        url = urlsplit(path)
        text = parse_qs(url.query)["query"][0]
        self.asked.append(text)
        return 200, self.bodies[f"{url.path} {text}"]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            status, body = state.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Run:
    status: int
    output: str
    changed: Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """A folder with an inventory of two regions, whose hosts are this machine."""

    folder: Path
    made: Inventory

    @property
    def file(self) -> Path:
        return self.folder / "meridian-report.html"

    def write(self) -> None:
        groups = {
            name: {"hosts": dict.fromkeys(hosts)}
            for name, hosts in self.made.groups.items()
            if name not in ("all", "ungrouped")
        }
        whole = {"all": {"hosts": self.made.hostvars}, **groups}
        (self.folder / "hosts.json").write_text(json.dumps(whole))

    def report(self, *arguments: str) -> Run:
        self.write()
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                *("-i", "hosts.json", str(ROOT / "playbooks" / "report.yml"), *arguments),
            ],
            cwd=self.folder,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "1",
                "PWD": str(self.folder),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.M)
        changed = {host: int(count) for host, count in recap}
        return Run(done.returncode, done.stdout + done.stderr, changed)


@pytest.fixture
def place(tmp_path: Path, gateway: Gateway) -> Place:
    hosts = {
        "us-east-1": {"us-agent": "vmagent blackbox", "us-store": "vmsingle vmauth"},
        "eu-west-1": {"eu-agent": "vmagent blackbox"},
    }
    made = inventory(hosts)
    made.set_all(
        ansible_connection="local",
        ansible_python_interpreter=sys.executable,
        meridian_credentials={"operator": PASSWORD},
    )
    made.set_region("us-east-1", gateway_url=gateway.url)
    fleet = made.fleet()
    given = answers(fleet)
    given["alerts"] = vector([({"alertname": HOSTILE, "severity": "critical"}, 1.0)])
    serve(gateway, given, results(fleet, {"us-east-1": given})[0], made)
    return Place(tmp_path, made)


def serve(
    gateway: Gateway, given: Mapping[str, Answer], tried: list[dict[str, Any]], made: Inventory
) -> None:
    """Let the gateway give these answers to the report's queries."""
    for request in report_queries(made.fleet(), "", tried)[0]["requests"]:
        url = urlsplit(request["url"])
        text = parse_qs(url.query)["query"][0]
        gateway.bodies[f"{url.path} {text}"] = given[request["name"]]["body"]
    gateway.bodies["/api/v1/query 1"] = "{}"


def test_the_file_is_written_where_the_command_was_given_and_named(
    place: Place, gateway: Gateway
) -> None:
    run = place.report("-vvv", "--diff")
    text = place.file.read_text(encoding="utf-8")
    assert run.status == 0, run.output
    assert f"The report: {place.file}" in run.output
    assert sum(run.changed.values()) == 1
    assert oct(place.file.stat().st_mode & 0o777) == "0o644"
    assert all(host in text for host in place.made.hostvars)
    # The password is nowhere, and hostile values stay text.
    assert PASSWORD not in run.output
    assert PASSWORD not in text
    assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in text
    # Two hosts tried, and one asked everything once.
    assert gateway.asked.count("1") == 2
    assert len(gateway.asked) - 2 == len(gateway.bodies) - 1


def test_check_mode_asks_and_writes_nothing(place: Place, gateway: Gateway) -> None:
    run = place.report("--check")
    assert run.status == 0, run.output
    assert len(gateway.asked) > 10
    assert not place.file.exists()


def test_another_host_asks_when_the_first_is_away(place: Place) -> None:
    """And the file has the name and title that were asked for."""
    place.made.hostvars["us-agent"] |= {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
    }
    run = place.report("-e", "report_file=mine.html", "-e", "report_name=ours")
    text = (place.folder / "mine.html").read_text(encoding="utf-8")
    assert run.status == 0, run.output
    assert "not complete" not in text
    assert "<h1>ours</h1>" in text


def test_without_an_answer_the_file_says_so_and_the_run_fails(
    place: Place, gateway: Gateway
) -> None:
    gateway.password = "another"
    run = place.report()
    said = "us-agent says: status 401: wrong password; eu-agent says: status 401: wrong password"
    assert run.status != 0
    assert f"The report: {place.file}" in run.output
    assert (
        f"ERROR: The metrics that are stored in us-east-1 could not be asked for: {said}"
        in run.output
    )
    text = place.file.read_text(encoding="utf-8")
    assert "This report is not complete" in text
    assert said in text
