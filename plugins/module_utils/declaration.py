# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A daemon as its task declares it: names, files, unit text and generation, the same on every host.

Nothing here looks at the host. A declaration that cannot be right is refused before anything else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from collections.abc import Mapping
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.files import File
from ansible_collections.meridian.metrics.plugins.module_utils.flags import render_args
from ansible_collections.meridian.metrics.plugins.module_utils.unit import render_unit

CONFIG = "/etc/meridian"
STATE = "/var/lib"
UNITS = "/etc/systemd/system"
# Folders of units by the key of [Install] that puts a link there.
LINKS = {"WantedBy": "wants", "RequiredBy": "requires"}


class Failure(Exception):
    """The task failed; the text says what, where, and what to do, ``facts`` go into the result."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


def digest_of(value: Any) -> str:
    """The SHA-256 of plain data, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def signal_named(name: str) -> signal.Signals | None:
    """A signal by its name, with or without SIG; None where there is none."""
    return signal.Signals.__members__.get("SIG" + name.upper().removeprefix("SIG"))


class Declaration:
    """One daemon as its task declares it; ``params`` are the module's parameters."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params
        self.name: str = params["name"]
        self.unit = f"meridian-{self.name}.service"
        self.unit_path = os.path.join(UNITS, self.unit)
        self.user: str = params["user"] or self.name
        self.config_dir = os.path.join(CONFIG, self.name)
        self.state_dir = os.path.join(STATE, self.name)
        self.secrets: Mapping[str, str] = params["secrets"] or {}
        self.files = [self._file(declared) for declared in params["files"]]
        subcommand = [params["subcommand"]] if params["subcommand"] else []
        self.args = [*subcommand, *render_args(params["args"], params["arg_style"])]
        self._refuse_bad_declaration()

    def _file(self, declared: Mapping[str, Any]) -> File:
        path = os.path.normpath(os.path.join(self.config_dir, declared["path"]))
        secret = declared["secret"]
        if not re.match(r"0[0-7]{3}\Z", declared["mode"]):
            raise Failure(
                f"the file {path} has the mode '{declared['mode']}'; "
                "write four octal digits in quotes, such as '0640'"
            )
        return File(
            path=path,
            content=self.secrets.get(declared["path"], "") if secret else declared["content"] or "",
            mode=int(declared["mode"], 8),
            owner="root",
            group="root" if declared["block"] else self.user,
            on_change=declared["on_change"],
            secret=secret,
            block=declared["block"],
            validate=tuple(declared["validate"]),
        )

    def _refuse_bad_declaration(self) -> None:
        self._refuse_bad_requests()
        unknown = set(self.params["unit"].get("Install") or {}) - set(LINKS)
        if unknown:
            raise Failure(
                f"unit setting Install.{min(unknown)} is not supported; use {' or '.join(LINKS)}"
            )
        seen: set[str] = set()
        for file in self.files:
            if file.key in seen:
                raise Failure(f"the file {file.key} is declared twice")
            seen.add(file.key)
            if file.secret and file.block:
                raise Failure(
                    f"the managed block in {file.path} cannot be secret: others read that file too"
                )
            if file.secret and file.mode & 0o007:
                raise Failure(
                    f"the secret file {file.path} has mode {file.mode:04o}, which lets everyone "
                    "in; write 0640 or less"
                )

    def _refuse_bad_requests(self) -> None:
        ready, reload = self.params["ready"], self.params["reload"] or {}
        for place, url in (("ready.url", ready["url"]), ("reload.url", reload.get("url"))):
            if url and not re.match(r"https?://[^/\s]+\S*\Z", url):
                raise Failure(f"{place} '{url}' is no URL that starts with http:// or https://")
        try:
            re.compile(ready["body"] or "")
        except re.error as error:
            raise Failure(
                f"ready.body '{ready['body']}' is no regular expression: {error}"
            ) from error
        if reload.get("signal") and signal_named(reload["signal"]) is None:
            raise Failure(f"reload.signal '{reload['signal']}' is no signal; write one such as HUP")

    def unit_text(self, program: str) -> str:
        """The unit that runs a program, without its generation."""
        return render_unit(
            self.name,
            user=self.user,
            argv=[program, *self.args],
            environment=self.params["environment"],
            overrides=self.params["unit"],
        )

    def generation(self, unit_text: str, program_sha256: str, salt: str) -> str:
        """What a process must have been started with to be the declared one."""
        # Everyone can read a generation, and try passwords against one that is not salted.
        held = {
            file.key: digest_of([salt, file.content])
            for file in self.files
            if file.on_change == "restart"
        }
        return digest_of([unit_text, program_sha256, held])

    def reload_hash(self) -> str:
        """What a process must have read last to be the declared one."""
        return digest_of({f.key: f.content for f in self.files if f.on_change == "reload"})

    def links(self) -> set[str]:
        """The links that start the unit with the host."""
        install = {"WantedBy": "multi-user.target", **(self.params["unit"].get("Install") or {})}
        links = set()
        for key, targets in install.items():
            for target in targets.split() if isinstance(targets, str) else targets or []:
                links.add(os.path.join(UNITS, f"{target}.{LINKS[key]}", self.unit))
        return links

    def redact(self, text: str) -> str:
        """Blank out secret texts, and the words inside of them that could be one."""
        for content in self.secrets.values():
            words = {content.strip()}
            for line in content.splitlines():
                value = re.sub(r"^[\s-]*[\w.-]+:\s", "", line)
                words.update(re.split(r"[\s\"',=:@{}\[\]]+", value))
            for word in sorted(words, key=len, reverse=True):
                if len(word) >= 6 and not word.startswith("/"):
                    text = text.replace(word, "********")
        return text
