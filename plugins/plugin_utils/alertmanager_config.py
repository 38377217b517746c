# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alertmanager's whole configuration from the role's variables: who is told of which alert."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_receivers import (
    NOBODY,
    listed,
    mapping,
    receivers,
    smtp_settings,
    unknown,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import ENVIRONMENTS

TEMPLATES_DIR = "/etc/meridian/alertmanager/templates"
# The alert that always fires: as long as it arrives somewhere, alerting works.
WATCHDOG = "Watchdog"
# How often it is looked whether the next heartbeat is due.
_HEARTBEAT_CHECK = "10s"

_DURATION = re.compile(r"([0-9]+(ms|[smhdwy]))+")
_ROUTE_KEYS = (
    "active_time_intervals",
    "continue",
    "group_by",
    "group_interval",
    "group_wait",
    "match",
    "match_re",
    "matchers",
    "mute_time_intervals",
    "receiver",
    "repeat_interval",
    "routes",
)


def alertmanager_config(
    declared: Mapping[str, object],
    *,
    default_receiver: str = "",
    env_receivers: Mapping[str, object] | None = None,
    routes: Sequence[object] = (),
    heartbeat_receiver: str = "",
    heartbeat_interval: str = "1m",
    grouping: Mapping[str, object] | None = None,
    inhibit_rules: Sequence[object] = (),
    time_intervals: Sequence[object] = (),
    smtp: Mapping[str, object] | None = None,
    templates: bool = False,
) -> dict[str, object]:
    """Return `config`, Alertmanager's configuration, and `files`, the secrets that it names.

    ``declared`` are the receivers by name. ``grouping`` holds group_by, group_wait, group_interval
    and repeat_interval. Raises ValueError, which names the variable, the value and the fix, and
    no secret.
    """
    server = mapping("alertmanager_smtp", smtp or {})
    mail = smtp_settings(server)
    made = list(receivers(mapping("alertmanager_receivers", declared), server))
    names = [f"{one.config['name']}" for one in made]
    known = [*names, NOBODY]
    intervals = _interval_names(time_intervals)
    root = _default(default_receiver, names)
    own = [
        _route(f"alertmanager_routes[{index}]", route, known, intervals)
        for index, route in enumerate(listed("alertmanager_routes", routes))
    ]
    config: dict[str, object] = {
        **({"global": mail.config} if mail.config else {}),
        **({"templates": [f"{TEMPLATES_DIR}/*.tmpl"]} if templates else {}),
        "route": {
            "receiver": root,
            **_grouping(grouping or {}),
            "routes": [
                _heartbeat(heartbeat_receiver, heartbeat_interval, known),
                *own,
                *_by_env(env_receivers or {}, known),
            ],
        },
        "inhibit_rules": list(listed("alertmanager_inhibit_rules", inhibit_rules)),
        **({"time_intervals": list(time_intervals)} if time_intervals else {}),
        "receivers": [*(one.config for one in made), {"name": NOBODY}],
    }
    secrets = {path: text for one in (mail, *made) for path, text in one.secrets.items()}
    return {
        "config": config,
        "files": [
            # Alertmanager reads it again for every notification.
            {"path": path, "content": text, "secret": True, "on_change": "none"}
            for path, text in secrets.items()
        ],
    }


def template_files(folder: str) -> list[dict[str, str]]:
    """The templates of a folder on the controller as files of the daemon, none for ''.

    Raises ValueError where there is no such folder, or no template in it.
    """
    if not folder:
        return []
    path = Path(folder).expanduser()
    place = f"alertmanager_templates_dir '{folder}'"
    if not path.is_dir():
        raise ValueError(f"{place} is no folder on the controller; write the path of one, or ''")
    found = sorted(path.glob("*.tmpl"))
    if not found:
        raise ValueError(f"{place} holds no *.tmpl file; put templates there, or write ''")
    return [
        {
            "path": f"{TEMPLATES_DIR}/{each.name}",
            "content": each.read_text(encoding="utf-8"),
            "on_change": "reload",
        }
        for each in found
    ]


