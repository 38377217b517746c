"""Hostile, odd and ordinary tar archives."""

from __future__ import annotations

import io
import tarfile

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.unpacking import UnpackError, repack


def member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tar_of(*infos: tarfile.TarInfo, content: bytes = b"x") -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for info in infos:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    packed.seek(0)
    return packed


def repacked(archive: io.BytesIO, wanted: str | None = None) -> dict[str, tarfile.TarInfo]:
    target = io.BytesIO()
    sums = repack(archive, wanted, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        entries = {info.name: info for info in tar}
    assert entries.keys() == sums.keys()
    return entries


HOSTILE = [
    (member("/etc/passwd"), "member '/etc/passwd' lies outside of the archive"),
    (member("../up"), "member '../up' lies outside of the archive"),
    (member("a/../../up"), "member 'a/../../up' lies outside of the archive"),
    (member(".."), "member '..' lies outside of the archive"),
    (
        member("../up/", kind=tarfile.DIRTYPE),
        "member '../up' lies outside of the archive",
    ),
    (
        member("out", kind=tarfile.SYMTYPE, link="../../etc/passwd"),
        "member 'out' is a link to '../../etc/passwd', which is no file of the archive",
    ),
    (
        member("out", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        "member 'out' is a link to '/etc/passwd', which is no file of the archive",
    ),
    (
        member("out", kind=tarfile.LNKTYPE, link="/etc/passwd"),
        "member 'out' is a link to '/etc/passwd', which is no file of the archive",
    ),
    (
        member("self", kind=tarfile.SYMTYPE, link="self"),
        "member 'self' is a link to 'self', which is no file of the archive",
    ),
    (member("disk", kind=tarfile.BLKTYPE), "member 'disk' is a device or a pipe"),
    (member("tty", kind=tarfile.CHRTYPE), "member 'tty' is a device or a pipe"),
    (member("pipe", kind=tarfile.FIFOTYPE), "member 'pipe' is a device or a pipe"),
    (member("tool"), "it holds member 'tool' twice"),
]


@pytest.mark.parametrize(("hostile", "reason"), HOSTILE, ids=[reason for _, reason in HOSTILE])
def test_a_hostile_member_refuses_the_archive_even_if_another_is_wanted(hostile, reason):
    target = io.BytesIO()
    with pytest.raises(UnpackError) as caught:
        repack(tar_of(member("tool"), hostile), "tool", target)
    assert str(caught.value) == f"is refused: {reason}"
    assert target.getvalue() == b""


def test_links_inside_the_archive_become_copies():
    archive = tar_of(
        member("bin/tool"),
        member("tool", kind=tarfile.SYMTYPE, link="bin/tool"),
        member("lib/tool", kind=tarfile.SYMTYPE, link="../bin/tool"),
        member("same", kind=tarfile.LNKTYPE, link="bin/tool"),
    )
    entries = repacked(archive)
    assert sorted(entries) == ["bin/tool", "lib/tool", "same", "tool"]
    assert all(info.isreg() and info.size == 1 for info in entries.values())


def test_a_top_folder_that_holds_everything_is_left_out():
    archive = tar_of(
        member("tool-1.0/", kind=tarfile.DIRTYPE),
        member("tool-1.0/bin/tool"),
        member("tool-1.0/LICENSE"),
    )
    assert sorted(repacked(archive)) == ["LICENSE", "bin/tool"]


def test_several_top_folders_are_kept():
    assert sorted(repacked(tar_of(member("./a/x"), member("b/x")))) == ["a/x", "b/x"]


def test_owner_time_and_mode_of_the_archive_do_not_reach_the_host():
    tool, notes = member("tool"), member("notes")
    tool.mode, tool.uid, tool.uname, tool.mtime = 0o4777, 1000, "builder", 1_700_000_000
    notes.mode = 0o666
    entries = repacked(tar_of(tool, notes))
    assert {name: oct(info.mode) for name, info in entries.items()} == {
        "tool": "0o755",
        "notes": "0o644",
    }
    assert (entries["tool"].uid, entries["tool"].uname, entries["tool"].mtime) == (0, "", 0)


def test_a_long_list_of_members_is_cut():
    archive = tar_of(*(member(f"file-{number:02}") for number in range(25)))
    with pytest.raises(UnpackError) as caught:
        repack(archive, "tool", io.BytesIO())
    listed = ", ".join(f"file-{number:02}" for number in range(20))
    assert str(caught.value) == f"does not hold 'tool'; it holds: {listed} and 5 more"


def test_an_empty_archive_is_told():
    with pytest.raises(UnpackError) as caught:
        repack(tar_of(), None, io.BytesIO())
    assert str(caught.value) == "holds no file"
