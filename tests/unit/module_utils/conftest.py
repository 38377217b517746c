"""A host in a folder, and daemons on it, for what needs no systemd."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import (
    declaration,
    files,
    lifecycle,
    program,
    record,
    staging,
)
from ansible_collections.meridian.metrics.plugins.module_utils.lifecycle import Daemon

Make = Callable[..., Daemon]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for a host's root, where everyone is the user who runs the tests."""
    for module, name in (
        (declaration, "CONFIG"),
        (declaration, "STATE"),
        (declaration, "UNITS"),
        (lifecycle, "CONFIG"),
        (staging, "CONFIG"),
        (staging, "UNITS"),
        (program, "PROGRAMS"),
        (record, "RECORDS"),
    ):
        monkeypatch.setattr(module, name, f"{tmp_path}{getattr(module, name)}")
    monkeypatch.setattr(files, "ids_of", lambda _owner, _group: (os.getuid(), os.getgid()))
    monkeypatch.setattr(Daemon, "_user_exists", lambda _self: True)
    monkeypatch.setattr(Daemon, "_make_config_dir", make_config_dir)
    monkeypatch.setattr(
        Daemon, "_config_dir_wrong", lambda self: not Path(self.config_dir).exists()
    )
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    return tmp_path


def make_config_dir(self: Daemon) -> None:
    Path(self.config_dir).mkdir(parents=True, exist_ok=True)
    self.label(self.config_dir)


@pytest.fixture
def make(host: Path) -> Make:
    """Make a daemon whose program is already on the host; the paths it labels are in `labelled`."""
    (host / "program").write_text("#!/bin/sh\n")

    def daemon(*, check_mode: bool = False, **changes: Any) -> Daemon:
        params: dict[str, Any] = {
            "name": "testd",
            "user": None,
            "source": "files",
            "program": str(host / "program"),
            "package": None,
            "version": None,
            "subcommand": None,
            "args": {},
            "arg_style": "go",
            "check_args": [],
            "environment": {},
            "files": [],
            "secrets": {},
            "unit": {},
            "ready": {"url": None, "status": 200, "body": None, "timeout": 60},
            "reload": None,
            "state": "started",
            "gate": None,
            "payload": None,
            "purge_data": False,
        }
        labelled: list[str] = []
        made = Daemon({**params, **changes}, check_mode=check_mode, label=labelled.append)
        made.labelled = labelled  # type: ignore[attr-defined]
        return made

    return daemon
