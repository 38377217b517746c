# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's part of meridian.metrics.daemon: bring the right program, then run the module."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases

_ARCHIVE_KEYS = {field.name for field in dataclasses.fields(releases.Archive)} - {"version"}


def _merged(entry: Any, overrides: dict[str, Any] | None, keys: set[str]) -> dict[str, Any]:
    """The release list's entry as a dict, with what the task states instead."""
    known = {key: getattr(entry, key) for key in keys} if entry else {}
    return {
        **known,
        **{key: value for key, value in (overrides or {}).items() if value is not None},
    }


class ActionModule(ActionBase):  # type: ignore[misc]
    """Resolve the release, keep secrets apart, transfer the program where the host lacks it."""

    TRANSFERS_FILES = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the module once; a second time, with the program, where it asks for it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        args: dict[str, Any] = dict(self._task.args)
        try:
            self._stop_if_roll_failed(args)
            module_args = self._module_args(args)
            done = self._module(module_args, task_vars)
            if done.pop("needs_program", False):
                payload = self._bring_program(args, module_args, done.pop("machine"))
                done = self._module({**module_args, "payload": payload}, task_vars)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if done.get("failed"):
            self._remember_failure(args, task_vars or {})
        result.update(done)
        return result

    def _module(
        self, module_args: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(
            module_name="meridian.metrics.daemon", module_args=module_args, task_vars=task_vars
        )
        return done

    # Arguments

    def _module_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """The task's arguments with the release resolved and the secrets moved apart."""
        source = args.get("source") or "archive"
        entry = self._component(args)
        wanted = {key: value for key, value in args.items() if value not in ("", {}, None)}
        if source == "archive" and args.get("state") != "absent":
            archive = self._archive(args, entry)
            wanted["version"] = args.get("version") or archive["version"]
            del archive["version"]
            wanted["archive"] = archive
        if source == "package":
            known = entry.package if entry else None
            wanted["package"] = _merged(known, args.get("package"), {"names", "program", "units"})
            if args.get("state") != "absent" and not wanted["package"].get("names"):
                raise ValueError(
                    f"'{self._release(args)}' has no package in the release list; "
                    "use source 'archive', or state package.names, package.program and package.units"
                )
        secrets, files = {}, []
        for file in args.get("files") or []:
            if isinstance(file, dict) and file.get("secret") is True:
                secrets[file.get("path")] = file.get("content") or ""
                file = {key: value for key, value in file.items() if key != "content"}
            files.append(file)
        wanted.update(files=files, secrets=secrets)
        return wanted

    @staticmethod
    def _release(args: dict[str, Any]) -> str:
        return str(args.get("release") or args.get("name"))

    def _component(self, args: dict[str, Any]) -> releases.Component | None:
        """The release list's entry; None where the task spells everything out itself."""
        name = self._release(args)
        if name in releases.COMPONENTS or args.get("release"):
            return releases.component(name)
        return None

    def _archive(self, args: dict[str, Any], entry: releases.Component | None) -> dict[str, Any]:
        known = entry.archive if entry else None
        archive = _merged(known, args.get("archive"), _ARCHIVE_KEYS)
        archive.setdefault("program", entry.program if entry else None)
        archive["version"] = args.get("version") or (known.version if known else None)
        archive["sha256"] = dict(archive.get("sha256") or {})
        archive["architectures"] = list(archive.get("architectures") or ["amd64", "arm64"])
        archive["tree"] = bool(archive.get("tree"))
        missing = [
            key
            for key in ("name", "version", "file", "url", "checksums", "program")
            if not archive.get(key)
        ]
        if missing:
            raise ValueError(
                f"the archive of '{self._release(args)}' lacks {', '.join(missing)}: it is not in the "
                "release list, so the task has to state them"
            )
        return archive

    # The program

    def _bring_program(
        self, args: dict[str, Any], module_args: dict[str, Any], machine: str
    ) -> dict[str, Any]:
        """Get the archive on the controller and send what the host lacks of it."""
        # Imported here: every worker process pays for imports, and few bring a program.
        from ansible_collections.meridian.metrics.plugins.plugin_utils import (  # noqa: PLC0415
            archives,
        )

        stated = dict(module_args["archive"])
        program, tree = stated.pop("program"), stated["tree"]
        stated["architectures"] = tuple(stated["architectures"])
        version = str(module_args["version"])
        payload = archives.obtain(
            releases.Archive(version=version, **stated),
            None if tree else program,
            version=version,
            arch=archives.arch_of(machine),
            archive_dir=Path(args.get("archive_dir") or "~/.cache/meridian/archives").expanduser(),
            mirror=args.get("mirror") or None,
        )
        if program not in payload.files:
            raise ValueError(f"the archive {stated['file']} holds no program '{program}'")
        folder = self._connection._shell.tmpdir or self._make_tmp_path()
        remote = self._connection._shell.join_path(folder, payload.path.name)
        self._transfer_file(str(payload.path), remote)
        self._fixup_perms2((folder, remote))
        return {
            "path": remote,
            "files": dict(payload.files),
            "archive_sha256": payload.archive_sha256,
        }

    # Rolling: hosts activate one after another, and the first failure ends the roll. Ansible itself
    # would go on with the other hosts of the task; the folder is this playbook run's own.

    @staticmethod
    def _failure_file(args: dict[str, Any]) -> Path:
        return Path(C.DEFAULT_LOCAL_TMP) / f"meridian-roll-failed-{args.get('name')}"

    def _remember_failure(self, args: dict[str, Any], task_vars: dict[str, Any]) -> None:
        if args.get("state", "started") == "started":
            self._failure_file(args).write_text(
                json.dumps(str(task_vars.get("inventory_hostname"))), encoding="utf-8"
            )

    def _stop_if_roll_failed(self, args: dict[str, Any]) -> None:
        file = self._failure_file(args)
        if args.get("state", "started") == "started" and file.exists():
            host = json.loads(file.read_text(encoding="utf-8"))
            raise AnsibleActionFail(
                f"{args.get('name')}: the roll stopped at {host}; this host was not touched and still "
                f"runs what it ran. Mend what failed on {host} and run again."
            )
