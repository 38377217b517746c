from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils import files as disk
from ansible_collections.meridian.metrics.plugins.module_utils.files import (
    File,
    Write,
    compare,
    diff_of,
    remove,
    to_write,
    with_block,
    write_all,
)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests stands for root and the daemon's group."""
    monkeypatch.setattr(disk, "ids_of", lambda _owner, _group: (os.getuid(), os.getgid()))


def file(path: Path, content: str = "new\n", **more: Any) -> File:
    usual = {"mode": 0o640, "owner": "root", "group": "vmagent", "on_change": "restart"}
    return File(str(path), content, **{**usual, **more})


def write(path: Path, text: str) -> Write:
    return Write(str(path), text.encode(), 0o640, os.getuid(), os.getgid())


def no_label(_path: str) -> None:
    pass


class TestBlock:
    def test_is_added_at_the_end(self) -> None:
        assert with_block("a\n", "x", "b\n") == "a\n# BEGIN meridian x\nb\n# END meridian x\n"

    def test_is_replaced_in_its_place(self) -> None:
        text = with_block("a\n", "x", "b\n") + "c\n"
        assert with_block(text, "x", "d") == "a\n# BEGIN meridian x\nd\n# END meridian x\nc\n"

    def test_is_taken_out_without_a_trace(self) -> None:
        assert with_block(with_block("a\n", "x", "b\n") + "c\n", "x", "") == "a\nc\n"

    def test_leaves_blocks_of_others_alone(self) -> None:
        text = with_block(with_block("", "x", "b"), "y", "c")
        assert with_block(text, "x", "") == with_block("", "y", "c")

    def test_keeps_what_follows_an_orphaned_marker(self) -> None:
        text = with_block("# BEGIN meridian x\nprecious\n", "x", "b")
        assert with_block(text, "x", "") == "# BEGIN meridian x\nprecious\n"

    def test_ends_the_last_line_of_its_file(self) -> None:
        assert with_block("a", "x", "b").startswith("a\n# BEGIN")

    @pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
    def test_leaves_odd_characters_alone(self, character: str) -> None:
        assert with_block(f"a{character}b\n", "x", "") == f"a{character}b\n"


class TestCompare:
    def test_finds_nothing_where_the_disk_is_as_declared(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("new\n")
        path.chmod(0o640)
        assert compare(file(path)) is None

    def test_finds_a_missing_file(self, tmp_path: Path) -> None:
        change = compare(file(tmp_path / "x"))
        assert change is not None
        assert (change.before, change.after) == (None, "new\n")

    def test_finds_a_wrong_mode(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("new\n")
        path.chmod(0o644)
        change = compare(file(path))
        assert change is not None
        assert change.before == change.after

    def test_sees_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "hosts"
        path.write_bytes(b"caf\xe9\n")
        change = compare(file(path, "b\n", block="x"))
        assert change is not None
        assert to_write(change).data.startswith(b"caf\xe9\n# BEGIN")

    def test_wants_no_empty_block_in_a_missing_file(self, tmp_path: Path) -> None:
        assert compare(file(tmp_path / "hosts", "", block="x")) is None


class TestDiff:
    def test_shows_both_texts(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("old\n")
        change = compare(file(path))
        assert change is not None
        assert (diff_of(change)["before"], diff_of(change)["after"]) == ("old\n", "new\n")

    def test_never_shows_a_secret(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("old\n")
        change = compare(file(path, secret=True))
        assert change is not None
        assert (diff_of(change)["before"], diff_of(change)["after"]) == (
            "(secret)\n",
            "(secret), changed\n",
        )


class TestWrite:
    def test_keeps_mode_and_owner_of_a_file_with_a_block(self, tmp_path: Path) -> None:
        path = tmp_path / "hosts"
        path.write_text("a\n")
        path.chmod(0o604)
        change = compare(file(path, "b", block="x"))
        assert change is not None
        assert to_write(change).mode == 0o604

    def test_sets_mode_whatever_the_umask(self, tmp_path: Path) -> None:
        old = os.umask(0o077)
        try:
            write_all([Write(str(tmp_path / "x"), b"", 0o644, os.getuid(), os.getgid())], no_label)
        finally:
            os.umask(old)
        assert (tmp_path / "x").stat().st_mode & 0o7777 == 0o644

    def test_labels_each_path_after_it_is_in_its_place(self, tmp_path: Path) -> None:
        seen = []
        writes = [write(tmp_path / "a", "1"), write(tmp_path / "b", "2")]
        write_all(writes, lambda path: seen.append((path, Path(path).read_text())))
        assert seen == [(str(tmp_path / "a"), "1"), (str(tmp_path / "b"), "2")]

    def test_changes_no_file_when_one_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a").write_text("old")
        real = disk._write_temporary

        def full(each: Write) -> str:
            if each.path.endswith("b"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(each)

        monkeypatch.setattr(disk, "_write_temporary", full)
        with pytest.raises(OSError, match="No space left") as caught:
            write_all([write(tmp_path / "a", "new"), write(tmp_path / "b", "new")], no_label)
        assert caught.value.filename == str(tmp_path / "b")
        assert (tmp_path / "a").read_text() == "old"
        assert names_in(tmp_path) == ["a"]

    def test_writes_in_place_what_cannot_be_replaced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "hosts"
        path.write_text("a longer text\n")
        inode = path.stat().st_ino

        def busy(source: str, target: str) -> None:
            raise OSError(errno.EBUSY, "Device or resource busy", source, None, target)

        monkeypatch.setattr(os, "replace", busy)
        write_all([write(path, "short\n")], no_label)
        assert path.read_text() == "short\n"
        assert path.stat().st_ino == inode
        assert names_in(tmp_path) == ["hosts"]


class TestRemove:
    def test_removes_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("")
        assert remove(str(tmp_path / "x"), None, no_label)
        assert not (tmp_path / "x").exists()

    def test_removes_a_block_only(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text(with_block("a\n", "x", "b"))
        assert remove(str(tmp_path / "x"), "x", no_label)
        assert (tmp_path / "x").read_text() == "a\n"

    def test_finds_nothing_to_do_without_the_file(self, tmp_path: Path) -> None:
        assert not remove(str(tmp_path / "x"), None, no_label)

    def test_finds_nothing_to_do_without_the_block(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("a\n")
        assert not remove(str(tmp_path / "x"), "x", no_label)
