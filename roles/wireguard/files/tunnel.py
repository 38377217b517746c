# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One end of a WireGuard tunnel: makes the interface, keeps it as the settings say, shows metrics.

The kernel's WireGuard is used where there is one, else wireguard-go, which this program runs.
SIGHUP reads the settings again: peers that stay keep their sessions. The private key is read once,
from a copy that systemd makes for this start and that is removed; it goes to `wg` by a pipe.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY_BYTES = 32
START_SECONDS = 10
CHECK_SECONDS = 2
# Marks the routes of this program, so that it removes no others.
PROTOCOL = "190"
# Of a route that only counts while there is no better one.
LAST_RESORT = "4294967295"


class TunnelError(Exception):
    """The tunnel cannot be as declared; the message says why, and never shows the private key."""


def run(*command: str, text: str = "") -> str:
    """Run a program with a text as its input; return its output. Raises TunnelError."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise TunnelError(f"{' '.join(command)}: {said}")
    return done.stdout


def read_settings(text: str) -> dict[str, Any]:
    """Parse the settings, with the key of every peer in its entry. Raises TunnelError."""
    try:
        settings: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise TunnelError(f"the settings are no JSON: {error}") from None
    for name, peer in settings["peers"].items():
        peer.setdefault("public_key", settings["public_keys"].get(name, ""))
        lacking = [key for key in ("public_key", "endpoint", "addresses") if not peer.get(key)]
        if lacking:
            raise TunnelError(f"peer '{name}' has no {', '.join(lacking)}")
        if not is_key(peer["public_key"]):
            raise TunnelError(
                f"the public_key of peer '{name}' is no key of WireGuard; write what 'wg show' "
                "prints on that host"
            )
    keys = [peer["public_key"] for peer in settings["peers"].values()]
    if len(set(keys)) < len(keys):
        raise TunnelError("two peers have the same public key; give each host a key of its own")
    return settings


def is_key(text: str) -> bool:
    """Whether a text is a key in the form that `wg` prints."""
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except binascii.Error:
        return False


def configuration(settings: Mapping[str, Any], private_key: str) -> str:
    """What `wg syncconf` reads."""
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"ListenPort = {settings['port']}"]
    for _name, peer in sorted(settings["peers"].items()):
        lines += [
            "[Peer]",
            f"PublicKey = {peer['public_key']}",
            f"Endpoint = {peer['endpoint']}",
            f"AllowedIPs = {', '.join(peer['addresses'])}",
            f"PersistentKeepalive = {settings['keepalive'] or 'off'}",
        ]
    return "\n".join(lines) + "\n"


def wanted_addresses(settings: Mapping[str, Any]) -> set[str]:
    """The addresses of all peers."""
    return {each for peer in settings["peers"].values() for each in peer["addresses"]}


class Tunnel:
    """The interface on this host, and what of the settings it follows."""

    def __init__(self, name: str, implementation: str, settings: Path, private_key: str) -> None:
        self.name = name
        self.settings = settings
        self.problem = "not yet started"
        self._private_key = private_key
        self._implementation = implementation
        self._applied = ""
        self._peers: dict[str, str] = {}
        self._keepalive = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def in_kernel(self) -> bool:
        """Whether the kernel does the work."""
        return self._child is None

    def start(self) -> None:
        """Make the interface, and make it follow the settings. Raises TunnelError."""
        self._remove_interface()
        if self._implementation == "userspace" or not self._make_in_kernel():
            self._make_in_userspace()
        self.follow()

    def _make_in_kernel(self) -> bool:
        try:
            run("ip", "link", "add", "dev", self.name, "type", "wireguard")
        except TunnelError:
            if self._implementation == "kernel":
                raise
            return False
        return True

    def _make_in_userspace(self) -> None:
        try:
            self._child = subprocess.Popen(
                ["wireguard-go", "--foreground", self.name],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LOG_LEVEL": "error"},
            )
        except FileNotFoundError:
            raise TunnelError(
                "this kernel has no WireGuard, and wireguard-go is not installed"
            ) from None
        deadline = time.monotonic() + START_SECONDS
        while self._child.poll() is None and time.monotonic() < deadline:
            if self.exists():
                return
            time.sleep(0.05)
        raise TunnelError(f"wireguard-go did not make the interface {self.name}")

    def exists(self) -> bool:
        """Whether `wg` finds the interface."""
        return self.name in run("wg", "show", "interfaces").split()

    def follow(self) -> None:
        """Read the settings and make the interface follow them; problems stay to be asked for."""
        try:
            text = self.settings.read_text(encoding="utf-8")
            settings = read_settings(text)
            self._apply(settings)
        except (OSError, TunnelError) as error:
            self.problem = str(error)
            raise TunnelError(self.problem) from error
        self._peers = {peer["public_key"]: name for name, peer in settings["peers"].items()}
        self._keepalive = settings["keepalive"]
        self._applied = digest(text)
        self.problem = ""

    def _apply(self, settings: Mapping[str, Any]) -> None:
        run(
            *("wg", "syncconf", self.name, "/dev/stdin"),
            text=configuration(settings, self._private_key),
        )
        own = f"{settings['address']}/32"
        link = ("dev", self.name)
        run("ip", "address", "replace", own, *link)
        for address in self._own_addresses() - {own}:
            run("ip", "address", "delete", address, *link)
        run("ip", "link", "set", *link, "mtu", str(settings["mtu"]), "up")
        wanted = wanted_addresses(settings)
        for address in sorted(wanted):
            here = ("src", settings["address"], "proto", PROTOCOL)
            run("ip", "route", "replace", address, *link, *here)
            # Stays when the interface goes: nothing for a peer then leaves this host in the clear.
            last = ("metric", LAST_RESORT, "proto", PROTOCOL)
            run("ip", "route", "replace", "unreachable", address, *last)
        for kind, address, metric in self._own_routes():
            if address not in wanted:
                run("ip", "route", "delete", kind, address, "metric", metric, "proto", PROTOCOL)

    def _own_addresses(self) -> set[str]:
        [link] = json.loads(run("ip", "-json", "address", "show", "dev", self.name))
        return {
            f"{each['local']}/{each['prefixlen']}"
            for each in link["addr_info"]
            if each["family"] == "inet"
        }

    @staticmethod
    def _own_routes() -> Iterator[tuple[str, str, str]]:
        """Kind, destination and metric of every route of this program."""
        for route in json.loads(run("ip", "-json", "route", "show", "proto", PROTOCOL) or "[]"):
            address = route["dst"] if "/" in route["dst"] else f"{route['dst']}/32"
            yield route.get("type", "unicast"), address, str(route.get("metric", 0))

    def fault(self) -> str:
        """Say what is not as declared, '' when all is."""
        if self.problem:
            return self.problem
        if digest(self.settings.read_text(encoding="utf-8")) != self._applied:
            return "the settings were changed and not read yet"
        return self.end()

    def end(self) -> str:
        """Say why there is no tunnel any more, '' while there is one."""
        if self._child and self._child.poll() is not None:
            return f"wireguard-go ended with code {self._child.returncode}"
        return "" if self.exists() else f"the interface {self.name} is gone"

    def metrics(self) -> str:
        """What Prometheus reads."""
        implementation = "kernel" if self.in_kernel else "userspace"
        lines = [
            "# TYPE wireguard_info gauge",
            f'wireguard_info{{implementation="{implementation}"}} 1',
            "# TYPE wireguard_keepalive_seconds gauge",
            f"wireguard_keepalive_seconds {self._keepalive}",
        ]
        handshakes = self._show("latest-handshakes")
        transfers = self._show("transfer")
        columns = (
            ("wireguard_latest_handshake_seconds", "gauge", handshakes, 0),
            ("wireguard_received_bytes_total", "counter", transfers, 0),
            ("wireguard_sent_bytes_total", "counter", transfers, 1),
        )
        for metric, kind, shown, column in columns:
            lines.append(f"# TYPE {metric} {kind}")
            lines += [
                f'{metric}{{peer="{name}"}} {values[column]}'
                for name, values in sorted(shown.items())
            ]
        return "\n".join(lines) + "\n"

    def _show(self, what: str) -> dict[str, Sequence[str]]:
        """The numbers that `wg` shows for each peer, by its name."""
        rows = [line.split("\t") for line in run("wg", "show", self.name, what).splitlines()]
        return {self._peers[key]: values for key, *values in rows if key in self._peers}

    def stop(self) -> None:
        """Remove the interface; its routes that say 'unreachable' stay."""
        if self._child:
            self._child.terminate()
            self._child.wait(timeout=START_SECONDS)
        self._remove_interface()

    def _remove_interface(self) -> None:
        if Path(f"/sys/class/net/{self.name}").exists():
            run("ip", "link", "delete", "dev", self.name)


def digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def server(tunnel: Tunnel, address: str, port: int) -> ThreadingHTTPServer:
    """The server of /metrics and /health."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, text = 404, "not found\n"
            try:
                if self.path == "/metrics":
                    code, text = 200, tunnel.metrics()
                elif self.path == "/health":
                    fault = tunnel.fault()
                    code, text = (503, fault + "\n") if fault else (200, "OK\n")
            except (OSError, TunnelError) as error:
                code, text = 503, f"{error}\n"
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing of every scrape."""

    return ThreadingHTTPServer((address, port), Handler)


def serve(tunnel: Tunnel, address: str, port: int) -> int:
    """Keep the tunnel until SIGTERM; return the exit code."""
    asked: set[int] = set()
    wake = threading.Event()

    def note(number: int, _frame: object) -> None:
        asked.add(number)
        wake.set()

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGHUP, note)
    try:
        pages = server(tunnel, address, port)
        tunnel.start()
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        while signal.SIGTERM not in asked:
            wake.wait(CHECK_SECONDS)
            wake.clear()
            if signal.SIGHUP in asked:
                asked.remove(signal.SIGHUP)
                reload(tunnel)
            elif ended := tunnel.end():
                raise TunnelError(ended)
    except (OSError, TunnelError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    finally:
        tunnel.stop()
    return 0


def reload(tunnel: Tunnel) -> None:
    """Follow the settings as they are now; a problem is shown and kept for /health."""
    try:
        tunnel.follow()
    except TunnelError as error:
        print(f"the settings were not taken: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", metavar="FILE", help="say what is wrong with these settings")
    parser.add_argument("--settings", default="/etc/meridian/wireguard/settings.json")
    parser.add_argument("--private-key", default="/run/wireguard/private_key", help="its file")
    parser.add_argument("--interface", default="wg-meridian")
    parser.add_argument("--implementation", choices=["auto", "kernel", "userspace"], default="auto")
    parser.add_argument("--listen-address", default="")
    parser.add_argument("--metrics-port", type=int, default=9586)
    arguments = parser.parse_args()
    try:
        if arguments.check:
            read_settings(Path(arguments.check).read_text(encoding="utf-8"))
            return 0
        file = Path(arguments.private_key)
        key = file.read_text(encoding="ascii").strip()
        file.unlink()
    except (OSError, TunnelError) as error:
        print(error, file=sys.stderr)
        return 1
    tunnel = Tunnel(arguments.interface, arguments.implementation, Path(arguments.settings), key)
    return serve(tunnel, arguments.listen_address, arguments.metrics_port)


if __name__ == "__main__":
    sys.exit(main())
