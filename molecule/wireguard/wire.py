#!/usr/bin/python3
"""What a host's network card carries, a stream that must not break, and an intruder.

wire.py fetch URL TEXT             fetch a page; count the frames on eth0, and those that hold TEXT
wire.py echo ADDRESS PORT          answer every line with itself, for ever
wire.py stream ADDRESS PORT FILE   send numbers on one connection until SIGTERM, note how it went
wire.py intrude SOURCE ENDPOINT KEY URL   try to fetch a page by a tunnel, with an unknown key
wire.py search TEXT                where a text is, given backwards so that it is not found here

fetch, intrude and search print what they saw as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CARD = "eth0"
FOLDERS = ("/etc", "/opt", "/root", "/run", "/tmp", "/var")
NOBODY = 65534
ALL_PROTOCOLS = 3
# Two attempts at a handshake are five seconds apart.
TIMEOUT = 15
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> dict[str, Any]:
    """The status and size of a page, or why there is none, and how long that took."""
    started = time.monotonic()
    found: dict[str, Any] = {"status": 0, "bytes": 0, "error": ""}
    try:
        with OPENER.open(url, timeout=TIMEOUT) as answer:
            found |= {"status": answer.status, "bytes": len(answer.read())}
    except OSError as error:
        found["error"] = str(error)
    return {**found, "seconds": time.monotonic() - started}


def kind(frame: bytes) -> str:
    """Whom an IPv4 frame is for and by which protocol and ports, empty for others and for SSH."""
    if frame[12:14] != b"\x08\x00":
        return ""
    header = (frame[14] & 15) * 4
    protocol, target = frame[23], socket.inet_ntoa(frame[30:34])
    source_port, target_port = struct.unpack("!HH", frame[14 + header : 18 + header])
    if protocol == socket.IPPROTO_TCP and 22 in (source_port, target_port):
        return ""
    name = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}.get(protocol, str(protocol))
    return f"{name} {target}:{target_port}"


def fetch(url: str, text: str) -> dict[str, Any]:
    """Fetch a page and look at every frame meanwhile."""
    frames: list[bytes] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS)) as card:
        card.bind((CARD, 0))
        card.settimeout(0.2)
        stopped = threading.Event()

        def collect() -> None:
            while True:
                try:
                    frames.append(card.recv(65536))
                except socket.timeout:
                    # Only now: a busy machine may have left some of them to be read.
                    if stopped.is_set():
                        return

        thread = threading.Thread(target=collect)
        thread.start()
        found = get(url)
        time.sleep(0.5)
        stopped.set()
        thread.join()
    kinds: dict[str, int] = {}
    for frame in frames:
        if kind(frame):
            kinds[kind(frame)] = kinds.get(kind(frame), 0) + len(frame)
    return {**found, "kinds": kinds, "readable": sum(text.encode() in frame for frame in frames)}


def echo(address: str, port: int) -> None:
    """Answer every line with itself."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(line)

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer((address, port), Handler).serve_forever()


def stream(address: str, port: int, file: Path) -> None:
    """Send numbers on one connection, each when the one before came back."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    seen: dict[str, Any] = {"echoed": 0, "slowest": 0.0, "error": ""}
    try:
        with socket.create_connection((address, port), timeout=30) as connection:
            lines = connection.makefile("rw", encoding="ascii")
            while not stopped.wait(0.02):
                started = time.monotonic()
                lines.write(f"{seen['echoed']}\n")
                lines.flush()
                if lines.readline() != f"{seen['echoed']}\n":
                    raise OSError("the connection ended")
                seen["echoed"] += 1
                seen["slowest"] = max(seen["slowest"], time.monotonic() - started)
    except OSError as error:
        seen["error"] = str(error)
    file.write_text(json.dumps(seen))


def intrude(source: str, endpoint: str, key: str, url: str) -> dict[str, Any]:
    """Fetch a page by an interface that knows everything but a private key that is expected."""

    def run(*command: str, text: str = "") -> str:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    target = url.split("/")[2].partition(":")[0]
    child = subprocess.Popen(["wireguard-go", "--foreground", "eve"], stderr=subprocess.DEVNULL)
    try:
        while "eve" not in run("wg", "show", "interfaces").split():
            time.sleep(0.1)
        configuration = (
            f"[Interface]\nPrivateKey = {run('wg', 'genkey')}\n[Peer]\nPublicKey = {key}\n"
            f"Endpoint = {endpoint}\nAllowedIPs = {target}/32\nPersistentKeepalive = 1\n"
        )
        run("wg", "setconf", "eve", "/dev/stdin", text=configuration)
        run("ip", "address", "add", f"{source}/32", "dev", "eve")
        run("ip", "link", "set", "eve", "up")
        run("ip", "route", "add", f"{target}/32", "dev", "eve")
        found = get(url)
        received, sent = map(int, run("wg", "show", "eve", "transfer").split("\t")[1:])
        return {**found, "received": received, "sent": sent}
    finally:
        child.terminate()
        child.wait()


def search(text: str) -> dict[str, list[str]]:
    """The files, processes and logs that hold a text, and which of the files anybody can read."""
    wanted = text.encode()
    # Some of them come and go meanwhile.
    files = [
        str(path)
        for folder in FOLDERS
        for place, _folders, names in os.walk(folder)
        for path in (Path(place) / name for name in names)
        if path.is_file() and not path.is_symlink() and wanted in content(path)
    ]
    processes = [
        str(path)
        for name in ("cmdline", "environ")
        for path in Path("/proc").glob(f"[0-9]*/{name}")
        if wanted in content(path)
    ]
    log = subprocess.run(["journalctl", "--no-pager"], capture_output=True, check=True).stdout
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    return {
        "files": sorted(files),
        "for everybody": [path for path in files if os.access(path, os.R_OK, effective_ids=True)],
        "processes": processes,
        "log": ["journal"] if wanted in log else [],
    }


def content(path: Path) -> bytes:
    """A file's content, nothing when it is gone, as that of a process that has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def main() -> None:
    """Carry out the command line."""
    action, *arguments = sys.argv[1:]
    if action == "fetch":
        print(json.dumps(fetch(*arguments)))
    elif action == "echo":
        echo(arguments[0], int(arguments[1]))
    elif action == "stream":
        stream(arguments[0], int(arguments[1]), Path(arguments[2]))
    elif action == "intrude":
        print(json.dumps(intrude(*arguments)))
    elif action == "search":
        print(json.dumps(search(arguments[0][::-1])))


if __name__ == "__main__":
    main()
