# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's part of meridian.metrics.daemon: bring the program, then run the module."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases

_ARCHIVE_KEYS = {field.name for field in dataclasses.fields(releases.Archive)} - {"version"}
# A shorter text is in many arguments by chance.
_SHORTEST_SECRET = 6


def _merged(
    place: str, entry: Any, overrides: dict[str, Any] | None, keys: set[str]
) -> dict[str, Any]:
    """The release list's entry as a dict, with what the task states instead."""
    if not isinstance(overrides or {}, Mapping):
        raise ValueError(f"{place} is no dictionary")
    known = {key: getattr(entry, key) for key in keys} if entry else {}
    return {
        **known,
        **{key: value for key, value in (overrides or {}).items() if value is not None},
    }


def _without_secrets(files: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The declared files without their secret texts, and these by path."""
    if not isinstance(files, list) or not all(isinstance(file, Mapping) for file in files):
        raise ValueError("files is no list of dictionaries")
    public, secrets = [], {}
    for file in files:
        held = dict(file)
        if boolean(held.get("secret") or False):
            secrets[str(held.get("path"))] = str(held.pop("content", None) or "")
        public.append(held)
    return public, secrets


def _words(value: Any) -> list[str]:
    """All texts inside of nested arguments."""
    if isinstance(value, Mapping):
        return [word for item in value.values() for word in _words(item)]
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in _words(item)]
    return [str(value)]


def _refuse_public_secrets(args: dict[str, Any], secrets: dict[str, str]) -> None:
    """Refuse a secret in what every user of the host can read, before anything logs it."""
    for place in ("args", "environment", "unit"):
        words = _words(args.get(place))
        for path, content in secrets.items():
            secret = content.strip()
            if len(secret) >= _SHORTEST_SECRET and any(secret in word for word in words):
                raise ValueError(
                    f"{args.get('name')}: the content of the secret file {path} is also in "
                    f"{place}, which every user of the host can read; "
                    "give the program the file's path instead"
                )


class ActionModule(ActionBase):  # type: ignore[misc,unused-ignore]
    """Resolve the release, keep secrets apart, transfer the program where the host lacks it."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the module once; a second time, with the program, where it asks for it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args: dict[str, Any] = dict(self._task.args)
        host = str((task_vars or {}).get("inventory_hostname"))
        try:
            self._stop_if_roll_failed(args, host)
            module_args = self._module_args(args)
            done = self._module(module_args, task_vars)
            if done.pop("needs_program", False):
                payload = self._bring_program(args, module_args, done.pop("machine"))
                done = self._module({**module_args, "payload": payload}, task_vars)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        except AnsibleConnectionFailure:
            self._remember(args, host, failed=True)
            raise
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        self._remember(args, host, failed=bool(done.get("failed")))
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
            package = _merged("package", known, args.get("package"), {"names", "program", "units"})
            if args.get("state") != "absent" and not (
                package.get("names") and package.get("program")
            ):
                raise ValueError(
                    f"'{self._release(args)}' has no package in the release list; use source "
                    "'archive', or state package.names, package.program and package.units"
                )
            wanted["package"] = package
        wanted["files"], wanted["secrets"] = _without_secrets(args.get("files") or [])
        _refuse_public_secrets(args, wanted["secrets"])
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
        archive = _merged("archive", known, args.get("archive"), _ARCHIVE_KEYS)
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
                f"the archive of '{self._release(args)}' lacks {', '.join(missing)}: it is not in "
                "the release list, so the task has to state them"
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
        self._fixup_perms2((folder, remote), execute=False)
        return {
            "path": remote,
            "files": dict(payload.files),
            "archive_sha256": payload.archive_sha256,
        }

    # Rolling: hosts activate one after another, and the first failure ends the roll. Ansible itself
    # would go on with the other hosts of the task; the folder is this playbook run's own.

    @staticmethod
    def _failure_file(args: dict[str, Any]) -> Path:
        return Path(constants.DEFAULT_LOCAL_TMP) / f"meridian-roll-failed-{args.get('name')}"

    def _remember(self, args: dict[str, Any], host: str, *, failed: bool) -> None:
        """Leave word for the hosts that come next; a retry that succeeds takes it back."""
        if (args.get("state") or "started") != "started":
            return
        file = self._failure_file(args)
        if failed:
            file.write_text(json.dumps(host), encoding="utf-8")
        else:
            file.unlink(missing_ok=True)

    def _stop_if_roll_failed(self, args: dict[str, Any], host: str) -> None:
        file = self._failure_file(args)
        if (args.get("state") or "started") != "started" or not file.exists():
            return
        failed = json.loads(file.read_text(encoding="utf-8"))
        if failed != host:
            raise AnsibleActionFail(
                f"{args.get('name')}: the roll stopped at {failed}; this host was not touched and "
                f"still runs what it ran. Mend what failed on {failed} and run again."
            )
