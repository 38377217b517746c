"""A server on this machine that plays agent and gateway, and misbehaves as a test tells it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

Sample = tuple[int, int]  # value, unix milliseconds


class Server:
    """Takes pushes and answers exports and queries from what it took.

    `behave` is asked before each request, with its path: a status to answer with, "reset" to close
    the connection without an answer, or None to do as asked. `closes`: an answer ends its
    connection, and says so.
    """

    def __init__(self) -> None:
        self.behave: Callable[[str], int | str | None] = lambda _path: None
        self.pushes: list[str] = []
        self.samples: dict[tuple[str, int], list[Sample]] = {}
        self.asked: list[str] = []
        self.is_partial = False
        self.closes = False
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, at the same port as before."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.obey():
                    server.pushes.append(body)
                    agent = parse_qs(urlsplit(self.path).query)["extra_label"][0].split("=")[1]
                    server.take(agent, body)
                    self.answer(204, "")

            def do_GET(self) -> None:
                if self.obey():
                    server.asked.append(self.path)
                    path = urlsplit(self.path).path
                    asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                    self.answer(200, server.answer(path, asked))

            def obey(self) -> bool:
                told = server.behave(self.path)
                if told == "reset":
                    self.close_connection = True
                elif told is not None:
                    self.answer(int(told), "as the test wants it")
                return told is None

            def answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Connection", "close" if server.closes else "keep-alive")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections; those that are open end at their next request."""
        self._http.shutdown()
        self._http.server_close()

    def take(self, agent: str, body: str) -> None:
        for number, value, at in re.findall(r'series="(\d+)"} (\d+) (\d+)', body):
            found = self.samples.setdefault((agent, int(number)), [])
            if (int(value), int(at)) not in found:
                found.append((int(value), int(at)))

    def answer(self, path: str, asked: dict[str, str]) -> str:
        selector = asked.get("query") or asked["match[]"]
        agent = re.findall(r'agent="([^"]+)"', selector)[0]
        pattern = (re.findall(r'series=~"([^"]+)"', selector) or [".*"])[0]
        chosen = {
            number: samples
            for (name, number), samples in self.samples.items()
            if name == agent and re.fullmatch(pattern, str(number))
        }
        if path.endswith("/export"):
            begin, end = float(asked["start"]) * 1000, float(asked["end"]) * 1000
            return "".join(
                export_line(number, [each for each in samples if begin <= each[1] <= end])
                for number, samples in chosen.items()
            )
        sums: dict[int, int] = {}
        for value, at in (each for samples in chosen.values() for each in samples):
            sums[at] = sums.get(at, 0) + value
        if path.endswith("/query"):
            at = round(float(asked["time"]) * 1000)
            result: list[Any] = [{"value": [at / 1000, str(sums[at])]}] if at in sums else []
        else:
            begin, end = float(asked["start"]) * 1000, float(asked["end"]) * 1000
            values = [[at / 1000, str(sums[at])] for at in sorted(sums) if begin <= at <= end]
            result = [{"values": values}] if values else []
        return json.dumps({"isPartial": self.is_partial, "data": {"result": result}})


def export_line(number: int, samples: list[Sample]) -> str:
    """A series as a storage exports it."""
    values, times = ([each[place] for each in samples] for place in (0, 1))
    metric = {"__name__": "meridian_load", "cluster": "c1", "series": str(number)}
    line = {"metric": metric, "values": values, "timestamps": times}
    return json.dumps(line, separators=(",", ":")) + "\n" if samples else ""


@pytest.fixture
def make_server() -> Iterator[Callable[[], Server]]:
    """Start servers that end with the test."""
    made: list[Server] = []

    def make() -> Server:
        made.append(Server())
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def server(make_server: Callable[[], Server]) -> Server:
    """One server."""
    return make_server()
