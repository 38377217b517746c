from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import validation
from ansible_collections.meridian.metrics.plugins.module_utils.files import File

CONFIG = "/etc/meridian/testd"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies go, and checks by whoever runs the tests."""
    monkeypatch.setattr(validation, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(validation, "_identity", lambda _user: {})
    return tmp_path


def check(*files: File, args: tuple[str, ...] = (), check_args: tuple[str, ...] = ()) -> str:
    return validation.check(
        files,
        config_dir=CONFIG,
        program="/bin/sh",
        args=args,
        user="testd",
        check_args=check_args,
    )


def file(path: str, content: str, *validate: str, **more: Any) -> File:
    usual = {"mode": 0o640, "owner": "root", "group": "testd", "on_change": "restart"}
    return File(path, content, validate=validate, **{**usual, **more})


def test_nothing_to_check_is_no_complaint() -> None:
    assert check(file(f"{CONFIG}/a", "x")) == ""


def test_file_is_checked_as_a_copy() -> None:
    assert check(file(f"{CONFIG}/a", "x", "/bin/sh", "-c", "test $(cat {path}) = x")) == ""


def test_program_and_args_are_filled_in() -> None:
    command = ("{program}", "-c", 'test "$*" = "-b -c"', "sh", "{args}")
    assert check(file(f"{CONFIG}/a", "x", *command), args=("-b", "-c")) == ""


def test_a_program_beside_the_daemons_own_can_check_a_file() -> None:
    assert check(file(f"{CONFIG}/a", "x", "{folder}/sh", "-c", "test $(cat {path}) = x")) == ""


def test_flags_are_checked_without_a_file() -> None:
    command = ("{program}", "-c", 'test "$*" = "-b -c"', "sh", "{args}")
    assert check(args=("-b", "-c"), check_args=command) == ""


def test_flags_that_the_program_does_not_know_are_a_complaint() -> None:
    command = ("{program}", "-c", 'echo "unknown flag $1"; exit 2', "sh", "{args}")
    assert check(args=("--bad",), check_args=command) == (
        "the flags were refused by their check (status 2):\nunknown flag --bad"
    )


def test_flags_are_checked_with_the_copies_of_the_files() -> None:
    command = ("{program}", "-c", 'test "$(cat "${0#-f=}")" = x', "{args}")
    checked = check(file(f"{CONFIG}/a", "x"), args=(f"-f={CONFIG}/a",), check_args=command)
    assert checked == ""


def test_args_and_files_lead_to_the_copies() -> None:
    files = (
        file(f"{CONFIG}/a", f"{CONFIG}/b", "/bin/sh", "-c", 'cat "$(cat "${0#-f=}")"', "{args}"),
        file(f"{CONFIG}/b", "of b"),
    )
    assert check(*files, args=(f"-f={CONFIG}/a",)) == ""


def test_folder_with_a_longer_name_is_left_alone() -> None:
    content = f"{CONFIG}2/b {CONFIG}-old"
    command = ("/bin/sh", "-c", f'test "$(cat {{path}})" = "{CONFIG}2/b {CONFIG}-old"')
    # The command itself is led to the copies as the file is: neither mentions the folder.
    assert check(file(f"{CONFIG}/a", content, *command)) == ""


def test_complaint_names_the_file_that_will_be() -> None:
    command = ("/bin/sh", "-c", "echo line 1 of {path} is bad; exit 3")
    assert check(file(f"{CONFIG}/a", "x", *command)) == (
        f"{CONFIG}/a was refused by its check (status 3):\nline 1 of {CONFIG}/a is bad"
    )


def test_command_that_is_missing_is_a_complaint() -> None:
    assert check(file(f"{CONFIG}/a", "x", "/no/such/promtool")) == (
        f"{CONFIG}/a was refused by its check (status -1):\n"
        "'/no/such/promtool' cannot be run: No such file or directory"
    )


def test_command_that_does_not_end_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_CHECK_SECONDS", 0.2)
    assert check(file(f"{CONFIG}/a", "x", "/bin/sleep", "60")) == (
        f"{CONFIG}/a was refused by its check (status -1):\n'/bin/sleep' did not end within 0.2 s"
    )


def test_managed_block_is_not_checked() -> None:
    assert check(file("/etc/hosts", "x", "/bin/false", block="testd")) == ""


def test_copies_do_not_stay(folder: Path) -> None:
    check(file(f"{CONFIG}/a", "x", "/bin/false"))
    assert names_in(folder) == []


def test_copies_are_for_nobody_else(folder: Path) -> None:
    command = ("/bin/sh", "-c", f"stat -c %a {folder}/meridian-check-*; exit 1")
    assert check(file(f"{CONFIG}/a", "x", *command)).endswith(":\n700")
