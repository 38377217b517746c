"""A process of its own that ends with its parent, takes settings and tells its state.

The settings come as the first line of its standard input, so a password is in no process list and
in no file. The end of its standard input is the word to stop, and comes also when the parent is
killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

STATE_SECONDS = 0.2
# Longer than a push or a query that hangs: one that is cut off would not be counted.
STOP_SECONDS = 180


class Child:
    """The parent's side: start a program of this folder, read its state, stop it."""

    def __init__(self, program: str, directory: Path, settings: Mapping[str, Any]) -> None:
        self.program = program
        self._state = directory / f"{program}.json"
        self._log = directory / f"{program}.log"
        self._state.unlink(missing_ok=True)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name(f"{program}.py"))],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert self._process.stdin
        line = json.dumps({**settings, "state": str(self._state)}) + "\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def state(self) -> dict[str, Any]:
        """Return what the program last told; empty before it told anything.

        Raises RuntimeError with the end of its log when it has ended by itself.
        """
        code = self._process.poll()
        if code:
            log = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the load's {self.program} ended with {code}:\n{log}")
        try:
            content: dict[str, Any] = json.loads(self._state.read_text())
        except FileNotFoundError:
            return {}
        return content

    def stop(self) -> dict[str, Any]:
        """Let the program finish what it does and return its last state."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self.state()

    def kill(self) -> None:
        """End the program at once."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()


def serve(
    work: Callable[[Mapping[str, Any], threading.Event], Callable[[], Mapping[str, Any]]],
) -> None:
    """Run a program: `work` starts it with its settings and the word to stop, and tells its state.

    Its threads must have ended when the function that it returns is called after the word to stop.
    """
    settings = json.loads(sys.stdin.readline())
    path = Path(settings["state"])
    stop = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    tell = work(settings, stop)
    while True:
        ending = stop.wait(STATE_SECONDS)
        state = {**tell(), "at": time.time(), "cpu_seconds": time.process_time()}
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(state))
        draft.replace(path)
        if ending:
            break
    sys.stdout.flush()
    os._exit(0)  # the thread that reads standard input cannot be ended
