# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Role variables that an inventory states, checked against the roles' argument specifications.

Ansible checks a role's arguments host by host, when the play reaches them. Here all of them are
checked at once, before any host is touched, and a misspelt variable is found too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    CARRIED,
    ON_EVERY_HOST,
)

_ROLES = Path(__file__).resolve().parents[2] / "roles"
# Components that are an entry point of another component's role: the role, and the entry point.
ENTRY_POINTS = {"vmselect_global": ("vmselect", "global")}
# How alike an unknown variable must be to a known one to be taken for a misspelling of it.
_ALIKE = 0.85


@cache
def specification(component: str) -> dict[str, Any]:
    """The options of a component's role, {} for a component that has none."""
    role, entry_point = ENTRY_POINTS.get(component, (component, "main"))
    path = _ROLES / role / "meta" / "argument_specs.yml"
    if not path.exists():
        return {}
    # The same as yaml.safe_load, several times as fast where PyYAML has its C library.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parsed = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    options: dict[str, Any] = parsed["argument_specs"][entry_point]["options"]
    return options


def _value_problem(name: str, value: Any, option: Mapping[str, Any]) -> str:
    bare = {key: option[key] for key in ("type", "elements", "choices", "options") if key in option}
    found = ArgumentSpecValidator({name: bare}).validate({name: value}).error_messages
    if found and option["type"] == "bool":
        # Ansible lists all that it takes for a boolean, in any order.
        return f"'{value}' is no boolean; write true or false"
    return found[0] if found else ""


def argument_problems(
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    *,
    unreadable: tuple[type[Exception], ...] = (),
) -> list[str]:
    """Say what is wrong with the role variables of all hosts, each problem once, with its hosts.

    A value that raises one of ``unreadable`` depends on the role's own variables, and is left to
    the role.
    """
    hosts_by_problem: dict[str, list[str]] = {}
    judged: dict[str, str] = {}
    for component in CARRIED:
        hosts = sorted(_carriers(groups, component))
        # Not read for nobody: each file takes as long as the checks of many hosts.
        options = specification(component) if hosts else {}
        if not options:
            continue
        for host in hosts:
            variables = hostvars[host]
            for name in sorted(key for key in variables if _component_of(key) == component):
                problem = _problem(name, options, variables, judged, unreadable)
                if problem:
                    hosts_by_problem.setdefault(problem, []).append(str(host))
    return [f"{problem} ({_hosts(hosts)})" for problem, hosts in hosts_by_problem.items()]


@cache
def _component_of(variable: str) -> str:
    """The component whose prefix a variable's name has, the longest of several; else nothing."""
    found = [component for component in CARRIED if variable.startswith(f"{component}_")]
    return max(found, key=len, default="")


def _carriers(groups: Mapping[str, Sequence[str]], component: str) -> Sequence[str]:
    """The hosts that carry a component; only hosts of regions do, which preflight sees to."""
    everywhere = groups["all"] if component == ON_EVERY_HOST else ()
    return groups.get(component, everywhere)


def _problem(
    name: str,
    options: Mapping[str, Any],
    variables: Mapping[str, Any],
    judged: dict[str, str],
    unreadable: tuple[type[Exception], ...],
) -> str:
    if name not in options:
        nearest = get_close_matches(name, options, n=1, cutoff=_ALIKE)
        return f"variable '{name}' is unknown; write '{nearest[0]}'" if nearest else ""
    try:
        value = variables[name]
        key = json.dumps([name, value], sort_keys=True, default=repr)
    except unreadable:
        return ""
    if key not in judged:
        judged[key] = _value_problem(name, value, options[name])
    return f"variable '{name}': {judged[key]}" if judged[key] else ""


def _hosts(hosts: Sequence[str]) -> str:
    first = f"host '{hosts[0]}'"
    return first if len(hosts) == 1 else f"{first} and {len(hosts) - 1} more"


def argument_filter(
    unreadable: tuple[type[Exception], ...],
) -> Callable[[Mapping[str, Sequence[str]], Mapping[str, Mapping[str, Any]]], list[str]]:
    """Make the filter; the exceptions are Ansible's for a variable that is not defined here."""

    def filter_groups(
        groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Mapping[str, Any]]
    ) -> list[str]:
        return argument_problems(groups, hostvars, unreadable=unreadable)

    return filter_groups
