"""Real faults of a whole fleet: people are told once, and once more when all is well again."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fleet import CONTROLLER, INVENTORY, ask, play, stopped
from samples import eventually

# Detection takes a minute or two by the rules themselves; these are limits for giving up.
TOLD_SECONDS = 600
# One fault for each kind of host that this inventory has: service, and the alerts that tell of it.
AGENT = ("ap-southeast-1-agent-2", "meridian-vmagent")
STORAGE = ("us-east-1-storage-3", "meridian-vmstorage")
FAULTS = {AGENT: {"AgentDead": {"instance": AGENT[0], "env": "dev"}}}
if INVENTORY.name == "centralized":
    FAULTS[STORAGE] = {
        "ComponentDown": {"instance": STORAGE[0], "job": "vmstorage"},
        "StorageNodeUnreachable": {"addr": "10.20.1.13:8400"},
    }

Told = tuple[str, str, str]  # alert, fingerprint, status


class Webhook:
    """A receiver of alerts on this machine; keeps every alert that it was told of."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        told = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.extend(json.loads(body)["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((CONTROLLER, 0), Handler)
        self.url = f"http://{CONTROLLER}:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self, alert: str, labels: dict[str, str], status: str) -> Counter[Told]:
        """How often an alert with these labels came, by its identity."""
        return Counter(
            (alert, each["fingerprint"], each["status"])
            for each in list(self.alerts)
            if each["status"] == status
            and (labels | {"alertname": alert}).items() <= each["labels"].items()
        )


@contextmanager
def alerts_sent_to(url: str) -> Iterator[None]:
    """Let both Alertmanagers tell a webhook, at once, and nobody in the end."""
    settings = {
        "alertmanager_receivers": {"people": {"webhook": [{"url": url}]}},
        "alertmanager_default_receiver": "people",
        "alertmanager_group_wait": "1s",
        "alertmanager_group_interval": "5s",
    }
    run = play("site.yml", "--tags", "alertmanager", "-e", json.dumps(settings))
    assert run.status == 0, run.output
    try:
        yield
    finally:
        play("site.yml", "--tags", "alertmanager")


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    with alerts_sent_to(server.url):
        yield server
    server.close()


def wait_for(webhook: Webhook, status: str) -> None:
    for alerts in FAULTS.values():
        for alert, labels in alerts.items():
            eventually(
                lambda alert=alert, labels=labels: webhook.told(alert, labels, status),
                seconds=TOLD_SECONDS,
            )


def test_every_fault_is_told_once_and_resolves_once(webhook: Webhook) -> None:
    with stopped(*FAULTS):
        wait_for(webhook, "firing")
    wait_for(webhook, "resolved")
    for alerts in FAULTS.values():
        for alert, labels in alerts.items():
            for status in ("firing", "resolved"):
                told = webhook.told(alert, labels, status)
                assert list(told.values()) == [1], (alert, status, told, webhook.alerts)


@pytest.mark.usefixtures("webhook")
def test_a_healthy_fleet_has_no_alert_but_the_watchdog() -> None:
    """Comes after the faults: all that they set off has resolved."""
    # The hosts are containers of one machine, and what is said of hosts is true of that machine.
    told = 'ALERTS{alertstate="firing",alertname!~"Host.*"}'

    def firing() -> set[str]:
        return {dict(series)["alertname"] for series in ask(told)}

    eventually(lambda: firing() == {"Watchdog"}, seconds=TOLD_SECONDS)


def test_both_vmalerts_tell_the_same() -> None:
    replicas = ask('count by (alertname) (ALERTS{alertname="Watchdog"})')
    assert list(replicas.values()) == [1.0], "both write one series, so their labels are the same"
