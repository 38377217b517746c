"""Defaults, argument specs, internal variables and READMEs of all roles agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import role_readme
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import (
    arguments,
    releases,
    topology,
)

ROLES = Path(__file__).parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir())
# What a component's role offers at least, so that all are used alike.
COMMON = ("state", "listen_address", "port", "extra_args", "unit")

# The roles of several programs on one host.
PROGRAMS = {
    "prometheus_receiver": {
        "prometheus_receiver",
        "prometheus_receiver_prometheus",
        "prometheus_receiver_guard",
    },
    "vmbackup": {"vmbackup", "vmbackup_restore", "vmbackup_select"},
}
# What a host says to the others: the topology reads it.
READ_BY_TOPOLOGY = {topology.WRITES, topology.TUNNEL_ENDPOINT}
# What the role of a job offers, to which nobody connects.
COMMON_OF_JOBS = tuple(name for name in COMMON if name not in ("listen_address", "port"))
# role -> the release of its main program, where it does not carry the role's name
RELEASES = {"prometheus_receiver": "vmagent"}

every_role = pytest.mark.parametrize("role", NAMES)
every_component = pytest.mark.parametrize("role", [name for name in NAMES if name != "service"])


def load(role: str, path: str) -> dict[str, Any]:
    file = ROLES / role / path
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def options(role: str) -> dict[str, Any]:
    """Return the options of all entry points of a role."""
    specs = load(role, "meta/argument_specs.yml")["argument_specs"].values()
    return {name: option for spec in specs for name, option in spec["options"].items()}


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
    unused = {name for name in variables if not uses(role, name)}
    assert unused - READ_BY_TOPOLOGY == set()


@every_role
def test_variables_carry_the_name_of_their_role(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []
    internal = load(role, "vars/main.yml")
    assert [name for name in internal if not name.startswith(f"__{role}_")] == []


@every_component
def test_every_component_has_the_common_variables(role: str) -> None:
    common = COMMON_OF_JOBS if role in topology.JOBS else COMMON
    assert [name for name in common if f"{role}_{name}" not in options(role)] == []


@every_component
def test_every_component_is_one_call_of_service(role: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text())
    # Only a role of several programs has a loop, which an import cannot be in.
    how = "include_role" if role in PROGRAMS else "import_role"
    calls = [
        (key, task[key]["name"], "loop" in task)
        for task in tasks
        for key in task
        if key.endswith("_role")
    ]
    assert calls == [(f"ansible.builtin.{how}", "meridian.metrics.service", role in PROGRAMS)]
    assert all(task["tags"] == ["install", "configure"] for task in tasks)


@pytest.mark.parametrize(("role", "programs"), PROGRAMS.items())
def test_a_role_of_several_programs_calls_service_for_each_with_the_same_terms(
    role: str, programs: set[str]
) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text())
    [task] = [task for task in tasks if "ansible.builtin.include_role" in task]
    assert task["ansible.builtin.include_role"]["apply"] == {"tags": task["tags"]}
    terms = load(role, "vars/main.yml")[f"__{role}_programs"]
    assert set(terms) == programs
    used = re.findall(rf"__{role}_programs\[service_name\]\.(\w+)", yaml.safe_dump(task["vars"]))
    assert {name: set(stated) for name, stated in terms.items()} == {
        name: set(used) for name in terms
    }


@pytest.mark.parametrize("component", arguments.ENTRY_POINTS)
def test_an_entry_point_of_a_component_is_as_a_role_of_its_own(component: str) -> None:
    role, entry_point = arguments.ENTRY_POINTS[component]
    assert component == f"{role}_{entry_point}"
    own = arguments.specification(component)
    assert [name for name in COMMON if f"{component}_{name}" not in own] == []
    assert [name for name in own if not name.startswith(f"{component}_")] == []
    tasks = yaml.safe_load((ROLES / role / "tasks" / f"{entry_point}.yml").read_text())
    assert {task["ansible.builtin.import_role"]["name"] for task in tasks} == {
        "meridian.metrics.service"
    }
    assert all(task["tags"] == ["install", "configure"] for task in tasks)
    assert all(task["vars"]["service_state"] == f"{{{{ {component}_state }}}}" for task in tasks)
    version = own[f"{component}_version"]["default"]
    assert version == options(role)[f"{role}_version"]["default"]


@pytest.mark.parametrize("component", topology.COMPONENTS)
def test_ports_are_those_that_the_topology_expects(component: str) -> None:
    role, _entry_point = arguments.ENTRY_POINTS.get(component, (component, "main"))
    defaults = load(role, "defaults/main.yml")
    expected = topology.COMPONENTS[component].ports
    assert {name: defaults.get(name) for name in expected} == expected


@every_component
def test_the_version_of_victoriametrics_is_the_release_lists(role: str) -> None:
    version = str(load(role, "defaults/main.yml").get(f"{role}_version", ""))
    stated = re.findall(r"meridian_victoriametrics_version \| default\('([^']*)'\)", version)
    release = RELEASES.get(role, role)
    archive = releases.COMPONENTS[release].archive if release in releases.COMPONENTS else None
    of_victoriametrics = archive is not None and "VictoriaMetrics" in archive.url
    assert stated == ([releases.VICTORIAMETRICS_VERSION] if of_victoriametrics else [])


@every_role
def test_the_readme_is_made_from_the_argument_spec(role: str) -> None:
    made = role_readme.readme(role, role_readme.specs()[role])
    assert (ROLES / role / "README.md").read_text() == made, "run dev/role_readme.py"
