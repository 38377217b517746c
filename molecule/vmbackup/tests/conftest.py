"""A host whose storage is filled, backed up, lost and restored."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from object_store import emulated_s3
from samples import eventually, import_text, metric, query, request, vector

ROOT = Path(__file__).parents[3]
DAY = 86400
S3_PORT = 29001


@pytest.fixture(scope="session", autouse=True)
def store() -> Iterator[None]:
    """The emulation of S3 that vmbackup-2 knows."""
    with emulated_s3(S3_PORT, "backups"):
        yield


class Storage:
    """The vmsingle of a host, and the host's backups of it."""

    def __init__(self, host: Any, address: str, name: str) -> None:
        self.host = host
        self.name = name
        self.url = f"http://{address}:8428"
        self.exporter = f"http://{address}:9100"

    def write(self, series: str, *, days: int = 5, step: int = 600) -> None:
        """Write a sample of a series for every step of the last days."""
        before = self.count()
        now = int(time.time())
        lines = [
            f"{series} {second % 997} {second}000" for second in range(now - days * DAY, now, step)
        ]
        assert import_text(self.url, "\n".join(lines)).status == 204
        request(f"{self.url}/internal/force_flush")
        # What was asked before finds a series that is new after 11 seconds at the latest.
        eventually(lambda: self.count() >= before + len(lines))
        # A snapshot leaves out what is being merged in memory at that moment, such as the day of a
        # series that is new (flushInmemoryPartsToFiles in VictoriaMetrics' lib/mergeset).
        eventually(lambda: metric(self.url, "vm_active_merges") == 0)

    def count(self) -> int:
        """All samples that the storage answers."""
        request(f"{self.url}/internal/resetRollupResultCache")
        found = vector(query(self.url, 'sum(count_over_time({__name__!=""}[30d]))'))
        return int(sum(found.values()))

    def back_up(self) -> None:
        self.host.check_output("systemctl start meridian-vmbackup")

    def fails_to_back_up(self) -> str:
        """Run a backup that has to fail and return what it said."""
        cursor = self.host.check_output("journalctl -n0 --show-cursor").split("cursor: ")[1]
        assert self.host.run("systemctl start meridian-vmbackup").rc != 0
        self.host.run("journalctl --sync")
        unit = "_SYSTEMD_UNIT=meridian-vmbackup.service"
        return str(
            self.host.check_output(f"journalctl {unit} -o cat --after-cursor={shlex.quote(cursor)}")
        )

    def ask(self, *arguments: str) -> dict[str, Any]:
        """What restore.py of the role says on the host."""
        words = [
            "runuser",
            "-u",
            "vmsingle",
            "--",
            "python3",
            "-B",
            "/etc/meridian/vmbackup/restore.py",
        ]
        words += ["/etc/meridian/vmbackup/settings.json", *arguments]
        found: dict[str, Any] = json.loads(self.host.check_output(f"cd / && {shlex.join(words)}"))
        return found

    def newest(self) -> dict[str, Any]:
        """The manifest of the newest complete backup."""
        return self.ask("check", "--replace")

    def backup_metric(self, name: str, kind: str) -> float:
        page = request(f"{self.exporter}/metrics").text
        [line] = [
            line
            for line in page.splitlines()
            if line.startswith(f"meridian_backup_{name}{{") and f'kind="{kind}"' in line
        ]
        return float(line.rsplit(" ", 1)[1])

    def lose_data(self) -> None:
        """Let the storage run on without anything that it held."""
        self.host.check_output("systemctl stop meridian-vmsingle")
        self.host.check_output("find /var/lib/vmsingle -mindepth 1 -delete")
        self.host.check_output("systemctl start meridian-vmsingle")
        eventually(lambda: self.host.run(f"curl -sf {self.url}/health").rc == 0, seconds=120)

    def lose_host(self) -> None:
        """Let the host be as new, but for its packages."""
        self.host.check_output("systemctl disable --now meridian-vmbackup.timer meridian-vmsingle")
        self.host.check_output(
            "rm -rf /var/lib/vmsingle /opt/meridian /etc/meridian /var/lib/meridian"
        )
        self.host.check_output(
            "rm -f /etc/systemd/system/meridian-vm* /var/lib/node_exporter/textfile/*"
        )
        self.host.check_output("userdel vmsingle; systemctl daemon-reload")

    def pid(self) -> int:
        return int(self.host.check_output("systemctl show -P MainPID meridian-vmsingle"))

    def restore(self, *extra: str) -> subprocess.CompletedProcess[str]:
        """Run restore.yml for this host."""
        variables = [word for one in (f"restore_hosts={self.name}", *extra) for word in ("-e", one)]
        return _play(["restore.yml", *variables])


def _play(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    playbook = ["-i", os.environ["MOLECULE_INVENTORY_FILE"], str(ROOT / "playbooks" / words[0])]
    done = subprocess.run(
        ["ansible-playbook", *playbook, *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
    )
    # Ansible breaks long lines.
    done.stdout = " ".join(done.stdout.split())
    return done


@pytest.fixture
def storage(host: Any, address: str) -> Storage:
    return Storage(host, address, host.ansible.get_variables()["inventory_hostname"])


@pytest.fixture
def slowly(host: Any) -> Iterator[Callable[[int], None]]:
    """Limit how fast backups are sent, in bytes per second, until the test ends."""
    path = "/etc/meridian/vmbackup/settings.json"
    usual = host.check_output(f"cat {path}")

    def limit(bytes_per_second: int) -> None:
        stated = json.loads(usual)
        stated["flags"]["maxBytesPerSecond"] = bytes_per_second
        text = shlex.quote(json.dumps(stated))
        host.check_output(f"printf %s {text} > {path}")

    yield limit
    host.check_output(f"printf %s {shlex.quote(usual)} > {path}")
