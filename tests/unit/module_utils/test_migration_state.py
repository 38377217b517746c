"""What a host remembers of the move of its region: lost, it is made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils.migration_state import (
    PHASES,
    State,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils import migration


def state(folder: Path, origin: str = "us-east-1") -> State:
    return State(str(folder / "state"), "eu-west-1", origin)


def test_its_phases_are_those_of_the_variable() -> None:
    assert PHASES == migration.PHASES


def test_phases_follow_one_another_and_going_back_takes_the_later_ones_away(
    tmp_path: Path,
) -> None:
    for phase in PHASES[:4]:
        assert state(tmp_path).complete(phase, 1)
    assert state(tmp_path).phases == ["build", "dual_write", "backfill", "readers"]
    assert state(tmp_path).complete("dual_write", 2)
    assert state(tmp_path).phases == ["build", "dual_write"]


def test_a_phase_that_is_repeated_changes_nothing(tmp_path: Path) -> None:
    assert state(tmp_path).complete("build", 1)
    assert not state(tmp_path).complete("build", 2)


def test_days_are_kept_for_each_direction(tmp_path: Path) -> None:
    state(tmp_path).finish_day("forward", 86400, 7)
    state(tmp_path).finish_day("back", 172800, 8)
    assert dict(state(tmp_path).days("forward")) == {"86400": 7}
    assert dict(state(tmp_path).days("back")) == {"172800": 8}


def test_the_first_time_since_when_only_one_gets_samples_counts(tmp_path: Path) -> None:
    found = state(tmp_path)
    found.leave(100)
    found.leave(200)
    assert state(tmp_path).alone == 100


def test_days_that_were_copied_back_are_forgotten_when_both_get_samples_again(
    tmp_path: Path,
) -> None:
    found = state(tmp_path)
    found.leave(100)
    found.finish_day("forward", 86400, 7)
    found.finish_day("back", 86400, 7)
    found.leave(0)
    assert state(tmp_path).alone == 0
    assert dict(state(tmp_path).days("back")) == {}
    assert dict(state(tmp_path).days("forward")) == {"86400": 7}


def test_the_note_of_another_migration_says_nothing(tmp_path: Path) -> None:
    state(tmp_path).complete("build", 1)
    assert state(tmp_path, "ap-south-1").phases == []


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "eu-west-1.json").write_text(text)
    assert state(tmp_path).phases == []