def _default(stated: str, names: Sequence[str]) -> str:
    """The receiver of what no route takes: the stated one, or the only one there is."""
    if stated:
        return _known("alertmanager_default_receiver", stated, [*names, NOBODY])
    if len(names) > 1:
        raise ValueError(
            "alertmanager_default_receiver is empty, and there is more than one receiver; write "
            f"one of: {', '.join([*names, NOBODY])}"
        )
    return names[0] if names else NOBODY


def _known(place: str, receiver: object, known: Sequence[str]) -> str:
    if receiver not in known:
        raise ValueError(
            f"{place} is the unknown receiver '{receiver}'; write one of: {', '.join(known)}; or "
            "add it to alertmanager_receivers"
        )
    return f"{receiver}"


def _by_env(by_env: Mapping[str, object], known: Sequence[str]) -> list[dict[str, object]]:
    for env in mapping("alertmanager_env_receivers", by_env):
        if env not in ENVIRONMENTS:
            raise ValueError(
                f"alertmanager_env_receivers has the unknown env '{env}'; write one of: "
                f"{', '.join(ENVIRONMENTS)}"
            )
    return [
        {
            "matchers": [f'env="{env}"'],
            "receiver": _known(f"alertmanager_env_receivers['{env}']", by_env[env], known),
        }
        for env in ENVIRONMENTS
        if env in by_env
    ]


def _heartbeat(receiver: str, interval: str, known: Sequence[str]) -> dict[str, object]:
    """The route of the alert that always fires; without a receiver it bothers nobody."""
    route: dict[str, object] = {
        "matchers": [f'alertname="{WATCHDOG}"'],
        "receiver": _known("alertmanager_heartbeat_receiver", receiver or NOBODY, known),
    }
    if receiver:
        route |= {
            "group_wait": "0s",
            "group_interval": _HEARTBEAT_CHECK,
            "repeat_interval": _duration("alertmanager_heartbeat_interval", interval),
        }
    return route


def _grouping(grouping: Mapping[str, object]) -> dict[str, object]:
    return {
        name: list(listed(f"alertmanager_{name}", value))
        if name == "group_by"
        else _duration(f"alertmanager_{name}", value)
        for name, value in grouping.items()
    }


def _duration(place: str, value: object) -> str:
    if not _DURATION.fullmatch(f"{value}"):
        raise ValueError(f"{place} is '{value}', which is no duration; write one such as 30s or 4h")
    return f"{value}"


def _interval_names(intervals: Sequence[object]) -> list[str]:
    names = []
    for index, interval in enumerate(listed("alertmanager_time_intervals", intervals)):
        place = f"alertmanager_time_intervals[{index}]"
        name = mapping(place, interval).get("name")
        if not name:
            raise ValueError(f"{place} has no name; write the one that routes refer to")
        names.append(f"{name}")
    return names


def _route(
    place: str, route: object, known: Sequence[str], intervals: Sequence[str]
) -> dict[str, object]:
    """Check an operator's own route, and the ones below it; it is passed on as it is."""
    made = dict(mapping(place, route))
    for key in made:
        if key not in _ROUTE_KEYS:
            raise unknown(place, key, _ROUTE_KEYS)
    if made.get("receiver") is not None:
        made["receiver"] = _known(f"receiver of {place}", made["receiver"], known)
    for key in ("group_wait", "group_interval", "repeat_interval"):
        if key in made:
            made[key] = _duration(f"{key} of {place}", made[key])
    for key in ("active_time_intervals", "mute_time_intervals"):
        for name in listed(f"{key} of {place}", made.get(key) or []):
            if name not in intervals:
                raise ValueError(
                    f"{key} of {place} has the unknown time interval '{name}'; add it to "
                    "alertmanager_time_intervals"
                )
    if "routes" in made:
        inner = enumerate(listed(f"routes of {place}", made["routes"]))
        made["routes"] = [
            _route(f"{place}.routes[{index}]", each, known, intervals) for index, each in inner
        ]
    return made
