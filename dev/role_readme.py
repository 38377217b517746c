"""Make roles/<role>/README.md of every role from its argument spec.

role_readme.py      writes those that differ; a unit test compares them
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
NOTE = "<!-- Made by dev/role_readme.py from meta/argument_specs.yml: change that and run it. -->"


def readme(role: str, specs: Mapping[str, Any]) -> str:
    """Return the README of a role from its argument specs by entry point, `main` first."""
    blocks = [f"{NOTE}\n# {role}", *_described(role, specs["main"])]
    for entry_point, spec in specs.items():
        if entry_point != "main":
            blocks += [f"# The entry point {entry_point}", *_described(role, spec, entry_point)]
    return "\n\n".join(blocks) + "\n"


def _described(role: str, spec: Mapping[str, Any], entry_point: str = "") -> list[str]:
    """Return an entry point's description, use and variables."""
    options: Mapping[str, Mapping[str, Any]] = spec["options"]
    blocks = [
        f"{_text(spec['short_description'])}.",
        *(_text(paragraph) for paragraph in _paragraphs(spec["description"])),
    ]
    # The titles of a role's sections differ, so that links can name them.
    of = f" of {entry_point}" if entry_point else ""
    if not any(option.get("required") for option in options.values()):
        blocks += [f"## Use{of}", _code(_play(role, entry_point))]
    blocks.append(f"## Variables{of}")
    return [*blocks, *(_variable(name, option) for name, option in options.items())]


def _play(role: str, entry_point: str) -> str:
    if entry_point:
        group = f"{role}_{entry_point}"
        return (
            f"- name: Run {group}\n"
            f"  hosts: {group}\n"
            f"  gather_facts: false\n"
            f"  become: true\n"
            f"  tasks:\n"
            f"    - name: Import the role {role} at its entry point {entry_point}\n"
            f"      ansible.builtin.import_role:\n"
            f"        name: meridian.metrics.{role}\n"
            f"        tasks_from: {entry_point}\n"
        )
    return (
        f"- name: Run {role}\n"
        f"  hosts: {role}\n"
        f"  gather_facts: false\n"
        f"  become: true\n"
        f"  roles:\n"
        f"    - role: meridian.metrics.{role}\n"
    )


def _variable(name: str, option: Mapping[str, Any]) -> str:
    kind = str(option["type"])
    if "elements" in option:
        kind += f" of {option['elements']}"
    if "choices" in option:
        kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
    default = "required" if option.get("required") else _default(option["default"])
    lines = [
        f"### {name}",
        "",
        f"{kind}, {default}",
        "",
        *(_text(paragraph) for paragraph in _paragraphs(option["description"])),
    ]
    return "\n".join(lines)


def _default(value: object) -> str:
    if isinstance(value, dict) and value:
        return "default:\n\n" + _code(yaml.safe_dump(value, sort_keys=False))
    if isinstance(value, bool):
        return f"default `{str(value).lower()}`"
    return "default empty" if value == "" else f"default `{value}`"


def _code(text: str) -> str:
    return f"```yaml\n{text}```"


def _paragraphs(description: str | list[str]) -> list[str]:
    return [description] if isinstance(description, str) else description


def _text(text: str) -> str:
    """Turn Ansible's markup into Markdown: `V(x)` becomes a code span, `O(module:x)` one of x."""

    def convert(match: re.Match[str]) -> str:
        kind, inner = match.groups()
        if kind == "L":
            label, url = inner.split(",", 1)
            return f"[{label.strip()}]({url.strip()})"
        return f"`{inner.rsplit(':', 1)[-1] if kind == 'O' else inner}`"

    return re.sub(r"\b([CELMOVU])\(((?:[^()]|\([^()]*\))*)\)", convert, text)


def specs() -> dict[str, Any]:
    """Return each role's argument specs, which are by entry point, by role."""
    found = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.parent.parent.name] = content["argument_specs"]
    return found


def program() -> None:
    """Write the READMEs that differ."""
    for role, by_entry_point in specs().items():
        path = ROLES / role / "README.md"
        text = readme(role, by_entry_point)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    program()
