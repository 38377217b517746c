# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the receivers and routes of an inventory, found before a host is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_config import (
    alertmanager_config,
    template_files,
)

_SETTINGS = (
    "default_receiver",
    "env_receivers",
    "heartbeat_interval",
    "heartbeat_receiver",
    "inhibit_rules",
    "routes",
    "smtp",
    "time_intervals",
)
_GROUPING = ("group_by", "group_interval", "group_wait", "repeat_interval")


def alertmanager_problems(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    *,
    unreadable: tuple[type[Exception], ...] = (),
) -> list[str]:
    """Return the first problem of each Alertmanager's configuration, each once, with its hosts.

    A value that raises one of ``unreadable`` depends on the role's own variables, and is left to
    the role.
    """
    hosts_by_problem: dict[str, list[str]] = {}
    for host in sorted(f"{host}" for host in groups.get("alertmanager", ())):
        try:
            problem = _problem(hostvars[host])
        except unreadable:
            continue
        if problem:
            hosts_by_problem.setdefault(problem, []).append(host)
    return [
        f"{problem} (host '{hosts[0]}'{f' and {len(hosts) - 1} more' if hosts[1:] else ''})"
        for problem, hosts in hosts_by_problem.items()
    ]


def _problem(variables: Mapping[str, Any]) -> str:
    def stated(names: Sequence[str]) -> dict[str, Any]:
        given = {name: f"alertmanager_{name}" for name in names}
        return {name: variables[given[name]] for name in names if given[name] in variables}

    receivers = stated(("receivers",)).get("receivers", {})
    settings, grouping = stated(_SETTINGS), stated(_GROUPING)
    folder = stated(("templates_dir",)).get("templates_dir", "")
    try:
        alertmanager_config(receivers, grouping=grouping, **settings)
        template_files(f"{folder}")
    except ValueError as error:
        return f"{error}"
    return ""


def problems_filter(
    unreadable: tuple[type[Exception], ...],
) -> Callable[[Mapping[str, Sequence[str]], Mapping[str, Mapping[str, Any]]], list[str]]:
    """Make the filter; the exceptions are Ansible's for a variable that is not defined here."""

    def filter_groups(
        groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Mapping[str, Any]]
    ) -> list[str]:
        return alertmanager_problems(groups, hostvars, unreadable=unreadable)

    return filter_groups
