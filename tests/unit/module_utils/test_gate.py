"""The gate between two hosts of a roll, against gateways that a test speaks for."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import gate as gates
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import Failure
from ansible_collections.meridian.metrics.plugins.module_utils.gate import GO_ON, Gate

NOW = 1_700_000_000.0
Series = dict[str, Any]
Answer = Callable[[], list[Series]]

REACHABLE = {"name": "all reach all", "query": "reachable", "wanted": 1.0, "own": {"addr": "s1"}}
BACKLOG = {"name": "no backlog", "query": "pending", "growth": 100.0}
USUAL = {"metrics_url": None, "wanted": None, "own": None, "growth": None}


def series(*samples: tuple[float, float], job: str = "vminsert", **labels: str) -> Series:
    """A series of (seconds before or after NOW, value)."""
    return {
        "metric": {"__name__": "m", "job": job, "instance": "i1", **labels},
        "values": [
            [NOW + at, "NaN" if math.isnan(value) else f"{value:g}"] for at, value in samples
        ],
    }


class Gateway:
    """A server that answers queries with what the test sets, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Series] | Answer] = {}
        self.status = 200
        self.page = ""
        self.redirect = ""
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                words = parse_qs(url.query)
                server.asked.append((url.path, words, self.headers.get("Authorization")))
                if server.redirect:
                    self.send_response(302)
                    self.send_header("Location", server.redirect)
                    self.end_headers()
                    return
                self.send_response(server.status)
                self.end_headers()
                self.wfile.write(server.answer(url.path, words).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.httpd = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str, words: dict[str, list[str]]) -> str:
        if path == "/metrics":
            return self.page
        selector = words["query"][0].partition("[")[0]
        found = self.answers.get(selector, [])
        return json.dumps({"data": {"result": found() if callable(found) else found}})

    def close(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_PAUSE", 0.01)
    monkeypatch.setattr(gates, "_WATCH", 0.01)
    monkeypatch.setattr(gates.time, "time", lambda: NOW)


def gate(gateway: Gateway, *checks: dict[str, Any], **changes: Any) -> Gate:
    usual = {
        "urls": [gateway.url],
        "username": "operator",
        "password": "s3cr3t",
        "timeout": 0.1,
        "settle": 0,
        "window": 90,
        "checks": [{**USUAL, **check} for check in checks],
    }
    return Gate({**usual, **changes})


class TestQuery:
    def test_asks_for_samples_as_they_are_stored_up_to_now(self, gateway: Gateway) -> None:
        gate(gateway, BACKLOG).before({})
        [(path, words, _login)] = gateway.asked
        assert path == "/api/v1/query"
        assert words == {"query": ["pending[180s]"], "time": [f"{NOW:.3f}"], "nocache": ["1"]}

    def test_shows_who_asks(self, gateway: Gateway) -> None:
        gate(gateway, BACKLOG).before({})
        assert gateway.asked[0][2] == "Basic " + base64.b64encode(b"operator:s3cr3t").decode()

    def test_tells_the_password_to_no_other_server(self, gateway: Gateway) -> None:
        other = Gateway()
        gateway.redirect = f"{other.url}/api/v1/query?query=x"
        gate(gateway, BACKLOG).before({})
        other.close()
        assert [login for _path, _words, login in other.asked] == [None]

    def test_goes_to_the_next_gateway_when_one_is_down(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((-5, 7))]
        asked = gate(gateway, BACKLOG, urls=["http://127.0.0.1:9", gateway.url])
        assert asked.before({}) == {"no backlog": {"vminsert i1": 7}}
        assert asked.skipped == []


class TestBefore:
    def test_remembers_the_most_of_each_target(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [
            series((-35, 90), (-20, 10), (-5, 20), job="vmagent", path="a"),
            series((-35, 5), (-20, 0), (-5, 0), job="vmagent", path="b"),
        ]
        assert gate(gateway, BACKLOG).before({}) == {"no backlog": {"vmagent i1": 95}}

    def test_leaves_out_who_was_growing_anyway(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((-35, 0), (-20, 60), (-5, 120), job="vmagent")]
        asked = gate(gateway, BACKLOG)
        assert asked.before({}) == {"no backlog": {}}
        assert asked.skipped == ["no backlog: vmagent i1 was growing before the change"]

    def test_leaves_out_who_is_not_scraped_any_more(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [
            series((-85, 0), (-75, 0), (-65, 0), job="vmagent", instance="gone"),
            series((-80, 0), (-50, 0), (-20, 0), job="vmagent", instance="slow"),
            series((-150, 0), (-90, 0), (-30, 0), job="vmagent", instance="slower"),
        ]
        asked = gate(gateway, BACKLOG)
        assert asked.before({}) == {"no backlog": {"vmagent slow": 0, "vmagent slower": 0}}
        assert asked.skipped == ["no backlog: vmagent gone is not scraped any more"]

    def test_leaves_out_whose_last_sample_leaves_the_window(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((-98, 0), (-93, 0), (-88, 0), job="vmagent")]
        asked = gate(gateway, BACKLOG)
        assert asked.before({}) == {"no backlog": {}}
        assert asked.skipped == ["no backlog: vmagent i1 is not scraped any more"]

    def test_looks_at_amounts_of_the_window_only(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((-120, 900), (-60, 7), (-5, 5), job="vmagent")]
        assert gate(gateway, BACKLOG).before({}) == {"no backlog": {"vmagent i1": 7}}

    def test_keeps_what_a_gate_that_was_not_passed_wants(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((-20, 900), (-5, 9000), job="vmagent")]
        owed = {"no backlog": {"vmagent i1": 50.0, "vmagent gone": 3.0}}
        assert gate(gateway, BACKLOG).before(owed) == owed

    def test_waits_for_what_does_not_hold(self, gateway: Gateway) -> None:
        values = [0.0, 0.0, 1.0]
        gateway.answers["reachable"] = lambda: [series((-5, values.pop(0)), addr="s2")]
        gate(gateway, REACHABLE, timeout=60).before({})
        assert values == []

    def test_does_not_touch_the_host_when_it_never_holds(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [series((-5, 0), addr="s2"), series((-5, 1), addr="s3")]
        with pytest.raises(Failure) as failed:
            gate(gateway, REACHABLE).before({})
        assert str(failed.value) == (
            "its change waits, because for 0.1 s this did not hold: all reach all: vminsert i1 "
            'says m{addr="s2",instance="i1",job="vminsert"} is 0 instead of 1. This host was not '
            f"touched. {GO_ON}"
        )

    def test_does_not_wait_for_the_host_itself(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [series((-5, 0), addr="s1"), series((-5, 1), addr="s2")]
        assert gate(gateway, REACHABLE).before({}) == {"all reach all": {"vminsert i1": 1}}

    def test_does_not_wait_for_what_is_not_said_any_more(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [
            series((-35, 0), (-20, 0), addr="s3"),
            series((-20, 1), (-5, 1), addr="s2"),
        ]
        assert gate(gateway, REACHABLE).before({}) == {"all reach all": {"vminsert i1": 1}}

    def test_a_marker_of_an_end_is_no_sample(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [
            series((-20, 0), (-5, math.nan), addr="s3"),
            series((-5, 1), addr="s2"),
        ]
        assert gate(gateway, REACHABLE).before({}) == {"all reach all": {"vminsert i1": 1}}

    def test_is_left_out_where_nobody_answers(self) -> None:
        silent = Gate(
            {
                "urls": ["http://127.0.0.1:9"],
                "username": None,
                "timeout": 1,
                "window": 90,
                "checks": [{**USUAL, **REACHABLE}, {**USUAL, **BACKLOG}],
            }
        )
        assert silent.before({}) == {"all reach all": {}, "no backlog": {}}
        why = "http://127.0.0.1:9/api/v1/query did not answer ([Errno 111] Connection refused)"
        assert silent.skipped == [
            f"all reach all: not known before the change ({why})",
            f"no backlog: not known before the change ({why})",
        ]

    def test_is_left_out_where_the_password_is_not_known(self, gateway: Gateway) -> None:
        gateway.status = 401
        asked = gate(gateway, BACKLOG)
        asked.before({})
        assert asked.skipped == [
            f"no backlog: not known before the change ({gateway.url}/api/v1/query answered 401)"
        ]

    def test_is_left_out_where_nothing_is_known(self, gateway: Gateway) -> None:
        asked = gate(gateway, BACKLOG)
        assert asked.before({}) == {"no backlog": {}}
        assert asked.skipped == [
            "no backlog: not known before the change (no sample of the last 90 s)"
        ]

    def test_is_left_out_where_something_else_answers(self, gateway: Gateway) -> None:
        gateway.answer = lambda *_: "<html>"  # type: ignore[method-assign]
        asked = gate(gateway, BACKLOG)
        asked.before({})
        assert asked.skipped == [
            f"no backlog: not known before the change ({gateway.url} gave no answer of a query)"
        ]


class TestAfter:
    def test_passes_with_newer_samples(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [series((-15, 0), (1, 1), addr="s1")]
        gateway.answers["pending"] = [series((-15, 900), (1, 150), job="vmagent")]
        baseline = {"all reach all": {"vminsert i1": 1.0}, "no backlog": {"vmagent i1": 50.0}}
        assert gate(gateway, REACHABLE, BACKLOG, timeout=60).after(baseline, NOW) < 60

    def test_waits_until_it_is_passed(self, gateway: Gateway) -> None:
        said = [[series((-15, 1))], [series((-15, 1), (1, 0))], [series((1, 0), (16, 1))]]
        gateway.answers["reachable"] = lambda: said.pop(0)
        gate(gateway, REACHABLE, timeout=60).after({"all reach all": {"vminsert i1": 1.0}}, NOW)
        assert said == []

    def test_needs_no_sample_of_who_was_silent_before(self, gateway: Gateway) -> None:
        gateway.answers["pending"] = [series((1, 9e9), job="vmagent", instance="other")]
        assert gate(gateway, BACKLOG, timeout=60).after({"no backlog": {}}, NOW) < 60

    def test_does_not_ask_what_was_left_out(self, gateway: Gateway) -> None:
        gate(gateway, BACKLOG, timeout=60).after({"no backlog": {}}, NOW)
        assert gateway.asked == []

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            ([], "no backlog: vmagent i1 has no sample since the change"),
            (
                [series((-15, 0), (0, 0), job="vmagent")],
                "no backlog: vmagent i1 has no sample since the change",
            ),
            (
                [series((1, 100), job="vmagent"), series((1, 51), job="vmagent", path="b")],
                "no backlog: vmagent i1 has 151, before it had 50",
            ),
        ],
    )
    def test_says_what_is_not_as_before(
        self, gateway: Gateway, found: list[Series], said: str
    ) -> None:
        gateway.answers["pending"] = found
        with pytest.raises(Failure) as failed:
            gate(gateway, BACKLOG).after({"no backlog": {"vmagent i1": 50.0}}, NOW)
        assert str(failed.value) == (
            "it runs as declared and serves, but after 0.1 s not all is as before its change: "
            f"{said}. Nothing is rolled back. {GO_ON}"
        )

    def test_says_which_series_is_wrong(self, gateway: Gateway) -> None:
        gateway.answers["reachable"] = [series((1, 0), addr="s1")]
        said = 'vminsert i1 says m{addr="s1",instance="i1",job="vminsert"} is 0 instead of 1'
        with pytest.raises(Failure, match="all reach all: ") as failed:
            gate(gateway, REACHABLE).after({"all reach all": {"vminsert i1": 1.0}}, NOW)
        assert said in str(failed.value)

    def test_names_a_few_of_many(self, gateway: Gateway) -> None:
        baseline = {"no backlog": {f"vmagent {n}": 0.0 for n in range(30)}}
        with pytest.raises(Failure, match=r"vmagent 3 has no sample .*; and 26 more\. Nothing is"):
            gate(gateway, BACKLOG).after(baseline, NOW)

    def test_a_gateway_that_went_away_is_not_as_before(self, gateway: Gateway) -> None:
        gateway.status = 502
        with pytest.raises(Failure, match=f"no backlog: {gateway.url}/api/v1/query answered 502"):
            gate(gateway, BACKLOG).after({"no backlog": {"vmagent i1": 50.0}}, NOW)

    def test_lasts_as_long_as_the_program_needs_to_settle(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [NOW]
        monkeypatch.setattr(gates.time, "time", lambda: clock[0])
        monkeypatch.setattr(
            gates.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds)
        )
        gate(gateway, settle=5).after({}, NOW)
        assert 5 <= clock[0] - NOW < 5.1

    def test_what_holds_no_more_once_it_has_settled_is_not_as_before(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.answers["pending"] = [series((1, 7))]
        monkeypatch.setattr(gates.time, "sleep", lambda _: gateway.answers.clear())
        with pytest.raises(Failure, match="vminsert i1 has no sample since the change"):
            gate(gateway, BACKLOG, settle=5).after({"no backlog": {"vminsert i1": 7.0}}, NOW)


class TestOwnPage:
    PAGE = 'm{path="a"} 40\nm_total 7\nm{path="b"} 2e1\n# HELP m x\nm_rate{m="1"} 3\n'

    def check(self, gateway: Gateway) -> dict[str, Any]:
        return {
            "name": "no backlog",
            "query": "m",
            "metrics_url": f"{gateway.url}/metrics",
            "growth": 100.0,
        }

    def test_is_one_target_and_is_told_no_password(self, gateway: Gateway) -> None:
        gateway.page = self.PAGE
        found = gate(gateway, self.check(gateway)).before({})
        assert found == {"no backlog": {"its own metrics": 60}}
        assert [login for _path, _words, login in gateway.asked] == [None]

    def test_is_read_after_the_change(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.page = self.PAGE
        baseline = {"no backlog": {"its own metrics": 0.0}}
        monkeypatch.setattr(gates.time, "time", lambda: NOW + 1)
        assert gate(gateway, self.check(gateway)).after(baseline, NOW) < 60
        gateway.page = "m 101"
        with pytest.raises(Failure, match="its own metrics has 101, before it had 0"):
            gate(gateway, self.check(gateway)).after(baseline, NOW)

    URLS = 'm{path="a",url="1:http://us/"} 40\nm{path="b",url="2:http://eu/"} %d\n'

    def test_has_a_target_for_each_further_url(self, gateway: Gateway) -> None:
        gateway.page = self.URLS % 50
        found = gate(gateway, self.check(gateway)).before({})
        assert found == {"no backlog": {"its own metrics": 40, "its own metrics (url 2)": 50}}

    def test_leaves_out_the_url_that_was_away_before_and_no_other(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.page = self.URLS % 5000
        monkeypatch.setattr(
            gates.time, "sleep", lambda _: setattr(gateway, "page", self.URLS % 5020)
        )
        asked = gate(gateway, self.check(gateway))
        assert asked.before({}) == {"no backlog": {"its own metrics": 40}}
        assert asked.skipped == [
            "no backlog: its own metrics (url 2) was growing before the change"
        ]

    def test_a_backlog_that_gets_no_larger_is_judged(self, gateway: Gateway) -> None:
        gateway.page = self.URLS % 5000
        found = gate(gateway, self.check(gateway)).before({})
        assert found == {"no backlog": {"its own metrics": 40, "its own metrics (url 2)": 5000}}

    def test_does_not_wait_for_a_url_that_was_taken_out(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.page = 'm{path="a",url="1:http://us/"} 40\n'
        monkeypatch.setattr(gates.time, "time", lambda: NOW + 1)
        baseline = {"no backlog": {"its own metrics": 40.0, "its own metrics (url 2)": 5.0}}
        assert gate(gateway, self.check(gateway), timeout=60).after(baseline, NOW) < 60

    def test_names_the_url_whose_backlog_grew(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.page = self.URLS % 500
        monkeypatch.setattr(gates.time, "time", lambda: NOW + 1)
        baseline = {"no backlog": {"its own metrics": 40.0, "its own metrics (url 2)": 5.0}}
        with pytest.raises(Failure) as failed:
            gate(gateway, self.check(gateway)).after(baseline, NOW)
        assert "no backlog: its own metrics (url 2) has 500, before it had 5." in str(failed.value)

    def test_is_left_out_where_it_does_not_say_so(self, gateway: Gateway) -> None:
        asked = gate(gateway, self.check(gateway))
        assert asked.before({}) == {"no backlog": {}}
        assert len(asked.skipped) == 1


def test_time_is_that_of_the_host(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    gate(gateway, BACKLOG).before({})
    assert abs(float(gateway.asked[0][1]["time"][0]) - time.time()) < 60
