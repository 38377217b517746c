"""The committed dashboards are what the generator makes, and what the SDK's schema allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import make_dashboards
import pytest
from dashboards import assembly
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

FILES = sorted(make_dashboards.FOLDER.glob("*.json"))

register_default_plugins()


def through_the_sdk(data: dict[str, Any]) -> dict[str, Any]:
    """Read a dashboard into the SDK's models and write it again."""
    made = Dashboard.from_json(data)
    assembly.show_links(made)
    written: dict[str, Any] = json.loads(json.dumps(made, cls=JSONEncoder))
    return written


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_the_committed_files_are_those_that_the_generator_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    assert committed == make_dashboards.texts(), "run: make dashboards"


def test_there_are_four() -> None:
    assert [path.stem for path in FILES] == sorted(assembly.TITLES)


def test_the_generator_makes_the_same_text_each_time() -> None:
    assert make_dashboards.texts() == make_dashboards.texts()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_passes_the_schema_of_the_sdk_unchanged(path: Path) -> None:
    assert through_the_sdk(load(path)) == load(path)


@pytest.mark.parametrize(
    "place",
    [
        ("panels", 1, "fieldConfig", "defaults"),
        ("panels", 1, "options"),
        ("panels", 1, "targets", 0),
        ("panels", 1),
        ("templating", "list", 1),
        (),
    ],
    ids=str,
)
def test_a_field_that_the_schema_does_not_know_is_noticed(place: tuple[str | int, ...]) -> None:
    data = load(FILES[0])
    entry: Any = data
    for step in place:
        entry = entry[step]
    entry["colour"] = "red"
    assert through_the_sdk(data) != data
