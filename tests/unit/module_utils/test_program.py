from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils.program import (
    digest,
    install,
    intact,
    prune,
    read_manifest,
    unpack,
)

PROGRAM = b"#!/bin/sh\n"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def payload(place: Path, files: Mapping[str, bytes]) -> str:
    path = place / "payload.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A version's folder that holds a program and a file of its tree."""
    target = tmp_path / "opt" / "vmutils" / "1.2.3"
    files = {"vmagent": PROGRAM, "lib/x": b"x"}
    sums = {name: sha256(data) for name, data in files.items()}
    folder = unpack(payload(tmp_path, files), sums, str(target))
    install(folder, str(target), sums, "f00", lambda _path: None)
    shutil.rmtree(folder)
    return str(target)


class TestUnpack:
    def test_lies_beside_the_version(self, tmp_path: Path) -> None:
        files = payload(tmp_path, {"a": PROGRAM})
        folder = unpack(files, {"a": sha256(PROGRAM)}, str(tmp_path / "opt" / "x" / "1"))
        assert Path(folder).parent == tmp_path / "opt" / "x"
        assert (Path(folder) / "a").stat().st_mode & 0o7777 == 0o755

    @pytest.mark.parametrize(
        ("sent", "asked", "message"),
        [
            ({"a": PROGRAM}, {"a": "0"}, "'a' was damaged on its way to this host; run again"),
            ({}, {"a": "0"}, "'a' was damaged on its way to this host; run again"),
            (
                {"a": b"", "../b": b""},
                {"a": sha256(b"")},
                "'../b' was transferred, but is no part of the program",
            ),
        ],
    )
    def test_refuses_what_was_not_sent(
        self, sent: dict[str, bytes], asked: dict[str, str], message: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match=f"^{message}"):
            unpack(payload(tmp_path, sent), asked, str(tmp_path / "opt" / "x" / "1"))
        assert names_in(tmp_path / "opt" / "x") == []

    def test_names_the_version_when_the_disk_is_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_source: object, _target: object, _size: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("shutil.copyfileobj", full)
        near = str(tmp_path / "opt" / "x" / "1")
        with pytest.raises(OSError, match="No space left") as caught:
            unpack(payload(tmp_path, {"a": PROGRAM}), {"a": sha256(PROGRAM)}, near)
        assert caught.value.filename == near
        assert names_in(tmp_path / "opt" / "x") == []


class TestIntact:
    def test_is_what_was_installed(self, root: str) -> None:
        assert intact(root, ["vmagent"], None)
        assert intact(root, None, None)

    def test_is_not_what_was_edited_in_place(self, root: str) -> None:
        path = Path(root) / "vmagent"
        before = path.stat()
        path.write_bytes(b"#!/bin/no\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not intact(root, ["vmagent"], None)

    def test_is_a_copy_with_the_same_content(self, root: str) -> None:
        path = Path(root) / "vmagent"
        path.unlink()
        path.write_bytes(PROGRAM)
        path.chmod(0o755)
        assert intact(root, ["vmagent"], None)

    def test_is_not_what_cannot_be_run(self, root: str) -> None:
        (Path(root) / "vmagent").chmod(0o644)
        assert not intact(root, ["vmagent"], None)

    def test_is_not_another_archive_than_the_pinned_one(self, root: str) -> None:
        assert intact(root, ["vmagent"], "f00")
        assert not intact(root, ["vmagent"], "ba4")

    def test_is_not_a_tree_that_lacks_a_file(self, root: str) -> None:
        (Path(root) / "lib" / "x").unlink()
        assert intact(root, ["vmagent"], None)
        assert not intact(root, None, None)

    def test_is_not_a_missing_folder(self, tmp_path: Path) -> None:
        assert not intact(str(tmp_path / "none"), None, None)


class TestInstall:
    def test_labels_each_file(self, tmp_path: Path) -> None:
        seen: list[str] = []
        sums = {"a": sha256(PROGRAM), "lib/x": sha256(b"x")}
        near = str(tmp_path / "opt" / "x" / "1")
        folder = unpack(payload(tmp_path, {"a": PROGRAM, "lib/x": b"x"}), sums, near)
        install(folder, near, sums, "f00", seen.append)
        assert seen == [f"{near}/a", f"{near}/lib/x"]

    def test_adds_a_second_program_of_the_archive(self, root: str, tmp_path: Path) -> None:
        sums = {"vmauth": sha256(b"2")}
        folder = unpack(payload(tmp_path, {"vmauth": b"2"}), sums, root)
        install(folder, root, sums, "f00", lambda _path: None)
        assert intact(root, ["vmagent", "vmauth"], "f00")

    def test_forgets_the_programs_of_another_archive(self, root: str, tmp_path: Path) -> None:
        sums = {"vmauth": sha256(b"2")}
        folder = unpack(payload(tmp_path, {"vmauth": b"2"}), sums, root)
        install(folder, root, sums, "ba4", lambda _path: None)
        assert sorted(read_manifest(root)["files"]) == ["vmauth"]

    def test_has_a_digest_that_depends_on_what_a_daemon_uses(self, root: str) -> None:
        assert digest(root, ["vmagent"]) != digest(root, None)


class TestPrune:
    def test_keeps_what_daemons_need(self, tmp_path: Path) -> None:
        versions = {name: tmp_path / "vmutils" / name for name in ("1", "2", "3", ".unpack-x")}
        for folder in versions.values():
            folder.mkdir(parents=True)
        prune([str(versions["1"])], [str(versions["2"]), str(versions["3"])])
        assert names_in(tmp_path / "vmutils") == ["2", "3"]

    def test_removes_an_archive_without_versions(self, tmp_path: Path) -> None:
        (tmp_path / "vmutils" / "1").mkdir(parents=True)
        prune([str(tmp_path / "vmutils" / "1")], [])
        assert names_in(tmp_path) == []

    def test_finds_nothing_to_do_without_the_archive(self, tmp_path: Path) -> None:
        prune([str(tmp_path / "vmutils" / "1")], [])
        assert names_in(tmp_path) == []
