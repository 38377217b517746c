# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make one long-running program on this host be exactly as declared: stage, activate, roll back.

The truth is the running process: its unit exports a generation, the SHA-256 over unit text, program
and the files that need a restart, and the kernel tells which generation the main process has.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, NoReturn, Optional

from ansible_collections.meridian.metrics.plugins.module_utils import (
    files as disk,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    program as programs,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    record as records,
)
from ansible_collections.meridian.metrics.plugins.module_utils import systemd
from ansible_collections.meridian.metrics.plugins.module_utils.files import File, Write
from ansible_collections.meridian.metrics.plugins.module_utils.flags import render_args
from ansible_collections.meridian.metrics.plugins.module_utils.unit import (
    render_unit,
    with_generation,
)

# `readiness` and `validation` are imported where they are used: the run that finds nothing to do is
# the common one, and the HTTP client alone would double its imports.

CONFIG = "/etc/meridian"
STATE = "/var/lib"
UNITS = "/etc/systemd/system"


class Failure(Exception):
    """The task failed; the text says what, where, and what to do, ``facts`` go into the result."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class Needs(Exception):
    """The program is not on this host; the controller has to bring it."""


class Program(NamedTuple):
    """The program to run. ``folder`` holds it unpacked when it is not yet in its place ``root``."""

    path: str
    sha256: str
    version: str
    root: str = ""
    folder: str = ""
    files: Mapping[str, str] = {}
    archive_sha256: str = ""
    packages: tuple[str, ...] = ()

    @property
    def path_for_checks(self) -> str:
        if not self.folder:
            return self.path
        return os.path.join(self.folder, os.path.relpath(self.path, self.root))


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Daemon:
    """One daemon as its task declares it; ``params`` are the module's parameters."""

    def __init__(
        self, params: Mapping[str, Any], *, check_mode: bool, label: Callable[[str], Any]
    ) -> None:
        self.params = params
        self.check_mode = check_mode
        self.label = label
        self.name: str = params["name"]
        self.unit = f"meridian-{self.name}.service"
        self.unit_path = os.path.join(UNITS, self.unit)
        self.user: str = params["user"] or self.name
        self.config_dir = os.path.join(CONFIG, self.name)
        self.secrets: Mapping[str, str] = params["secrets"] or {}
        self.files = [self._file(declared) for declared in params["files"]]
        self.args = render_args(params["args"], params["arg_style"])
        self.record = records.load(self.name)
        self.diff: list[dict[str, str]] = []
        self._refuse_bad_declaration()

    # What is declared

    def _file(self, declared: Mapping[str, Any]) -> File:
        path = os.path.normpath(os.path.join(self.config_dir, declared["path"]))
        secret = declared["secret"]
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
        seen: set[str] = set()
        for file in self.files:
            if file.key in seen:
                raise Failure(f"the file {file.key} is declared twice for {self.name}")
            seen.add(file.key)
            if file.secret and file.mode & 0o007:
                raise Failure(
                    f"the secret file {file.path} has mode {file.mode:04o}, which lets everyone in; "
                    "write 0640 or less"
                )
            value = file.content.strip()
            public = [*self.args, *map(str, self.params["environment"].values())]
            if file.secret and len(value) >= 6 and any(value in word for word in public):
                raise Failure(
                    f"the content of the secret file {file.path} is also in args or environment, "
                    "which every user of the host can read; give the program the file's path"
                )

    # The program

    def _find_program(self) -> Program:
        source = self.params["source"]
        if source == "archive":
            return self._archive_program()
        if source == "package":
            return self._package_program()
        path = self.params["program"]
        installed = self._packages() if self.params["package"] else ""
        own = next((file for file in self.files if file.path == path), None)
        packages = tuple(self.params["package"]["names"]) if self.params["package"] else ()
        if own is not None:
            return Program(path, _sha256(own.content), installed, packages=packages)
        if not os.path.isfile(path) and not self.check_mode:
            raise Failure(
                f"the program {path} of {self.name} is neither on this host nor among its files"
            )
        found = programs.sha256_of(path) if os.path.isfile(path) else ""
        return Program(path, found, installed, packages=packages)

    def _archive_program(self) -> Program:
        archive = self.params["archive"]
        version = self.params["version"]
        root = os.path.join(programs.PROGRAMS, archive["name"], version)
        member = archive["program"]
        members = None if archive["tree"] else [member]
        path = os.path.join(root, member)
        payload = self.params["payload"]
        arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
        if programs.intact(root, members, (archive["sha256"] or {}).get(arch)):
            return Program(path, programs.digest(root, members), version, root)
        if payload:
            folder = programs.unpack(payload["path"], payload["files"], root)
            names = sorted(payload["files"])
            digest = _sha256([[name, payload["files"][name]] for name in names])
            return Program(
                path, digest, version, root, folder, payload["files"], payload["archive_sha256"]
            )
        if self.check_mode:
            return Program(path, "", version, root)
        raise Needs(path)

    def _packages(self) -> str:
        """Bring the packages to the host; the installed version of the first."""
        package = self.params["package"]
        names, wanted = package["names"], self.params["version"]
        found = programs.package_versions(names)
        missing = [name for name in names if name not in found]
        if missing or (wanted and found.get(names[0]) != wanted):
            self.diff.append(
                {
                    "before": "".join(f"{name} {found.get(name, '')}\n" for name in names),
                    "after": "".join(
                        f"{name} {wanted if name == names[0] else ''}\n" for name in names
                    ),
                    "before_header": "packages",
                    "after_header": "packages",
                }
            )
            if self.check_mode:
                return wanted or found.get(names[0], "")
            programs.install_packages(names, wanted or "", package["units"] or [])
            found = programs.package_versions(names)
        # Ours to remove again: what was missing here, or what another daemon brought.
        brought = {name for other in records.others(self.name) for name in other["packages"]}
        ours = {*self.record["packages"], *missing, *(brought & set(names))}
        if sorted(ours) != self.record["packages"] and not self.check_mode:
            self.record.update(packages=sorted(ours), package_units=package["units"] or [])
            records.save(self.name, self.record)
        return found[names[0]]

    def _package_program(self) -> Program:
        package = self.params["package"]
        version = self._packages()
        root = os.path.join(programs.PROGRAMS, f"{package['names'][0]}.deb", version or "unknown")
        member = os.path.basename(package["program"])
        path = os.path.join(root, member)
        if programs.intact(root, [member], None):
            return Program(path, programs.digest(root, [member]), version, root)
        if self.check_mode:
            return Program(path, "", version, root)
        folder, held = programs.copy_to_version_folder(package["program"], root)
        return Program(path, _sha256([[member, held[member]]]), version, root, folder, held)

    # Staging

    def _unit_text(self, program: Program) -> str:
        return render_unit(
            self.name,
            user=self.user,
            argv=[program.path, *self.args],
            environment=self.params["environment"],
            overrides=self.params["unit"],
        )

    def _generation(self, program: Program, unit_text: str) -> str:
        held = {file.key: file.content for file in self.files if file.on_change == "restart"}
        return _sha256([unit_text, program.sha256, held])

    def _reload_hash(self) -> str:
        return _sha256({f.key: f.content for f in self.files if f.on_change == "reload"})

    def _links(self) -> list[str]:
        install = {"WantedBy": "multi-user.target", **(self.params["unit"].get("Install") or {})}
        wanted = install["WantedBy"] or []
        targets = wanted.split() if isinstance(wanted, str) else wanted
        return [os.path.join(UNITS, f"{target}.wants", self.unit) for target in targets]

    def _user_exists(self) -> bool:
        try:
            pwd.getpwnam(self.user)
        except KeyError:
            return False
        return True

    def _add_user(self) -> None:
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", os.path.join(STATE, self.name), "--shell", "/usr/sbin/nologin"]
        done = subprocess.run(
            [*command, self.user], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip()
            raise Failure(f"cannot make the system user '{self.user}': {said}")

    def _config_dir_wrong(self) -> bool:
        try:
            found = os.stat(self.config_dir)
            return (found.st_uid, found.st_gid, found.st_mode & 0o7777) != (
                0,
                pwd.getpwnam(self.user).pw_gid,
                0o750,
            )
        except (FileNotFoundError, KeyError):
            return True

    def _make_config_dir(self) -> None:
        os.makedirs(self.config_dir, mode=0o750, exist_ok=True)
        os.chmod(CONFIG, 0o755)
        os.chown(self.config_dir, 0, pwd.getpwnam(self.user).pw_gid)
        os.chmod(self.config_dir, 0o750)

    def _stale(self) -> list[list[str | None]]:
        """Managed files, as [path, block], that are no longer declared."""
        declared = [[file.path, file.block] for file in self.files]
        return [managed for managed in self.record["files"] if managed not in declared]

    def stage(self) -> dict[str, Any]:
        """Put program, unit and files in place; nothing running is touched."""
        program = self._find_program()
        try:
            return self._stage(program)
        finally:
            if program.folder:
                shutil.rmtree(program.folder, ignore_errors=True)

    def _stage(self, program: Program) -> dict[str, Any]:
        bare_unit = self._unit_text(program)
        generation = self._generation(program, bare_unit)
        unit_text = with_generation(bare_unit, generation)
        changes = [change for change in map(disk.compare, self.files) if change]
        new_program = bool(program.folder) or not program.sha256
        old_unit = disk.read_text(self.unit_path)
        links = [link for link in self._links() if os.path.realpath(link) != self.unit_path]
        stale = self._stale()
        if changes or new_program or old_unit != unit_text:
            self._validate(program)
        self._describe(changes, stale, program, old_unit, unit_text)
        changed = bool(
            changes
            or new_program
            or old_unit != unit_text
            or links
            or stale
            or not self._user_exists()
            or self._config_dir_wrong()
            or self.diff
        )
        state = {"generation": generation, "program": program, "unit_text": unit_text}
        if self.check_mode:
            return {**state, "changed": changed}
        levels = {change.file.on_change for change in changes}
        if new_program or old_unit != unit_text or "restart" in levels:
            self.record["pending"] = "restart"
        elif ("reload" in levels or stale) and self.record["pending"] == "none":
            self.record["pending"] = "reload"
        if changed:
            managed = [[file.path, file.block] for file in self.files]
            self.record["files"] = managed + stale
            records.save(self.name, self.record)
            if not self._user_exists():
                self._add_user()
            self._make_config_dir()
            self._install_program(program)
            writes = [disk.to_write(change) for change in changes]
            if old_unit != unit_text:
                writes.append(Write(self.unit_path, unit_text.encode(), 0o644))
            disk.write_all(writes, self.label)
            for path, block in stale:
                disk.remove(str(path), block, self.label)
            for link in links:
                self._link(link)
            self.record["files"] = managed
        if self.record["root"] != program.root:
            self.record["root"] = program.root
            changed = True
        if changed:
            records.save(self.name, self.record)
        return {**state, "changed": changed}

    def _install_program(self, program: Program) -> None:
        if program.folder:
            programs.install(
                program.folder, program.root, program.files, program.archive_sha256, self.label
            )

    @staticmethod
    def _link(link: str) -> None:
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.join("..", os.path.basename(link)), link)

    def _validate(self, program: Program) -> None:
        if not os.path.isfile(program.path_for_checks) and self.check_mode:
            return  # A bare host has nothing to check with yet.
        from ansible_collections.meridian.metrics.plugins.module_utils import (  # noqa: PLC0415
            validation,
        )

        complaint = validation.check(
            self.files,
            config_dir=self.config_dir,
            program=program.path_for_checks,
            args=self.args,
            user=self.user,
        )
        if complaint:
            raise Failure(f"{self.redact(complaint)}\nNothing was changed on this host.")

    def _describe(
        self,
        changes: list[disk.Change],
        stale: list[list[str | None]],
        program: Program,
        old_unit: str | None,
        unit_text: str,
    ) -> None:
        self.diff.extend(map(disk.diff_of, changes))
        for path, _block in stale:
            self.diff.append(
                {
                    "before_header": str(path),
                    "after_header": "(removed)",
                    "before": "managed\n",
                    "after": "",
                }
            )
        if old_unit != unit_text:
            self.diff.append(
                {
                    "before_header": self.unit_path,
                    "after_header": self.unit_path,
                    "before": old_unit or "",
                    "after": unit_text,
                }
            )
        if program.folder or not program.sha256:
            self.diff.append(
                {
                    "before_header": program.path,
                    "after_header": program.path,
                    "before": "",
                    "after": f"program, version {program.version}\n",
                }
            )

    # Activation

    def pending(self, generation: str) -> tuple[str, systemd.Status]:
        """What the running process is owed: none, start, reload or restart."""
        now = systemd.status(self.unit)
        if not now.running:
            return "start", now
        if now.generation != generation or self.record["pending"] == "restart":
            return "restart", now
        if self.record["pending"] == "reload" or (
            self.record["reload_hash"] and self.record["reload_hash"] != self._reload_hash()
        ):
            return "reload", now
        return "none", now

    def activate(self, staged: Mapping[str, Any], pending: str, now: systemd.Status) -> None:
        """Make the staged state the running one, or go back to the last that served."""
        if pending == "none":
            return
        since = time.time()
        generation: str = staged["generation"]
        complaint = self._bring_up(pending, generation, now)
        if complaint:
            self._give_up(complaint, staged, pending, since)
        good = records.load_good(self.name)
        if good and good["root"] != staged["program"].root:
            self.record["previous_root"] = good["root"]
        self.record.update(pending="none", reload_hash=self._reload_hash())
        records.save(self.name, self.record)
        records.save_good(
            self.name,
            {
                "generation": generation,
                "reload_hash": self._reload_hash(),
                "unit_text": staged["unit_text"],
                "files": [file._asdict() for file in self.files],
                "root": staged["program"].root,
                "program": staged["program"].path,
                "version": staged["program"].version,
            },
        )
        if staged["program"].root:
            programs.prune(staged["program"].root, self._kept_roots())

    def _kept_roots(self) -> list[str]:
        kept = [self.record["root"], self.record["previous_root"]]
        for other in records.others(self.name):
            kept += [other["root"], other["previous_root"]]
        return [root for root in kept if root]

    def _bring_up(self, pending: str, generation: str, now: systemd.Status) -> str:
        """Start, restart or reload, and wait; '' or what went wrong."""
        from ansible_collections.meridian.metrics.plugins.module_utils.readiness import (  # noqa: PLC0415
            wait_until_ready,
        )

        try:
            if pending == "reload" and self.params["reload"]:
                self._reload(now.pid)
                return wait_until_ready(
                    self.unit, self.params["ready"], generation=generation, pid=now.pid
                )
            systemd.systemctl("daemon-reload")
            if now.active == "failed":
                systemd.systemctl("reset-failed", self.unit)
            systemd.systemctl("restart", self.unit)
        except (RuntimeError, OSError) as error:
            return str(error)
        return wait_until_ready(self.unit, self.params["ready"], generation=generation)

    def _reload(self, pid: int) -> None:
        from ansible_collections.meridian.metrics.plugins.module_utils.readiness import (  # noqa: PLC0415
            request,
        )

        how = self.params["reload"]
        if how.get("url"):
            code, body = request(how["url"], timeout=30, method=how["method"])
            if code >= 300:
                raise RuntimeError(
                    f"{how['url']} refused the reload ({code}): {body.strip()[:300]}"
                )
        else:
            os.kill(pid, getattr(signal, "SIG" + how["signal"].upper().removeprefix("SIG")))

    def _give_up(
        self, complaint: str, staged: Mapping[str, Any], pending: str, since: float
    ) -> NoReturn:
        log = [self.redact(line) for line in systemd.journal(self.unit, since)]
        version = staged["program"].version
        title = f"{self.name} {version}".strip()
        message = f"{title} is not ready after its {pending}: {self.redact(complaint)}. "
        good = records.load_good(self.name)
        if good is None:
            self._stop_for_good()
            message += (
                "There is no earlier state to go back to, so it was stopped and is not started "
                "again until a run succeeds."
            )
        elif good["generation"] == staged["generation"] and (
            good["reload_hash"] == self._reload_hash()
        ):
            message += "Nothing was changed that could be put back; systemd goes on trying."
        else:
            message += self._roll_back(good, pending)
        if log:
            message += "\nIts last log lines:\n" + "\n".join(f"  {line}" for line in log)
        raise Failure(message, log=log, rolled_back=good is not None)

    def _stop_for_good(self) -> None:
        for link in self._links():
            if os.path.islink(link):
                os.unlink(link)
        systemd.systemctl("stop", self.unit)
        subprocess.run(["systemctl", "reset-failed", self.unit], capture_output=True, check=False)

    def _roll_back(self, good: Mapping[str, Any], pending: str) -> str:
        """Put the last state that served back and start it; a sentence on how that went."""
        files = [File(**{**held, "validate": tuple(held["validate"])}) for held in good["files"]]
        keys = {file.key for file in files}
        name = f"The previous state ({good['version'] or good['generation'][:12]})"
        try:
            for file in self.files:
                if file.key not in keys:
                    disk.remove(file.path, file.block, self.label)
            writes = [disk.to_write(change) for change in map(disk.compare, files) if change]
            writes.append(Write(self.unit_path, good["unit_text"].encode(), 0o644))
            disk.write_all(writes, self.label)
            self.record.update(
                pending="restart",
                files=[[file.path, file.block] for file in files],
                root=good["root"],
            )
            records.save(self.name, self.record)
            now = systemd.status(self.unit)
            again = "reload" if pending == "reload" and now.running else "restart"
            complaint = self._bring_up(again, good["generation"], now)
        except OSError as error:
            complaint = str(error)
        if complaint:
            return f"{name} could not be put back: {self.redact(complaint)}."
        self.record.update(pending="none", reload_hash=good["reload_hash"])
        records.save(self.name, self.record)
        return f"{name} was put back and serves."

    # Removal

    def remove(self) -> bool:
        """Remove all but the data, and the data too with ``purge_data``; true if there was any."""
        now = systemd.status(self.unit)
        data = os.path.join(STATE, self.name)
        purge = self.params["purge_data"] and (os.path.exists(data) or self._user_exists())
        ours = os.path.join(records.RECORDS, self.name)
        there = now.running or any(map(os.path.lexists, [self.unit_path, self.config_dir, ours]))
        if self.check_mode or not (there or purge):
            return bool(there or purge)
        if os.path.exists(self.unit_path):
            systemd.systemctl("stop", self.unit)
        for link in [*self._links(), self.unit_path]:
            if os.path.lexists(link):
                os.unlink(link)
        systemd.systemctl("daemon-reload")
        subprocess.run(["systemctl", "reset-failed", self.unit], capture_output=True, check=False)
        for path, block in self.record["files"]:
            disk.remove(path, block, self.label)
        shutil.rmtree(self.config_dir, ignore_errors=True)
        others = records.others(self.name)
        kept = [other[key] for other in others for key in ("root", "previous_root") if other[key]]
        for root in {self.record["root"], self.record["previous_root"]} - {""}:
            programs.prune(root, kept)
        used = {name for other in others for name in other["packages"]}
        packages = [name for name in self.record["packages"] if name not in used]
        if packages:
            programs.remove_packages(packages, self.record["package_units"])
        shutil.rmtree(ours, ignore_errors=True)
        if self.params["purge_data"]:
            shutil.rmtree(data, ignore_errors=True)
            if self._user_exists():
                subprocess.run(["userdel", self.user], capture_output=True, check=False)
        return True

    # Secrets

    def redact(self, text: str) -> str:
        """Blank out secret values, and the words inside of secret files that could be one."""
        for content in self.secrets.values():
            words = {content.strip(), *re.split(r"[\s\"',=:{}\[\]]+", content)}
            for word in sorted(words, key=len, reverse=True):
                if len(word) >= 8 and "/" not in word:
                    text = text.replace(word, "********")
        return text
