"""Say what is being done and how long it took; stop with advice when it fails.

Standard library only: set-up runs before there is a virtual environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "logs"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# What several checkouts share: release archives, the key of the test hosts.
SHARED_CACHE = Path("~/.cache/meridian").expanduser()
# How the lines begin with which pytest and Ansible say what failed.
TELLING = re.compile(r"(?:E {3}|FAILED |ERROR .+::|fatal: |\[ERROR\])")


class Failure(Exception):
    """A step failed; the message says what happened, `advice` what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, then print its time in seconds."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    {time.monotonic() - started:.1f} s")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of the programs that are run: .venv first, and UTF-8 for Ansible."""
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    command: Sequence[str],
    *,
    advice: str = "",
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command and return its standard output.

    `env` is laid over the environment; `timeout` is in seconds.
    Raises Failure with the command's last lines when it fails.
    """
    try:
        result = subprocess.run(
            list(command),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            env=environment(env),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{command[0]}: no such program", advice) from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: no answer within {timeout:g} s", advice) from None
    if result.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{tail(result.stdout + result.stderr)}", advice)
    return result.stdout


def run_logged(
    command: Sequence[str], log: Path, *, advice: str = "", env: Mapping[str, str] | None = None
) -> None:
    """Run a long command with its output at the end of a log file.

    Raises Failure with the log's last lines and its path.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        output.write(f"\n$ {' '.join(command)}\n")
        output.flush()
        code = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(env),
            check=False,
        ).returncode
    if code != 0:
        raise Failure(f"{ending(log.read_text(errors='replace'))}\n(log: {log})", advice)


def tail(text: str, lines: int = 25) -> str:
    """Return the last lines of a text."""
    return "\n".join(text.strip().splitlines()[-lines:])


def ending(text: str) -> str:
    """Return the last lines of a log, below those further up that say what failed."""
    above = text.strip().splitlines()[:-10]
    telling = [line[:600] for line in above if TELLING.match(line)]
    return "\n".join([*telling[:20], tail(text, 10)])


def main(program: Callable[[], None]) -> None:
    """Run a program; a Failure ends it with the message, the advice and code 1."""
    try:
        program()
    except Failure as failure:
        say(f"\nFAILED: {failure}")
        if failure.advice:
            say(f"\nWhat to do: {failure.advice}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
