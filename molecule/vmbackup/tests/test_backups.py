"""Backups of a vmsingle: to a folder of the host, and to an emulation of a store that speaks S3."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from samples import eventually

if TYPE_CHECKING:
    from conftest import Storage

DAY = 86400
# A folder on which only a folder's tests look.
FOLDER = "/srv/backups/vmbackup-1"


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def test_its_unit_is_confined_and_yields_to_the_storage(host: Any) -> None:
    report = host.check_output("systemd-analyze security --no-pager meridian-vmbackup.service")
    level = re.search(r"exposure level for \S+: ([0-9.]+)", report)
    shown = host.check_output("systemctl show meridian-vmbackup -p User -p CPUWeight -p IOWeight")
    assert level
    assert float(level[1]) < 2.0
    assert set(shown.split()) == {"User=vmsingle", "CPUWeight=20", "IOWeight=20"}


def test_its_timer_runs_and_makes_up_for_what_was_missed(host: Any) -> None:
    timer = host.service("meridian-vmbackup.timer")
    assert timer.is_running
    assert timer.is_enabled
    shown = host.check_output(
        "systemctl show meridian-vmbackup.timer"
        " -p Persistent -p RandomizedDelayUSec -p NextElapseUSecRealtime"
    )
    year = time.gmtime().tm_year + 1
    assert "Persistent=yes" in shown
    assert "RandomizedDelayUSec=1h" in shown
    assert f"{year}-01-01 00:" in shown


def test_its_secrets_are_in_files_that_others_cannot_read(host: Any, storage: Storage) -> None:
    secret = {"vmbackup-1": "snapshot_auth_key", "vmbackup-2": "credentials"}[storage.name]
    file = host.file(f"/etc/meridian/vmbackup/{secret}")
    words = host.check_output(f"cat {file.path}").split()
    assert (file.user, file.group, file.mode) == ("root", "vmsingle", 0o640)
    for path in (
        "/etc/meridian/vmbackup/settings.json",
        "/etc/systemd/system/meridian-vmbackup.service",
    ):
        text = host.check_output(f"cat {path}").split()
        assert words[-1] not in text


def test_a_run_makes_the_hourly_backup_and_the_days_first_the_daily_too(storage: Storage) -> None:
    storage.write('first{a="b"}')
    storage.back_up()
    first = storage.newest()
    storage.write('second{a="b"}', days=1)
    storage.back_up()
    second = storage.newest()

    assert (first["kind"], second["kind"]) == ("hourly", "hourly")
    assert {first["slot"], second["slot"]} == {"hourly-0", "hourly-1"}
    assert storage.backup_metric("last_success_timestamp_seconds", "daily") == first["time"]
    assert storage.backup_metric("last_success_timestamp_seconds", "hourly") == second["time"]
    assert storage.backup_metric("last_run_success", "hourly") == 1


def test_a_manifest_counts_the_samples_of_each_day(storage: Storage) -> None:
    storage.write('counted{a="b"}', days=4, step=60)
    storage.back_up()

    days = storage.newest()["days"]
    assert sum(days.values()) == storage.count()
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - DAY))
    assert days[yesterday] >= DAY / 60
    assert storage.backup_metric("last_success_samples", "hourly") == sum(days.values())


def test_only_what_is_new_is_sent(storage: Storage) -> None:
    storage.write('bulk{a="b"}', days=4, step=15)
    storage.back_up()

    def sends_little() -> bool:
        storage.back_up()
        sent = storage.backup_metric("last_success_sent_bytes", "hourly")
        return sent < storage.backup_metric("last_success_size_bytes", "hourly") / 5

    # What the storage has merged since the run before is new.
    eventually(sends_little)


def test_no_snapshot_and_no_copy_is_left(host: Any, storage: Storage) -> None:
    storage.back_up()
    assert host.check_output("ls /var/lib/vmsingle/snapshots") == ""
    left = set(host.check_output("ls /var/lib/vmsingle/vmbackup").split())
    assert left - {"restored.json"} == {"count.log", "lock", "metrics.prom"}


def test_a_run_that_is_killed_leaves_the_last_good_backup(
    host: Any, storage: Storage, slowly: Callable[[int], None]
) -> None:
    storage.back_up()
    good = storage.newest()
    for number in range(20):
        storage.write(f'killed{{number="{number}"}}', days=2, step=30)
    slowly(500)
    host.check_output("systemctl start --no-block meridian-vmbackup")
    eventually(lambda: host.run("pgrep -f '[v]mbackup .*hourly-.*/backup'").rc == 0, seconds=180)
    host.check_output("systemctl kill -s KILL meridian-vmbackup")
    eventually(lambda: host.run("systemctl is-failed meridian-vmbackup").rc == 0)

    assert storage.newest() == good
    slowly(0)
    storage.back_up()
    assert storage.newest()["time"] > good["time"]
    assert host.check_output("ls /var/lib/vmsingle/snapshots") == ""


def test_a_storage_that_lost_its_data_does_not_replace_its_backups(storage: Storage) -> None:
    storage.write('lost{a="b"}', days=2, step=15)
    storage.back_up()
    good = storage.newest()
    storage.lose_data()
    said = storage.fails_to_back_up()

    assert "ERROR: /var/lib/vmsingle holds 0 samples of the days from" in said
    assert "restore it with restore.yml" in said
    assert storage.newest() == good
    assert storage.backup_metric("last_run_success", "hourly") == 0

    restored = storage.restore()
    assert restored.returncode == 0, restored.stdout
    storage.back_up()
    assert storage.newest()["days"] == good["days"]


def test_a_lost_host_is_restored_with_every_sample_of_every_day(
    host: Any, storage: Storage
) -> None:
    storage.write('precious{a="b"}', days=6, step=30)
    storage.back_up()
    wanted, count = storage.newest()["days"], storage.count()
    storage.lose_host()
    restored = storage.restore()

    assert restored.returncode == 0, restored.stdout
    assert (
        f"{len(wanted)} days with {count} samples in the backup, {count} restored, {count} answered"
        in (restored.stdout)
    ), (wanted, count, restored.stdout)
    assert storage.count() == count
    owners = host.check_output("find /var/lib/vmsingle ! -user vmsingle -o ! -group vmsingle")
    assert owners == ""
    assert host.check_output("find /var/lib/vmsingle -mindepth 1 -perm /077") == ""
    assert host.service("meridian-vmbackup.timer").is_running


def test_a_storage_with_samples_is_refused_and_not_stopped(storage: Storage) -> None:
    storage.write('kept{a="b"}', days=1)
    storage.back_up()
    count, pid = storage.count(), storage.pid()
    refused = storage.restore()

    assert refused.returncode == 2
    assert "a restore would replace them. Set restore_replace=true" in refused.stdout
    assert (storage.count(), storage.pid()) == (count, pid)


def test_a_day_without_a_backup_is_refused_and_the_days_are_listed(storage: Storage) -> None:
    storage.back_up()
    pid = storage.pid()
    refused = storage.restore("restore_from=2020-01-01", "restore_replace=true")

    assert refused.returncode == 2
    assert "there is no complete backup of 2020-01-01" in refused.stdout
    assert f"write latest or one of: {today()}" in refused.stdout
    assert storage.pid() == pid


def test_a_host_without_backups_is_refused(storage: Storage) -> None:
    pid = storage.pid()
    refused = storage.restore("restore_source=somebody-else", "restore_replace=true")

    assert refused.returncode == 2
    assert "there is no complete backup in" in refused.stdout
    assert storage.pid() == pid


def test_samples_since_the_backup_are_replaced_when_that_is_asked_for(
    host: Any, storage: Storage
) -> None:
    storage.back_up()
    count = storage.count()
    storage.write('unwanted{a="b"}', days=1, step=60)
    assert storage.count() > count
    restored = storage.restore(
        f"restore_from={today()}", "restore_replace=true", "restore_keep=true"
    )

    assert restored.returncode == 0, restored.stdout
    assert storage.count() == count
    assert host.run("ls -d /var/lib/vmsingle/vmbackup/replaced-*/data").rc == 0
    host.check_output("rm -rf /var/lib/vmsingle/vmbackup/replaced-*")


def test_a_backup_that_lacks_samples_replaces_nothing(host: Any, storage: Storage) -> None:
    if storage.name != "vmbackup-1":
        return  # a folder's files can be damaged by hand
    storage.write('whole{a="b"}', days=3, step=30)
    storage.back_up()
    count, slot = storage.count(), storage.newest()["slot"]
    backup = f"{FOLDER}/{slot}/backup"
    kept = shlex.quote("/srv/kept")
    host.check_output(f"cp -a {backup} {kept}")
    # A part less, and the list of parts says so: vmrestore itself finds nothing wrong with it.
    [months] = host.check_output(f"ls -d {backup}/data/small/*_*").splitlines()[-1:]
    parts = [name for name in host.check_output(f"ls {months}").split() if name != "parts.json"]
    host.check_output(f"rm -r {months}/{parts[0]}")
    [listing] = host.check_output(f"find {months}/parts.json -type f").split()
    told = json.loads(host.check_output(f"cat {listing}"))
    told["Small"].remove(parts[0])
    text = json.dumps(told, separators=(",", ":"))
    size = f"{len(text):016X}"
    written = f"{months}/parts.json/{size}_{0:016X}_{size}"
    host.check_output(f"rm {listing}; printf %s {shlex.quote(text)} > {written}")
    try:
        failed = storage.restore("restore_replace=true")
        assert failed.returncode == 2
        assert (
            "the restored samples are not those of the backup, so nothing was replaced"
            in failed.stdout
        )
        part = rf"part small/\d+_\d+/{parts[0]}: ([1-9]\d*) samples in the backup, 0 restored"
        assert re.search(part, failed.stdout), failed.stdout
        assert storage.count() == count
    finally:
        host.check_output(f"rm -rf {backup}; mv {kept} {backup}")
