# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders of dashboards on the controller, checked and made into files of Grafana's host.

Grafana only logs a dashboard that it cannot read, and lets one of two with the same uid overwrite
the other for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

DASHBOARDS = "dashboards"
_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class DashboardError(ValueError):
    """A dashboard that Grafana would not show; the message names its file and the fix."""


def dashboard_files(folders: Mapping[str, Path]) -> list[dict[str, object]]:
    """Return the ``.json`` files of ``folders`` as the daemon takes them.

    ``folders`` are folders on the controller by the name that each gets on the host, below
    ``dashboards/``. Raises DashboardError, which tells every problem at once.
    """
    problems: list[str] = []
    files: list[dict[str, object]] = []
    seen: dict[str, Path] = {}
    for name, folder in folders.items():
        paths = sorted(path for path in folder.glob("*.json") if path.is_file())
        if not paths:
            problems.append(_nothing(folder))
        for path in paths:
            try:
                text = path.read_text(encoding="utf-8")
                uid = _uid(text)
            except (OSError, ValueError) as error:
                problems.append(f"dashboard {path} {_reason(error)}")
                continue
            if uid in seen:
                problems.append(
                    f"dashboard {path} has the uid '{uid}' of {seen[uid]}; each needs its own"
                )
            seen.setdefault(uid, path)
            # Grafana looks at the folder itself, every few seconds.
            target = f"{DASHBOARDS}/{name}/{path.name}"
            files.append({"path": target, "content": text, "on_change": "none"})
    if problems:
        raise DashboardError("; ".join(problems))
    return files


def _nothing(folder: Path) -> str:
    if not folder.is_dir():
        return f"the folder of dashboards {folder} does not exist on the controller"
    return (
        f"the folder of dashboards {folder} holds no .json file; "
        "put one there, or leave grafana_dashboards_dir empty"
    )


def _uid(text: str) -> str:
    """Return a dashboard's uid; raises ValueError that says what is wrong with the dashboard."""
    dashboard = json.loads(text)
    if isinstance(dashboard, dict) and isinstance(dashboard.get("dashboard"), dict):
        raise ValueError("is an answer of the API; keep what stands below its key 'dashboard'")
    if not isinstance(dashboard, dict) or not str(dashboard.get("title") or "").strip():
        raise ValueError("has no title; export the dashboard as JSON from its settings page")
    uid = dashboard.get("uid")
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise ValueError(
            f"has the uid {json.dumps(uid)}; write one of letters, digits, '_' and '-', at most 40"
        )
    return uid


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return "is not JSON: it is no UTF-8 text"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return str(error)
