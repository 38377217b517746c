"""Folders of dashboards: every file is one that Grafana shows, or the run stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_dashboards import (
    DashboardError,
    dashboard_files,
)


def put(folder: Path, name: str, content: object) -> Path:
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)
    return folder


def error(**folders: Path) -> str:
    with pytest.raises(DashboardError) as caught:
        dashboard_files(folders)
    return str(caught.value)


def test_the_dashboards_of_all_folders_become_files_that_need_no_restart(tmp_path: Path) -> None:
    ours = put(tmp_path / "ours", "b.json", {"uid": "b", "title": "B"})
    put(ours, "a.json", {"uid": "a", "title": "A"})
    put(ours, "README.md", "no dashboard")
    own = put(tmp_path / "own", "a.json", {"uid": "c", "title": "A"})

    made = dashboard_files({"meridian": ours, "own": own})

    assert [file["path"] for file in made] == [
        "dashboards/meridian/a.json",
        "dashboards/meridian/b.json",
        "dashboards/own/a.json",
    ]
    assert made[0]["content"] == '{"uid": "a", "title": "A"}'
    assert {file["on_change"] for file in made} == {"none"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ("", "is not JSON: Expecting value (line 1, column 1)"),
        ({"uid": "x"}, "has no title; export the dashboard as JSON from its settings page"),
        ({"uid": "x", "title": " "}, "has no title; export the dashboard as JSON from its "
         "settings page"),
        ([1], "has no title; export the dashboard as JSON from its settings page"),
        ({"title": "A"}, "has the uid null; write one of letters, digits, '_' and '-', at most 40"),
        (
            {"title": "A", "uid": "a b"},
            "has the uid \"a b\"; write one of letters, digits, '_' and '-', at most 40",
        ),
        (
            {"dashboard": {"uid": "x", "title": "A"}, "meta": {}},
            "is an answer of the API; keep what stands below its key 'dashboard'",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_dashboard_is_refused(
    tmp_path: Path, content: object, expected: str
) -> None:
    folder = put(tmp_path / "own", "wrong.json", content)
    assert error(own=folder) == f"dashboard {folder}/wrong.json {expected}"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_bytes(b"\xff\xfe")
    assert error(own=tmp_path) == (
        f"dashboard {tmp_path}/wrong.json is not JSON: it is no UTF-8 text"
    )


def test_two_dashboards_with_one_uid_are_refused_in_whatever_folders(tmp_path: Path) -> None:
    ours = put(tmp_path / "ours", "a.json", {"uid": "x", "title": "A"})
    own = put(tmp_path / "own", "b.json", {"uid": "x", "title": "B"})
    assert error(meridian=ours, own=own) == (
        f"dashboard {own}/b.json has the uid 'x' of {ours}/a.json; each needs its own"
    )


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    put(tmp_path / "own", "a.json", "{}")
    put(tmp_path / "own", "b.json", "{}")
    assert error(own=tmp_path / "own").count("has no title") == 2


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert error(own=tmp_path / "gone") == (
        f"the folder of dashboards {tmp_path}/gone does not exist on the controller"
    )


def test_a_folder_without_a_dashboard_is_refused(tmp_path: Path) -> None:
    assert error(own=tmp_path) == (
        f"the folder of dashboards {tmp_path} holds no .json file; "
        "put one there, or leave grafana_dashboards_dir empty"
    )
