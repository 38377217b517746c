#!/usr/bin/python3
"""A small HTTP daemon with what real ones have: flags, a config to reload, a secret, a dry run.

GET / answers how it runs, as JSON; GET /health says whether it serves; GET /metrics what waits, as
the settings say, until there is a file "mended" beside its data; POST /-/reload or SIGHUP read the
config again. The config may ask for trouble: die_on_reload, refuse_reload, unready.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "@VERSION@"
BEHAVIOUR = "@BEHAVIOUR@"  # serve | exit | unready
STARTED = time.time()


def read_flags():
    """The flags that it knows; others it only shows."""
    flags = {}
    for word in sys.argv[1:]:
        name, _, value = word.lstrip("-").partition("=")
        flags.setdefault(name, value)
    return flags


FLAGS = read_flags()


def read_config():
    """The config; raises ValueError."""
    config = json.loads(Path(FLAGS["config"]).read_text(encoding="utf-8"))
    if "greeting" not in config:
        raise ValueError("the greeting is missing")
    return config


def read_text(flag):
    """The text of the file that a flag names, '' without the flag."""
    return Path(FLAGS[flag]).read_text(encoding="utf-8") if flag in FLAGS else ""


def dry_run():
    """Check the config like a real program: a complaint, and nothing else, may quote a secret."""
    try:
        read_config()
    except ValueError as error:
        print(f"testd: {FLAGS['config']}: {error} (secret is {read_text('secret').strip()})")
        sys.exit(1)
    sys.exit(0)


class State:
    """What the process has read."""

    def __init__(self):
        self.config = read_config()
        self.settings = json.loads(read_text("settings") or "{}")
        self.secret = read_text("secret")
        self.ready_at = STARTED + self.settings.get("seconds_to_ready", 0)

    def reload(self):
        """Read the config again, and do what it asks for."""
        self.config = read_config()
        if self.config.get("die_on_reload"):
            print("testd: cannot live with this config", flush=True)
            os._exit(3)

    def healthy(self):
        """Whether it serves."""
        unready = BEHAVIOUR == "unready" or self.config.get("unready")
        return not unready and time.time() >= self.ready_at


class Handler(BaseHTTPRequestHandler):
    """Answers."""

    def do_GET(self):
        if self.path == "/health":
            healthy = STATE.healthy()
            self.answer(200 if healthy else 503, "OK" if healthy else "not yet")
            return
        if self.path == "/metrics":
            backlog = 0 if MENDED.exists() else STATE.settings.get("backlog", 0)
            self.answer(200, 'testd_backlog{queue="1"} ' + f"{backlog}\n")
            return
        about = {
            "version": VERSION,
            "pid": os.getpid(),
            "started": STARTED,
            "argv": sys.argv[1:],
            "environment": dict(os.environ),
            "uid": os.getuid(),
            "greeting": STATE.config["greeting"],
            "settings": STATE.settings,
            "secret_sha256": hashlib.sha256(STATE.secret.encode()).hexdigest(),
            "motd": MOTD.read_text(encoding="utf-8") if MOTD.exists() else "",
        }
        self.answer(200, json.dumps(about))

    def do_POST(self):
        config = read_config()
        if config.get("refuse_reload"):
            self.answer(500, "this config cannot be reloaded")
            return
        STATE.reload()
        self.answer(200, "reloaded")

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, form, *args):
        pass


# A whole tree has it beside the program's folder.
MOTD = Path(sys.argv[0]).resolve().parent.parent / "share" / "motd.txt"

MENDED = Path("/var/lib/testd/mended")

if "dryRun" in FLAGS:
    dry_run()
if BEHAVIOUR == "exit":
    print("testd: the licence of this version has run out", flush=True)
    sys.exit(7)
STATE = State()
signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=STATE.reload, daemon=True).start())
print(f"testd: version {VERSION} listens on {FLAGS['listen']}", flush=True)
HOST, _, PORT = FLAGS["listen"].rpartition(":")
ThreadingHTTPServer((HOST, int(PORT)), Handler).serve_forever()
