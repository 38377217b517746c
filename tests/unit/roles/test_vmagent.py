"""What the role vmagent runs before its program: a backlog follows its URL to another place.

With vmagent itself it is tested in molecule/vmagent and in the drill migration.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "roles" / "vmagent" / "files"))
import queues

sys.path.pop(0)

OLD = "http://gateway.us-east-1.meridian.internal:8427/api/v1/write"
NEW = "http://gateway.eu-west-1.meridian.internal:8427/api/v1/write"


def queue(root: Path, place: int, url: str, *, waiting: int, name: str = "") -> Path:
    """Make the folder of a URL at a place as vmagent leaves it, with so many bytes to send."""
    folder = root / queues.folder_name(place, url)
    folder.mkdir(parents=True)
    (folder / "0000000000000000").write_bytes(url.encode())
    content = {
        "Name": name or f"{place}:secret-url",
        "ReaderOffset": 10,
        "WriterOffset": 10 + waiting,
    }
    (folder / "metainfo.json").write_text(json.dumps(content))
    return folder


def content(root: Path) -> dict[str, str]:
    """The folders of a root, each with the name that its metainfo holds."""
    return {
        each.name: json.loads((each / "metainfo.json").read_text())["Name"]
        for each in root.iterdir()
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
        # Folders that vmagent 1.112 and 1.149 made.
        (b"http://127.0.0.1:29501/api/v1/write", 0x30CCA11100C4F89B),
        (b"http://127.0.0.1:29502/api/v1/write", 0xFC1B0701A7C7AED7),
    ],
)
def test_a_url_is_hashed_as_vmagent_does(data: bytes, expected: int) -> None:
    assert queues.xxhash64(data) == expected


def test_the_query_of_a_url_does_not_belong_to_its_folder() -> None:
    assert queues.folder_name(2, f"{NEW}?a=b#c") == queues.folder_name(2, NEW)
    assert queues.folder_name(2, NEW) != queues.folder_name(1, NEW)


def test_what_waits_follows_a_url_that_comes_first_because_another_one_went(tmp_path: Path) -> None:
    queue(tmp_path, 1, OLD, waiting=0)
    queue(tmp_path, 2, NEW, waiting=7)
    told = queues.settle(tmp_path, [NEW], shown=False)
    assert content(tmp_path) == {
        queues.folder_name(1, OLD): "1:secret-url",
        queues.folder_name(1, NEW): "1:secret-url",
    }
    moved = tmp_path / queues.folder_name(1, NEW)
    assert (moved / "0000000000000000").read_bytes() == NEW.encode()
    assert told == [
        f"what waited in {queues.folder_name(2, NEW)} waits in {moved.name} now",
    ]


def test_it_follows_the_url_back(tmp_path: Path) -> None:
    queue(tmp_path, 1, NEW, waiting=7)
    queue(tmp_path, 1, OLD, waiting=3)
    queues.settle(tmp_path, [OLD, NEW], shown=False)
    assert content(tmp_path) == {
        queues.folder_name(1, OLD): "1:secret-url",
        queues.folder_name(2, NEW): "2:secret-url",
    }


def test_urls_that_changed_places_change_folders(tmp_path: Path) -> None:
    queue(tmp_path, 1, OLD, waiting=1)
    queue(tmp_path, 2, NEW, waiting=2)
    queues.settle(tmp_path, [NEW, OLD], shown=False)
    assert content(tmp_path) == {
        queues.folder_name(1, NEW): "1:secret-url",
        queues.folder_name(2, OLD): "2:secret-url",
    }


def test_a_queue_is_kept_when_urls_begin_or_cease_to_be_shown(tmp_path: Path) -> None:
    # vmagent up to 1.113 empties a folder with another name inside.
    queue(tmp_path, 1, NEW, waiting=2)
    assert queues.settle(tmp_path, [NEW], shown=True) == []
    assert content(tmp_path) == {queues.folder_name(1, NEW): f"1:{NEW}"}
    queues.settle(tmp_path, [NEW], shown=False)
    assert content(tmp_path) == {queues.folder_name(1, NEW): "1:secret-url"}


def test_an_empty_queue_gives_way_and_one_that_has_something_to_send_does_not(
    tmp_path: Path,
) -> None:
    first = queue(tmp_path, 1, NEW, waiting=0)
    second = queue(tmp_path, 2, NEW, waiting=5)
    third = queue(tmp_path, 3, NEW, waiting=6)
    assert queues.settle(tmp_path, [NEW], shown=False) == [
        f"what waited in {second.name} waits in {first.name} now",
        f"what waits in {third.name} follows when {first.name} is empty",
    ]
    assert queues.settle(tmp_path, [NEW], shown=False) == [
        f"what waits in {third.name} follows when {first.name} is empty"
    ]
    assert content(tmp_path) == {first.name: "1:secret-url", third.name: "3:secret-url"}


def test_the_queues_of_one_url_twice_stay_where_they_are(tmp_path: Path) -> None:
    queue(tmp_path, 1, NEW, waiting=0)
    queue(tmp_path, 2, NEW, waiting=5)
    before = content(tmp_path)
    assert queues.settle(tmp_path, [NEW, NEW], shown=False) == []
    assert content(tmp_path) == before


def test_a_rename_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    # The name inside is changed first: vmagent up to 1.113 empties a folder with another one.
    queue(tmp_path, 2, NEW, waiting=5, name="1:secret-url")
    queues.settle(tmp_path, [NEW], shown=False)
    assert content(tmp_path) == {queues.folder_name(1, NEW): "1:secret-url"}


def test_a_rename_that_was_cut_short_and_is_no_longer_wanted_is_undone(tmp_path: Path) -> None:
    queue(tmp_path, 2, NEW, waiting=5, name="1:secret-url")
    queues.settle(tmp_path, [OLD, NEW], shown=False)
    assert content(tmp_path) == {queues.folder_name(2, NEW): "2:secret-url"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Name": "2:x"}'])
def test_a_folder_that_vmagent_could_not_go_on_with_stops_nothing(
    tmp_path: Path, text: str
) -> None:
    folder = queue(tmp_path, 2, NEW, waiting=5)
    (folder / "metainfo.json").write_text(text)
    assert queues.settle(tmp_path, [NEW], shown=False) == []
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]


def test_nothing_happens_before_the_first_start(tmp_path: Path) -> None:
    assert queues.settle(tmp_path / "absent", [NEW], shown=False) == []


@pytest.mark.parametrize("urls", [NEW, [NEW]])
def test_the_program_reads_what_the_role_states(
    tmp_path: Path,
    urls: str | list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "persistent-queue"
    queue(root, 2, NEW, waiting=5)
    stated = tmp_path / "queues.json"
    stated.write_text(json.dumps({"folder": str(tmp_path), "urls": urls, "shown": "False"}))
    monkeypatch.setattr(sys, "argv", ["queues.py", str(stated)])
    queues.main()
    assert content(root) == {queues.folder_name(1, NEW): "1:secret-url"}
    assert capsys.readouterr().out.startswith("what waited in 2_")
