# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running program of this host was started with, and what its own pages say.

The truth is the running process: its flags are read from the kernel, not from what was declared.
"""

from __future__ import annotations

import base64
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

# The host's own program is asked, so no proxy is.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w.]*)(?:=(?P<value>.*))?", re.DOTALL)
_SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class ProgramError(Exception):
    """A program cannot be asked. The message says which and why."""


def all_flags_of(pid: int) -> dict[str, list[str]]:
    """The flags of a process by name, each with all values it was given; 'true' for none."""
    with open(f"/proc/{pid}/cmdline", "rb") as stream:
        words = stream.read().decode(errors="replace").split("\0")
    flags: dict[str, list[str]] = {}
    for found in filter(None, (_FLAG.fullmatch(word) for word in words[1:])):
        flags.setdefault(found["name"], []).append(found["value"] or "true")
    return flags


def flags_of(pid: int) -> dict[str, str]:
    """The flags of a process by name; the last of a repeated one, 'true' for one without value."""
    return {name: values[-1] for name, values in all_flags_of(pid).items()}


def secret(value: str) -> str:
    """The secret that a flag holds: itself, or the text of the file that it names."""
    if not value.startswith("file://"):
        return value
    with open(value[len("file://") :], encoding="utf-8") as stream:
        return stream.read().rstrip()


def local_address(listen: str, default: int) -> str:
    """Where the host itself reaches a listener: 127.0.0.1 for one on all addresses."""
    host, port = listen.rpartition(":")[::2]
    if host in ("", "0.0.0.0", "[::]"):
        host = "127.0.0.1"
    return f"{host}:{port or default}"


class Program(NamedTuple):
    """A VictoriaMetrics program of this host, by its flags."""

    flags: Mapping[str, str]
    port: int
    """The port that it listens on where its flags do not say so."""

    def page(self, path: str, key: str = "", *, timeout: float = 30) -> str:
        """The text of one of its pages; ``key`` names the flag with the page's key.

        Raises ProgramError.
        """
        scheme = "https" if self.flags.get("tls") == "true" else "http"
        listen = self.flags.get("httpListenAddr", "")
        url = f"{scheme}://{local_address(listen, self.port)}{path}"
        headers = {}
        try:
            if self.flags.get("httpAuth.username"):
                user = self.flags["httpAuth.username"]
                pair = f"{user}:{secret(self.flags.get('httpAuth.password', ''))}"
                headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
            asked = url
            if key and self.flags.get(key):
                asked += "?" + urlencode({"authKey": secret(self.flags[key])})
            request = urllib.request.Request(asked, headers=headers)
            with _OPENER.open(request, timeout=timeout) as answer:
                text: str = answer.read().decode(errors="replace")
                return text
        except urllib.error.HTTPError as error:
            # Without the query, which holds the key.
            raise ProgramError(f"{url} answered {error.code}") from None
        except OSError as error:
            raise ProgramError(f"{url} did not answer ({error})") from None


def metric(page: str, name: str) -> float:
    """The sum over all series of a metric on a /metrics page; 0 where there is none."""
    return sum(each[1] for each in series(page, name))


def series(page: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of every series of a metric on a /metrics page."""
    found = (_SAMPLE.fullmatch(line) for line in page.splitlines() if line.startswith(name))
    return [
        (dict(_LABEL.findall(each["labels"] or "")), float(each["value"]))
        for each in found
        if each and each["name"] == name
    ]
