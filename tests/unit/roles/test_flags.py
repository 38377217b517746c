"""Every flag that a role sets is one that its program knows, in each version it may run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases

ROLES = Path(__file__).parents[3] / "roles"
DATA = Path(__file__).parents[1] / "data" / "flags"
# role -> its program's flag list, where it does not carry the role's name
LISTS = {"vmsingle": "victoria-metrics", "blackbox": "blackbox_exporter"}
# version of the release archives, of Debian 13's package
VICTORIAMETRICS = {
    "archive": f"victoriametrics-{releases.VICTORIAMETRICS_VERSION}",
    "package": "victoriametrics-1.112",
}
BLACKBOX = {
    "archive": f"blackbox_exporter-{releases.BLACKBOX_EXPORTER.version}",
    "package": "blackbox_exporter-0.26.0",
}


def args(role: str) -> set[str]:
    """Return the names of the flags that a role sets."""
    path = ROLES / role / "vars" / "main.yml"
    variables = yaml.safe_load(path.read_text()) if path.exists() else {}
    return set((variables or {}).get(f"__{role}_args", {}))


def sources(role: str) -> list[str]:
    """Return where the role's program may come from."""
    path = ROLES / role / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return options.get(f"{role}_source", {}).get("choices", [])


WITH_FLAGS = [path.name for path in sorted(ROLES.iterdir()) if args(path.name)]
CASES = [(role, source) for role in WITH_FLAGS for source in sources(role)]


def known(role: str, source: str) -> set[str]:
    folder = BLACKBOX if role == "blackbox" else VICTORIAMETRICS
    lines = (DATA / folder[source] / f"{LISTS.get(role, role)}.tsv").read_text().splitlines()
    return {line.split("\t", 1)[0] for line in lines[1:]}


def test_every_component_that_sets_flags_is_looked_at() -> None:
    assert {role for role, _source in CASES} == set(WITH_FLAGS) - {"mock_exporter"}


@pytest.mark.parametrize(("role", "source"), CASES)
def test_the_program_knows_every_flag(role: str, source: str) -> None:
    assert sorted(args(role) - known(role, source)) == []


def test_the_mock_exporter_knows_every_flag() -> None:
    program = ROLES / "mock_exporter" / "files" / "mock_exporter.py"
    done = subprocess.run(
        [sys.executable, str(program), "--help"], capture_output=True, text=True, check=True
    )
    assert [flag for flag in args("mock_exporter") if f"--{flag} " not in done.stdout] == []
