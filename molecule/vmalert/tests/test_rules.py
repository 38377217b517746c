"""The tests of the rules, by the vmalert-tool of what runs, and the runbooks' queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import query

# Not beside a vmalert: the tool listens on its port.
testinfra_hosts = ["gateway-1"]

ROOT = Path(__file__).parents[3]
TESTS = sorted(path.name for path in (ROOT / "tests" / "rules").glob("[!e]*.yml"))
REPOSITORY = "/root/repository"


@pytest.fixture
def archive(host: Any) -> bool:
    return bool(host.ansible.get_variables()["meridian_source"] == "archive")


@pytest.fixture
def run(host: Any, archive: bool) -> Callable[[str], str]:
    """Run a file of rule tests; what vmalert-tool said."""
    tool = f"{REPOSITORY}/vmalert-tool-prod" if archive else "vmalert-tool"

    def unittest(path: str) -> str:
        done = host.run(f"{tool} unittest --files={REPOSITORY}/{path}")
        return str(done.stdout + done.stderr)

    return unittest


@pytest.mark.parametrize("name", TESTS)
def test_rules_fire_and_do_not_fire_as_stated(run: Callable[[str], str], name: str) -> None:
    said = run(f"tests/rules/{name}")
    assert "SUCCESS" in said, said


def test_rules_that_know_the_time_fire_and_do_not_fire_as_stated(
    run: Callable[[str], str], archive: bool
) -> None:
    # the tests of the package's version begin in 1970, those of the release's in 2000
    for topic in ("", "_clocks"):
        said = run(f"tests/rules/epoch_{2000 if archive else 1970}{topic}.yml")
        assert "SUCCESS" in said, said


def test_a_rule_test_that_does_not_hold_fails(host: Any, run: Callable[[str], str]) -> None:
    wrong = "tests/rules/wrong.yml"
    host.check_output(
        f"sed 's/severity: critical/severity: warning/' {REPOSITORY}/tests/rules/meta.yml"
        f" >{REPOSITORY}/{wrong}"
    )
    said = run(wrong)
    assert "SUCCESS" not in said
    assert "testGroupName: AgentDead" in said


def test_every_query_of_a_runbook_can_be_asked(address: str) -> None:
    storage = f"http://{address}:8428"
    queries = [
        (path.stem, line)
        for path in sorted((ROOT / "docs" / "runbooks").glob("*.md"))
        for block in re.findall(r"```promql\n(.*?)```", path.read_text(), re.DOTALL)
        for line in block.strip().splitlines()
    ]
    assert len(queries) > 100
    refused = [(page, line) for page, line in queries if query(storage, line).status != 200]
    assert refused == []
