# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a daemon in place on this host, beside what runs: program, user, files and unit.

Nothing running is touched. What a running process is owed is on record before the first file.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Callable, NamedTuple

from ansible_collections.meridian.metrics.plugins.module_utils import (
    files as disk,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    program as programs,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    record as records,
)
from ansible_collections.meridian.metrics.plugins.module_utils import (
    sources,
)
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import (
    CONFIG,
    UNITS,
    Declaration,
    Failure,
)
from ansible_collections.meridian.metrics.plugins.module_utils.files import Write
from ansible_collections.meridian.metrics.plugins.module_utils.sources import Program
from ansible_collections.meridian.metrics.plugins.module_utils.unit import with_generation


class Staged(NamedTuple):
    """What is, or in check mode would be, in place, and whether that is a change."""

    program: Program
    unit_text: str
    generation: str
    changed: bool


class Staging(Declaration):
    """A declared daemon on this host. ``label`` restores the security context of a path."""

    def __init__(
        self, params: Mapping[str, Any], *, check_mode: bool, label: Callable[[str], Any]
    ) -> None:
        super().__init__(params)
        self.check_mode = check_mode
        self.label = label
        self.record = records.load(self.name)
        self.record["salt"] = self.record["salt"] or os.urandom(16).hex()
        self.diff: list[dict[str, str]] = []
        if self._user_exists():
            disk.ids_of("root", self.user)  # a user without a group of its name is refused

    # The program

    def _find_program(self) -> Program:
        source, check_mode = self.params["source"], self.check_mode
        if source == "archive":
            return sources.from_archive(self.params, check_mode=check_mode)
        version = self._packages() if self.params["package"] else ""
        if source == "package":
            return sources.from_package(self.params, version, check_mode=check_mode)
        return sources.from_files(self.params, self.files, version, check_mode=check_mode)

    def _packages(self) -> str:
        """Bring the packages to the host; the installed version of the first, '' if unknown."""
        package = self.params["package"]
        names, units, wanted = package["names"], package["units"] or [], self.params["version"]
        found = programs.package_versions(names)
        missing = [name for name in names if name not in found]
        outdated = missing or (wanted and found[names[0]] != wanted)
        unmasked = programs.unmasked(units)
        if outdated:
            after = {**dict.fromkeys(missing, "(newest)"), **({names[0]: wanted} if wanted else {})}
            self._describe_change(
                "packages",
                "".join(f"{name} {found.get(name, '(none)')}\n" for name in after),
                "".join(f"{name} {version}\n" for name, version in after.items()),
            )
        if unmasked:
            self._describe_change("units", "".join(f"{unit}\n" for unit in unmasked), "")
        if self.check_mode:
            return wanted or found.get(names[0], "")
        # Ours to remove again: what was missing here, or what another daemon brought.
        others = [records.load(other) for other in records.others(self.name)]
        brought = {name for other in others for name in other["packages"]}
        ours = sorted({*self.record["packages"], *missing, *(brought & set(names))})
        masked = sorted({*self.record["package_units"], *units})
        if [ours, masked] != [self.record["packages"], self.record["package_units"]]:
            self.record.update(packages=ours, package_units=masked)
            records.save(self.name, self.record)
        if unmasked:
            programs.mask(units)
        if outdated:
            found = programs.install_packages(names, wanted or "")
        return found[names[0]]

    # Staging

    def _links_on_disk(self) -> set[str]:
        return set(glob.glob(os.path.join(glob.escape(UNITS), "*", self.unit)))

    def _links_wrong(self) -> bool:
        found = self._links_on_disk()
        return found != self.links() or any(
            os.path.realpath(link) != self.unit_path for link in found
        )

    def _user_exists(self) -> bool:
        try:
            pwd.getpwnam(self.user)
        except KeyError:
            return False
        return True

    def _add_user(self) -> None:
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", self.state_dir, "--shell", "/usr/sbin/nologin", self.user]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
        except FileNotFoundError:
            raise Failure(
                f"this host has no useradd; make the system user '{self.user}' yourself"
            ) from None
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip()
            raise Failure(f"cannot make the system user '{self.user}': {said}")

    def _made_user(self) -> bool:
        """Whether the user exists and is ours: its home is the data's folder."""
        return self._user_exists() and pwd.getpwnam(self.user).pw_dir == self.state_dir

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
        with disk.about(self.config_dir):
            os.makedirs(self.config_dir, mode=0o750, exist_ok=True)
            os.chmod(CONFIG, 0o755)
            os.chown(self.config_dir, 0, pwd.getpwnam(self.user).pw_gid)
            os.chmod(self.config_dir, 0o750)
        self.label(self.config_dir)

    def _stale(self) -> list[list[str | None]]:
        """Managed files, as [path, block], that are no longer declared."""
        declared = [[file.path, file.block] for file in self.files]
        return [managed for managed in self.record["files"] if managed not in declared]

    def stage(self) -> Staged:
        """Put program, unit and files in place; nothing running is touched."""
        program = self._find_program()
        try:
            return self._stage(program)
        finally:
            if program.folder:
                shutil.rmtree(program.folder, ignore_errors=True)

    def _stage(self, program: Program) -> Staged:
        bare_unit = self.unit_text(program.path)
        generation = self.generation(bare_unit, program.sha256, self.record["salt"])
        unit_text = with_generation(bare_unit, generation)
        changes = [change for change in map(disk.compare, self.files) if change]
        old_unit = disk.read_text(self.unit_path)
        new_program = bool(program.folder) or not program.sha256
        if changes or new_program or old_unit != unit_text:
            self._validate(program)
        self._describe(changes, program, old_unit, unit_text)
        # Text that differs: the process may have read it, even if its generation says otherwise.
        levels = {change.file.on_change for change in changes if change.before != change.after}
        if new_program or old_unit != unit_text or "restart" in levels:
            self.record["pending"] = "restart"
        elif "reload" in levels and self.record["pending"] == "none":
            self.record["pending"] = "reload"
        changed = bool(
            self.diff
            or self._links_wrong()
            or not self._user_exists()
            or self._config_dir_wrong()
            or self.record["root"] != program.root
        )
        staged = Staged(program, unit_text, generation, changed)
        if changed and not self.check_mode:
            self._put_in_place(staged, changes, unit_is_new=old_unit != unit_text)
        return staged

    def _put_in_place(
        self, staged: Staged, changes: list[disk.Change], *, unit_is_new: bool
    ) -> None:
        """Program, files and unit. What is owed for them is on record before the first of them."""
        stale = self._stale()
        managed = [[file.path, file.block] for file in self.files]
        self.record["files"] = managed + stale
        records.save(self.name, self.record)
        if not self._user_exists():
            self._add_user()
        self._make_config_dir()
        program = staged.program
        if program.folder:
            programs.install(
                program.folder, program.root, program.files, program.archive_sha256, self.label
            )
        writes = [disk.to_write(change) for change in changes]
        if unit_is_new:
            writes.append(Write(self.unit_path, staged.unit_text.encode(), 0o644))
        disk.write_all(writes, self.label)
        for path, block in stale:
            disk.remove(str(path), block, self.label)
        self._enable()
        self.record.update(files=managed, root=program.root)
        records.save(self.name, self.record)

    def _enable(self) -> None:
        """Let the links be those that the unit declares."""
        wanted = self.links()
        for link in self._links_on_disk() - wanted:
            os.unlink(link)
        for link in wanted:
            if os.path.realpath(link) != self.unit_path or not os.path.islink(link):
                with disk.about(link):
                    os.makedirs(os.path.dirname(link), exist_ok=True)
                    if os.path.lexists(link):
                        os.unlink(link)
                    os.symlink(os.path.join("..", self.unit), link)

    def _disable(self) -> None:
        for link in self._links_on_disk():
            os.unlink(link)

    def _validate(self, program: Program) -> None:
        if not os.path.isfile(program.path_for_checks) and self.check_mode:
            return  # A bare host has nothing to check with yet.
        from ansible_collections.meridian.metrics.plugins.module_utils import (  # noqa: PLC0415
            validation,
        )

        own = next((file for file in self.files if file.path == program.path), None)
        usual = nullcontext(program.path_for_checks)
        with programs.runnable(own.content) if own else usual as path:
            complaint = validation.check(
                self.files,
                config_dir=self.config_dir,
                program=path,
                args=self.args,
                user=self.user,
                check_args=self.params["check_args"],
            )
        if complaint:
            raise Failure(self.redact(complaint))

    def _describe_change(self, what: str, before: str, after: str) -> None:
        self.diff.append(
            {"before_header": what, "after_header": what, "before": before, "after": after}
        )

    def _describe(
        self, changes: list[disk.Change], program: Program, old_unit: str | None, unit_text: str
    ) -> None:
        """Add to the diff; whatever is a change to the text of something is in it."""
        if program.folder or not program.sha256:
            self._describe_change(program.path, "", f"program, version {program.version}\n")
        self.diff.extend(map(disk.diff_of, changes))
        for path, block in self._stale():
            self._describe_change(str(path), f"managed block {block}\n" if block else "file\n", "")
        if old_unit != unit_text:
            self._describe_change(self.unit_path, old_unit or "", unit_text)
