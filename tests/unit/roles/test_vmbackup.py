"""What the role vmbackup runs on a host: which slot is written, what is refused, how places change.

With vmbackup itself, and with a real storage, it is tested in molecule/vmbackup.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FILES = ROOT / "roles" / "vmbackup" / "files"
FLAGS = ROOT / "tests" / "unit" / "data" / "flags"
sys.path.insert(0, str(FILES))
import backup  # noqa: E402
import counting  # noqa: E402
import destination  # noqa: E402
import restore  # noqa: E402

sys.path.remove(str(FILES))

DAY = 86400
NOON = 1_800_014_400  # 2027-01-15 12:00 UTC


@pytest.fixture
def stated(tmp_path: Path) -> dict[str, Any]:
    """settings.json as the role writes it, with ansible-core 2.17's text for every value."""
    (tmp_path / "data").mkdir()
    return {
        "storage": "vmstorage",
        "host": "storage-1",
        "data": str(tmp_path / "data"),
        "url": "http://127.0.0.1:8482",
        "rpc": "127.0.0.1:8401",
        "unit": str(tmp_path / "unit"),
        "destination": f"fs://{tmp_path}/backups/",
        "programs": {"backup": "/bin/false", "restore": "/bin/false", "select": "/bin/false"},
        "flags": {},
        "environment": {},
        "auth_key_file": "",
        "keep_days": "7",
        "max_age_seconds": {"hourly": "10800", "daily": "108000"},
        "accept_fewer_samples": "False",
    }


@pytest.fixture
def settings(stated: dict[str, Any], tmp_path: Path) -> destination.Settings:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(stated))
    return destination.read_settings(str(path))


def manifest(slot: str, when: float, **more: Any) -> dict[str, Any]:
    kind = slot.partition("-")[0]
    return {"slot": slot, "kind": kind, "time": int(when), "state": "complete", **more}


def test_numbers_that_came_as_text_are_numbers(settings: destination.Settings) -> None:
    assert settings.keep_days == 7
    assert settings.max_age_seconds == {"hourly": 10800, "daily": 108000}
    assert settings.accept_fewer_samples is False


@pytest.mark.parametrize(
    ("slots", "expected"),
    [([], "hourly-0"), (["hourly-0"], "hourly-1"), (["hourly-1", "hourly-0"], "hourly-0")],
)
def test_the_newer_hourly_backup_is_never_the_one_that_is_written(
    slots: list[str], expected: str
) -> None:
    newest_first = [manifest(slot, NOON - age) for age, slot in enumerate(slots)]
    assert destination.hourly_slot(newest_first) == expected


