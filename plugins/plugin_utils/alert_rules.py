# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule files of a vmalert: the collection's, fitted to a site, and the site's own."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

SHIPPED = Path(__file__).parents[2] / "roles" / "vmalert" / "files" / "rules"
SUFFIXES = (".yml", ".yaml")


class RuleError(ValueError):
    """What is asked for cannot be had. The message names the value, the place and the fix."""


def rule_files(
    *, rules_dir: str, disabled: Sequence[str], runbook_url: str, shipped: Path = SHIPPED
) -> list[dict[str, str]]:
    """Return every rule file as `path`, below `rules`, and `content`.

    The files of `shipped` lose the `disabled` rules, and their alerts get a `runbook_url`, which
    starts with the given one. The files of `rules_dir`, if it is not empty, go into
    `rules/own` as they are. Raises RuleError.
    """
    documents = {path.name: yaml.safe_load(path.read_text()) for path in _files(shipped)}
    known = {_name(rule) for groups in documents.values() for rule in _rules(groups)}
    for name in disabled:
        if name not in known:
            raise RuleError(_unknown(name, known))
    files = []
    for name, document in documents.items():
        groups = [_fitted(group, disabled, runbook_url) for group in document["groups"]]
        if any(group["rules"] for group in groups):
            text = yaml.safe_dump({"groups": groups}, sort_keys=False, width=120)
            files.append({"path": f"rules/{name}", "content": text})
    return files + [
        {"path": f"rules/own/{path.name}", "content": _text(path)} for path in _own(rules_dir)
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def _rules(document: Any) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"]]


def _name(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def _unknown(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0)
    return (
        f"vmalert_disabled_rules has '{name}', which is no rule of the collection; "
        f"the nearest one is '{near[0]}'"
    )


def _fitted(group: dict[str, Any], disabled: Sequence[str], runbook_url: str) -> dict[str, Any]:
    rules = [rule for rule in group["rules"] if _name(rule) not in disabled]
    base = runbook_url.rstrip("/")
    return {
        **group,
        "rules": [
            {
                **rule,
                "annotations": {
                    **rule["annotations"],
                    "runbook_url": f"{base}/{rule['alert']}.md",
                },
            }
            if "alert" in rule
            else rule
            for rule in rules
        ],
    }


def _own(rules_dir: str) -> list[Path]:
    if not rules_dir:
        return []
    folder = Path(rules_dir).expanduser()
    if not folder.is_absolute():
        raise RuleError(
            f"vmalert_rules_dir '{rules_dir}' is no absolute path; write one, such as "
            "'{{ inventory_dir }}/rules'"
        )
    if not folder.exists():
        raise RuleError(
            f"vmalert_rules_dir '{rules_dir}' does not exist on the controller; make the folder, "
            "or leave the variable empty"
        )
    if not folder.is_dir():
        raise RuleError(f"vmalert_rules_dir '{rules_dir}' is no folder; name the one it is in")
    try:
        return _files(folder)
    except OSError as error:
        raise RuleError(
            f"vmalert_rules_dir '{rules_dir}' cannot be read: {error.strerror}"
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RuleError(f"the rule file '{path}' cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RuleError(
            f"the rule file '{path}' is no UTF-8 text at byte {error.start}; save it as UTF-8"
        ) from error
