"""Defaults, argument specs, internal variables and READMEs of all roles agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import role_readme
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases, topology

ROLES = Path(__file__).parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir())
# What a component's role offers at least, so that all are used alike.
COMMON = ("state", "listen_address", "port", "extra_args", "unit")

every_role = pytest.mark.parametrize("role", NAMES)
every_component = pytest.mark.parametrize("role", [name for name in NAMES if name != "service"])


def load(role: str, path: str) -> dict[str, Any]:
    file = ROLES / role / path
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def options(role: str) -> dict[str, Any]:
    return load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]


def texts(role: str) -> dict[Path, str]:
    """Return what can use a variable of a role: its tasks, templates and variables."""
    folders = ("defaults", "tasks", "templates", "vars")
    return {
        path: path.read_text()
        for folder in folders
        for path in (ROLES / role / folder).rglob("*")
        if path.is_file()
    }


def uses(role: str, variable: str) -> int:
    """Count where a variable stands, other than where it gets its value."""
    wanted = re.compile(rf"\b{variable}\b(?!:)")
    return sum(len(wanted.findall(text)) for text in texts(role).values())


@every_role
def test_every_default_is_documented_with_its_value(role: str) -> None:
    documented = {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }
    assert documented == load(role, "defaults/main.yml")


@every_role
def test_an_option_without_a_default_is_required(role: str) -> None:
    without = {name for name, option in options(role).items() if "default" not in option}
    required = {name for name, option in options(role).items() if option.get("required")}
    assert without == required


@every_role
def test_every_option_has_a_type_and_a_description(role: str) -> None:
    lacking = [
        name
        for name, option in options(role).items()
        if not option.get("type") or not option.get("description")
    ]
    assert lacking == []


@every_role
def test_every_variable_is_used(role: str) -> None:
    variables = [*options(role), *load(role, "vars/main.yml")]
    assert [name for name in variables if not uses(role, name)] == []


@every_role
def test_variables_carry_the_name_of_their_role(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []
    internal = load(role, "vars/main.yml")
    assert [name for name in internal if not name.startswith(f"__{role}_")] == []


@every_component
def test_every_component_has_the_common_variables(role: str) -> None:
    assert [name for name in COMMON if f"{role}_{name}" not in options(role)] == []


@every_component
def test_every_component_is_one_call_of_service(role: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text())
    calls = [
        task["ansible.builtin.import_role"]["name"]
        for task in tasks
        if "ansible.builtin.import_role" in task
    ]
    assert calls == ["meridian.metrics.service"]
    assert all(task["tags"] == ["install", "configure"] for task in tasks)


@every_component
def test_ports_are_those_that_the_topology_expects(role: str) -> None:
    defaults = load(role, "defaults/main.yml")
    expected = topology.COMPONENTS[role].ports
    assert {name: defaults.get(name) for name in expected} == expected


@every_component
def test_the_version_of_victoriametrics_is_the_release_lists(role: str) -> None:
    version = str(load(role, "defaults/main.yml").get(f"{role}_version", ""))
    stated = re.findall(r"meridian_victoriametrics_version \| default\('([^']*)'\)", version)
    archive = releases.COMPONENTS[role].archive if role in releases.COMPONENTS else None
    of_victoriametrics = archive is not None and "VictoriaMetrics" in archive.url
    assert stated == ([releases.VICTORIAMETRICS_VERSION] if of_victoriametrics else [])


@every_role
def test_the_readme_is_made_from_the_argument_spec(role: str) -> None:
    made = role_readme.readme(role, role_readme.specs()[role])
    assert (ROLES / role / "README.md").read_text() == made, "run dev/role_readme.py"