def test_a_day_has_one_daily_backup_and_its_slot_comes_again_after_the_days_that_are_kept() -> None:
    written: dict[str, dict[str, Any]] = {}
    for hour in range(24 * 30):
        now = NOON + hour * 3600
        slot = destination.daily_slot(list(written.values()), now, 7)
        assert (slot == "") == (now // DAY in {one["time"] // DAY for one in written.values()})
        if slot:
            written[slot] = manifest(slot, now)
    times = sorted(one["time"] for one in written.values())
    assert len(written) == 7
    assert times[-1] - times[0] < 7 * DAY


def test_a_daily_backup_that_failed_is_made_up_for_by_the_next_run() -> None:
    yesterdays = [manifest("daily-1", NOON - DAY)]
    assert destination.daily_slot(yesterdays, NOON, 7) != ""


def test_the_newest_backup_is_taken_or_the_newest_of_a_day() -> None:
    found = [manifest("hourly-0", NOON), manifest("daily-2", NOON - 2 * DAY)]
    assert destination.choose(found, "latest", "x")["slot"] == "hourly-0"
    assert destination.choose(found, "2027-01-13", "x")["slot"] == "daily-2"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "there is no complete backup in s3://b/h"),
        (
            [manifest("hourly-0", NOON), manifest("daily-2", NOON - 2 * DAY)],
            "there is no complete backup of 2027-01-14 in s3://b/h; write latest or one of: "
            "2027-01-13, 2027-01-15",
        ),
    ],
)
def test_a_backup_that_is_not_there_is_refused(found: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(destination.Failure) as refused:
        destination.choose(found, "2027-01-14", "s3://b/h")
    assert str(refused.value) == message


def test_a_backup_that_is_being_written_is_none(
    settings: destination.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = {"hourly-0": {"state": "writing"}, "daily-3": {"state": "complete"}}
    told = {slot: {**manifest(slot, NOON), **state} for slot, state in slots.items()}
    monkeypatch.setattr(destination, "read_manifest", lambda _s, slot, _h="": told.get(slot, {}))
    assert [one["slot"] for one in destination.read_manifests(settings)] == ["daily-3"]


def test_a_store_that_does_not_answer_is_no_store_without_backups(
    settings: destination.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_flags: Any) -> str:
        raise destination.Failure("vmrestore failed: connection refused")

    monkeypatch.setattr(destination, "run", refuse)
    with pytest.raises(destination.Failure, match="connection refused"):
        destination.read_manifests(settings)


def test_a_program_that_fails_is_reported_with_its_fatal_line(
    settings: destination.Settings, tmp_path: Path
) -> None:
    program = tmp_path / "vmbackup"
    line = "2027-01-15T12:00:00.000Z\\tfatal\\tmain.go:99\\tcannot list dst parts: denied"
    program.write_text(f"#!/bin/sh\nprintf '{line}\\n'; echo goroutine 1; exit 255\n")
    program.chmod(0o755)
    broken = settings._replace(programs={"backup": str(program)})
    with pytest.raises(destination.Failure) as failed:
        destination.run(broken, "backup")
    assert str(failed.value) == "vmbackup failed: cannot list dst parts: denied"


def test_flags_are_written_as_go_reads_them(settings: destination.Settings, tmp_path: Path) -> None:
    program = tmp_path / "vmbackup"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    stated = {"concurrency": 4, "s3ForcePathStyle": True, "credsFilePath": None}
    settings = settings._replace(programs={"backup": str(program)}, flags=stated)
    words = destination.run(settings, "backup", dst="s3://b/h").split()
    assert {"-concurrency=4", "-s3ForcePathStyle=true", "-dst=s3://b/h"} < set(words)
    assert not any("credsFilePath" in word for word in words)


@pytest.mark.parametrize("version", ["victoriametrics-1.112", "victoriametrics-1.149.0"])
@pytest.mark.parametrize("program", ["vmbackup", "vmrestore"])
def test_both_programs_know_every_flag_of_the_role(version: str, program: str) -> None:
    import yaml

    variables = yaml.safe_load((FILES.parent / "vars" / "main.yml").read_text())
    lines = (FLAGS / version / f"{program}.tsv").read_text().splitlines()
    known = {line.split("\t")[0] for line in lines}
    assert set(variables["__vmbackup_args"]) <= known
    assert {"storageDataPath", "httpListenAddr", "loggerFormat"} <= known


# A storage that lost its data


@pytest.mark.parametrize(
    ("counted", "refused"),
    [
        ({}, True),
        ({"2027-01-14": 400}, True),
        ({"2027-01-14": 600}, False),
        ({"2027-01-13": 100, "2027-01-14": 1000, "2027-01-15": 50}, False),
    ],
)
def test_a_storage_that_lost_most_of_its_samples_is_not_backed_up(
    settings: destination.Settings, counted: dict[str, int], refused: bool
) -> None:
    days = {"2026-11-01": 10**9, "2027-01-13": 100, "2027-01-14": 1000}
    newest = manifest("hourly-0", NOON - DAY, days=days)
    if not refused:
        backup.refuse_loss(settings, newest, counted)
        return
    with pytest.raises(destination.Failure) as told:
        backup.refuse_loss(settings, newest, counted)
    assert str(told.value) == (
        f"{settings.data} holds {sum(counted.values())} samples of the days from 2027-01-13 to "
        "2027-01-14, and its newest backup 1100; restore it with restore.yml, or set "
        "vmbackup_accept_fewer_samples if they were removed on purpose"
    )
    backup.refuse_loss(settings._replace(accept_fewer_samples=True), newest, counted)


# Days


def fill(folder: Path, *months: str) -> None:
    for month in months:
        (folder / "data" / "small" / month / "18A0000000000000").mkdir(parents=True)
        (folder / "data" / "small" / month / "parts.json").write_text("{}")


def test_months_are_those_with_parts(tmp_path: Path) -> None:
    fill(tmp_path, "2026_12", "2027_01")
    (tmp_path / "data" / "big" / "2026_11").mkdir(parents=True)
    (tmp_path / "data" / "small" / "snapshots").mkdir()
    assert counting.months(tmp_path) == ["2026_12", "2027_01"]
    assert counting.months(tmp_path / "nothing") == []


def test_days_are_those_of_the_months_within_the_retention(tmp_path: Path) -> None:
    fill(tmp_path, "2026_12", "2027_01")
    days = counting.days_of(tmp_path, NOON, 30 * DAY)
    assert (days[0], days[-1], len(days)) == ("2026-12-17", "2027-01-31", 15 + 31)


@pytest.mark.parametrize(
    ("period", "seconds"),
    [("1y", 365 * DAY), ("15d", 15 * DAY), ("6", 6 * 31 * DAY), ("36h", 36 * 3600)],
)
def test_the_retention_is_read_from_the_unit(
    settings: destination.Settings, period: str, seconds: int
) -> None:
    settings.unit.write_text(f"[Service]\nExecStart=/opt/x -retentionPeriod={period} -a=b\n")
    assert counting.retention_seconds(settings) == seconds


def test_a_host_without_its_storage_is_told(settings: destination.Settings) -> None:
    with pytest.raises(destination.Failure) as told:
        counting.retention_seconds(settings)
    assert str(told.value) == f"{settings.unit} starts no program; run site.yml for this host"


def test_every_day_with_other_samples_is_listed() -> None:
    wanted, found = {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 1, "d": 4}
    fewer = ["b: 2 samples in the backup, 1 found", "c: 3 samples in the backup, 0 found"]
    more = ["d: 0 samples in the backup, 4 found"]
    assert counting.differences(wanted, found, more_is_fine=False) == fewer + more
    assert counting.differences(wanted, found, more_is_fine=True) == fewer


def test_a_day_is_counted_anew_when_a_part_of_it_came_or_went() -> None:
    def part(first: float, last: float) -> list[int]:
        return [10, int(NOON + first * DAY) * 1000, int(NOON + last * DAY) * 1000]

    kept, merged, late = part(-30, -20), part(-5, -4), part(-9, -9)
    before = {"small/2026_12/A": kept, "small/2027_01/B": merged}
    now = {"small/2026_12/A": kept, "small/2027_01/C": part(-4, -3), "small/2027_01/D": late}
    expected = {"2027-01-06", "2027-01-10", "2027-01-11", "2027-01-12"}
    assert counting.touched_days(before, now) == expected
    assert counting.touched_days(now, before) == expected
    assert counting.touched_days(now, now) == set()


def test_parts_are_read_with_their_samples_and_times(tmp_path: Path) -> None:
    fill(tmp_path, "2027_01")
    part = "small/2027_01/18A0000000000000"
    told = {"RowsCount": 5, "BlocksCount": 1, "MinTimestamp": 1, "MaxTimestamp": 2}
    (tmp_path / "data" / part / "metadata.json").write_text(json.dumps(told))
    index = tmp_path / "data" / "indexdb" / "2027_01" / "18B"
    index.mkdir(parents=True)
    (index / "metadata.json").write_text('{"ItemsCount": 3}')
    assert counting.parts_of(tmp_path) == {part: [5, 1, 2]}


def test_every_part_that_is_not_as_it_was_is_listed() -> None:
    wanted, found = (
        {"a": [1, 0, 9], "b": [2, 0, 9], "c": [3, 0, 9]},
        {"a": [1, 0, 9], "b": [2, 0, 8]},
    )
    assert counting.part_differences(wanted, found) == [
        "part b: 2 samples in the backup, 2 restored",
        "part c: 3 samples in the backup, 0 restored",
    ]


# Metrics


def test_the_metrics_are_those_that_rules_may_name() -> None:
    listed = ROOT / "tests" / "unit" / "data" / "metrics" / "meridian" / "vmbackup.txt"
    assert sorted(backup._HELP) == listed.read_text().split()


def test_a_failed_run_keeps_what_is_known_of_the_last_good_one(
    settings: destination.Settings,
) -> None:
    settings.work.mkdir()
    good = manifest("hourly-0", NOON, seconds=2.5, bytes=10, bytes_sent=5, days={"a": 3, "b": 4})
    backup.record(settings, ["hourly"], {"hourly": good}, NOON)
    backup.record(settings, [], {}, NOON + 3600)
    page = (settings.work / "metrics.prom").read_text()
    values = backup.known_metrics(page)
    assert values["meridian_backup_last_run_success"] == {"hourly": 0}
    assert values["meridian_backup_last_run_timestamp_seconds"] == {"hourly": NOON + 3600}
    assert values["meridian_backup_last_success_timestamp_seconds"] == {"hourly": NOON}
    assert values["meridian_backup_last_success_samples"] == {"hourly": 7}
    assert 'meridian_backup_max_age_seconds{storage="vmstorage",kind="daily"} 108000' in page


def test_two_jobs_never_run_at_once(settings: destination.Settings) -> None:
    with (
        backup.alone(settings),
        pytest.raises(destination.Failure, match="another backup or restore runs on this host"),
        backup.alone(settings),
    ):
        pass


# The change of places


@pytest.fixture
def restored(settings: destination.Settings) -> destination.Settings:
    """A storage with old data, and a proven restored folder beside it."""
    settings.work.mkdir()
    (settings.data / "flock.lock").touch()
    for name in ("data", "indexdb", "cache"):
        (settings.data / name).mkdir()
        (settings.data / name / "which").write_text("old")
    for name in ("data", "metadata"):
        (settings.work / "restored" / name).mkdir(parents=True)
        (settings.work / "restored" / name / "which").write_text("new")
    (settings.work / "restored" / "flock.lock").touch()
    restore._write_json(settings.work / "swap.json", {"phase": "out", "into": "replaced-1"})
    return settings


def assert_swapped(settings: destination.Settings) -> None:
    there = sorted(path.name for path in settings.data.iterdir())
    old = sorted(path.name for path in (settings.work / "replaced-1").iterdir())
    assert there == ["data", "flock.lock", "metadata", "vmbackup"]
    assert old == ["cache", "data", "indexdb"]
    assert (settings.data / "data" / "which").read_text() == "new"
    assert (settings.work / "replaced-1" / "data" / "which").read_text() == "old"
    assert sorted(path.name for path in settings.work.iterdir()) == ["replaced-1"]


class Killed(Exception):
    """The moment at which the run ends."""


def test_data_and_restored_folder_change_places(restored: destination.Settings) -> None:
    restore.swap(restored)
    assert_swapped(restored)


@pytest.mark.parametrize("steps", range(10))
def test_an_interrupted_change_of_places_keeps_the_storage_off_and_is_finished_by_the_next_run(
    restored: destination.Settings, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    before = sorted(path.name for path in restored.data.iterdir())
    with monkeypatch.context() as patched:
        left = [steps]

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **options: Any) -> Any:
                if not left[0]:
                    raise Killed
                left[0] -= 1
                return real(*arguments, **options)

            return step

        for name in ("rename", "replace", "touch", "mkdir", "unlink"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        with pytest.raises(Killed):
            restore.swap(restored)
    there = sorted(path.name for path in restored.data.iterdir())
    whole = ["data", "flock.lock", "metadata", "vmbackup"]
    assert there in (before, whole) or restore._LOCK in there
    restore.swap(restored)
    assert_swapped(restored)


def test_a_running_storage_is_refused(settings: destination.Settings) -> None:
    with (
        restore.stopped(settings),
        pytest.raises(destination.Failure, match=r"vmstorage runs on .*; stop it before"),
        restore.stopped(settings),
    ):
        pass


def asked(**more: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"backup": "latest", "source_host": "", "replace": False, **more})


@pytest.fixture
def one_backup(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found = manifest("daily-1", NOON, storage="vmstorage", bytes=1000, days={})
    monkeypatch.setattr(restore, "read_manifests", lambda _settings, _host: [found])
    return found


def test_samples_that_are_there_are_only_replaced_when_that_is_asked_for(
    settings: destination.Settings, one_backup: dict[str, Any]
) -> None:
    fill(settings.data, "2027_01")
    with pytest.raises(destination.Failure) as refused:
        restore.check(settings, asked())
    assert str(refused.value) == (
        f"{settings.data} holds samples of 2027_01; a restore would replace them. Set "
        "restore_replace=true if that is wanted"
    )
    assert restore.check(settings, asked(replace=True)) == one_backup


def test_a_backup_of_the_other_storage_is_refused(
    settings: destination.Settings, one_backup: dict[str, Any]
) -> None:
    one_backup["storage"] = "vmsingle"
    with pytest.raises(destination.Failure) as refused:
        restore.check(settings, asked())
    assert str(refused.value) == (
        f"the backup in {settings.destination.rstrip('/')}/storage-1 is of a vmsingle, and this "
        "host has a vmstorage; their backups do not fit each other"
    )


def test_a_disk_without_room_is_refused(
    settings: destination.Settings, one_backup: dict[str, Any]
) -> None:
    one_backup["bytes"] = 10**18
    with pytest.raises(destination.Failure, match=r"only \d+ free; make room"):
        restore.check(settings, asked())
