# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Before vmagent starts: what waits for a URL follows it to its new place in the list of URLs.

vmagent keeps what it could not send yet in one folder a URL, <place>_<hash of the URL>. A URL that
is no longer the second but the first, because another one was removed, would begin with an empty
folder, and what waited for it would stay behind in the old one, with all that the agent put there
when it was stopped. So the old folder is renamed here. vmagent up to 1.113 also empties a folder
whose metainfo.json does not name the place, and the URL where metrics show it, so that is
corrected, and first.

Where there is something to send in both folders, the one at the new place is left alone, and the
other one follows at a later start.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_FOLDER = re.compile(r"(?P<place>\d+)_(?P<hash>[0-9A-F]{16})")
_METAINFO = "metainfo.json"

# The primes of xxHash64, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
_P1 = 0x9E3779B185EBCA87
_P2 = 0xC2B2AE3D27D4EB4F
_P3 = 0x165667B19E3779F9
_P4 = 0x85EBCA77C2B2AE63
_P5 = 0x27D4EB2F165667C5
_MASK = 0xFFFFFFFFFFFFFFFF


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def _lanes(data: bytes) -> int:
    """The hash of the whole stripes of 32 bytes."""
    lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
    for start in range(0, len(data) - 31, 32):
        for number in range(4):
            at = start + 8 * number
            lanes[number] = _round(lanes[number], int.from_bytes(data[at : at + 8], "little"))
    bits = (1, 7, 12, 18)
    found = sum(_rotated(lane, each) for lane, each in zip(lanes, bits)) & _MASK
    for lane in lanes:
        found = ((found ^ _round(0, lane)) * _P1 + _P4) & _MASK
    return found


def xxhash64(data: bytes) -> int:
    """The hash (seed 0) by which vmagent names a URL's folder."""
    found = (_lanes(data) if len(data) >= 32 else _P5) + len(data) & _MASK
    rest = data[len(data) // 32 * 32 :]
    while len(rest) >= 8:
        found ^= _round(0, int.from_bytes(rest[:8], "little"))
        found = (_rotated(found, 27) * _P1 + _P4) & _MASK
        rest = rest[8:]
    if len(rest) >= 4:
        found ^= int.from_bytes(rest[:4], "little") * _P1 & _MASK
        found = (_rotated(found, 23) * _P2 + _P3) & _MASK
        rest = rest[4:]
    for byte in rest:
        found = _rotated(found ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    found = (found ^ found >> 33) * _P2 & _MASK
    found = (found ^ found >> 29) * _P3 & _MASK
    return found ^ found >> 32


def folder_name(place: int, url: str) -> str:
    """The folder of the URL at a place, counted from 1: its query does not count."""
    plain = urlunsplit((*urlsplit(url)[:3], "", ""))
    return f"{place}_{xxhash64(plain.encode()):016X}"


def metainfo(folder: Path) -> dict[str, Any] | None:
    """What vmagent notes about a folder; None where there is nothing that it could go on with."""
    try:
        found = json.loads((folder / _METAINFO).read_text(encoding="utf-8"))
        valid = found["Name"] and found["WriterOffset"] >= found["ReaderOffset"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if valid else None


def waits(folder: Path) -> bool:
    """Whether there is something to send in a folder."""
    found = metainfo(folder)
    return found is not None and found["WriterOffset"] > found["ReaderOffset"]


def rename_inside(folder: Path, name: str) -> None:
    """Let a folder's metainfo have a name, in one step that a crash leaves done or undone."""
    found = metainfo(folder)
    if not found or name == found["Name"]:
        return
    written = folder / f"{_METAINFO}.tmp"
    with written.open("w", encoding="utf-8") as stream:
        json.dump({**found, "Name": name}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    written.replace(folder / _METAINFO)


def settle(root: Path, urls: list[str], *, shown: bool) -> list[str]:
    """Give every URL the folder with what waits for it; what was done, in sentences.

    `shown` is whether metrics show URLs (-remoteWrite.showURL).
    """
    wanted = [folder_name(place, url) for place, url in enumerate(urls, 1)]
    found = sorted(each.name for each in root.iterdir()) if root.is_dir() else []
    told = []
    for place, name in enumerate(wanted, 1):
        own = root / name
        inside = f"{place}:{urls[place - 1] if shown else 'secret-url'}"
        others = [
            root / each
            for each in found
            if _FOLDER.fullmatch(each) and each.split("_")[1] == name.split("_")[1]
            if each not in wanted and waits(root / each)
        ]
        if others and not waits(own):
            if own.is_dir():
                # vmagent makes an empty one anew.
                shutil.rmtree(own)
            moved = others.pop(0)
            rename_inside(moved, inside)
            moved.rename(own)
            told.append(f"what waited in {moved.name} waits in {name} now")
        told += [f"what waits in {each.name} follows when {name} is empty" for each in others]
        rename_inside(own, inside)
    return told


def main() -> None:
    """Read what the role states from the file that is named: folder, urls, and shown."""
    stated = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    urls = stated["urls"] if isinstance(stated["urls"], list) else [stated["urls"]]
    root = Path(stated["folder"]) / "persistent-queue"
    for line in settle(root, urls, shown=f"{stated.get('shown')}".lower() == "true"):
        print(line)


if __name__ == "__main__":
    main()
