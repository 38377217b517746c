"""The exporter of what a host is doing: as hardened as it is, it sees what root sees."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from samples import eventually, labels, metric, request

SERVICE = "meridian-node_exporter"
PLAIN_PORT = 9199
# What only root may read of a machine: serial numbers, and the energy that processors take.
FOR_ROOT = ("node_dmi_info", "node_rapl_")
# Of the exporter's own process and of each scrape; and a state is only there with a process or a
# thread in it.
OWN = (
    "go_",
    "process_",
    "promhttp_",
    "node_scrape_collector_duration_seconds",
    "node_processes_state",
    "node_processes_threads_state",
)


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:9100"


def main_pid(host: Any) -> str:
    return str(host.check_output(f"systemctl show -P MainPID {SERVICE}"))


def series(url: str) -> dict[str, str]:
    """Value by series of a page of metrics."""
    lines = [line for line in request(f"{url}/metrics").text.splitlines() if line[0] != "#"]
    return {name: value for name, _, value in (line.rpartition(" ") for line in lines)}


def compared(found: dict[str, str]) -> dict[str, str]:
    return {name: found[name] for name in found if not name.startswith((*OWN, *FOR_ROOT))}


@pytest.fixture
def plain(host: Any, address: str) -> Iterator[str]:
    """The same program with the same flags, run by root and not confined at all."""
    command = host.check_output(f"tr '\\0' '\\n' < /proc/{main_pid(host)}/cmdline").splitlines()
    command = [word for word in command if not word.startswith("--web.listen-address")]
    words = [*command, f"--web.listen-address=:{PLAIN_PORT}"]
    host.check_output(f"systemd-run --unit=plain {shlex.join(words)}")
    url = f"http://{address}:{PLAIN_PORT}"
    try:
        eventually(lambda: host.run(f"curl -sf {url} -o /dev/null").rc == 0)
        yield url
    finally:
        host.check_output("systemctl stop plain; systemctl reset-failed plain || true")


def test_it_sees_every_series_that_root_sees(url: str, plain: str) -> None:
    confined, free = compared(series(url)), compared(series(plain))
    assert len(free) > 300
    assert sorted(free.keys() - confined.keys()) == []
    assert sorted(confined.keys() - free.keys()) == []


STABLE = (
    "node_boot_time_seconds",
    "node_filesystem_device_error",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_MemTotal_bytes",
    "node_network_info",
    "node_os_info",
    "node_scrape_collector_success",
    "node_timex_status",
    "node_uname_info",
)


@pytest.mark.parametrize("name", STABLE)
def test_it_sees_what_root_sees(url: str, plain: str, name: str) -> None:
    def of_that_name(page: str) -> dict[str, str]:
        found = series(page)
        return {one: found[one] for one in found if re.split("[{]", one)[0] == name}

    assert of_that_name(plain)
    assert of_that_name(url) == of_that_name(plain)


@pytest.mark.parametrize(
    "name",
    [
        "node_cpu_seconds_total",
        "node_disk_reads_completed_total",
        "node_filesystem_avail_bytes",
        "node_load1",
        "node_memory_MemAvailable_bytes",
        "node_netstat_Tcp_CurrEstab",
        "node_network_receive_bytes_total",
        "node_procs_running",
        "node_timex_sync_status",
        "node_vmstat_pgfault",
    ],
)
def test_it_tells_what_dashboards_and_rules_ask_for(url: str, name: str) -> None:
    assert [one for one in series(url) if re.split("[{]", one)[0] == name]


def test_the_root_file_system_is_looked_at(url: str) -> None:
    assert metric(url, "node_filesystem_size_bytes", mountpoint="/") > 0
    assert metric(url, "node_filesystem_readonly", mountpoint="/") == 0


def test_mounts_of_the_system_are_left_out(url: str) -> None:
    mounts = labels(url, "node_filesystem_size_bytes", "mountpoint")
    assert [one for one in mounts if re.match(r"/(dev|etc|proc|root|run|sys)\b", one)] == []


@pytest.mark.parametrize("folder", ["/srv/later", "/home/later", "/var/lib/docker"])
def test_a_file_system_that_is_mounted_later_is_seen(host: Any, url: str, folder: str) -> None:
    host.check_output(f"mkdir -p {folder} && mount -t tmpfs -o size=7m none {folder}")
    try:
        assert metric(url, "node_filesystem_size_bytes", mountpoint=folder) == 7 * 1024**2
        assert metric(url, "node_filesystem_device_error", mountpoint=folder) == 0
    finally:
        host.check_output(f"umount {folder}")


def test_collectors_are_switched_on_and_off(url: str) -> None:
    switched = labels(url, "node_scrape_collector_success", "collector")
    assert "processes" in switched
    assert "zfs" not in switched
    assert "systemd" not in switched


def test_metrics_of_other_programs_are_shown(host: Any, url: str) -> None:
    folder = "/var/lib/node_exporter/textfile"
    host.check_output(f"echo 'backup_success 1' > {folder}/backup.prom")
    assert series(url)["backup_success"] == "1"
    assert series(url)["node_textfile_scrape_error"] == "0"


def test_a_user_who_is_given_the_folder_can_write_to_it(host: Any) -> None:
    folder = host.file("/var/lib/node_exporter/textfile")
    assert (folder.user, folder.group, folder.mode) == ("root", "root", 0o755)


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("node_exporter") == []


def test_it_has_no_privilege(host: Any) -> None:
    status = host.file(f"/proc/{main_pid(host)}/status").content_string
    sets = dict(re.findall(r"^(Cap\w+):\t(\w+)$", status, flags=re.MULTILINE))
    assert {int(value, 16) for value in sets.values()} == {0}
    uid = host.user("node_exporter").uid
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status


def test_the_units_of_the_package_stay_off(host: Any) -> None:
    assert host.service("prometheus-node-exporter").is_masked
    assert not host.service("prometheus-node-exporter").is_running


@pytest.fixture
def seen(host: Any) -> Any:
    """What side_effect.yml saw."""
    return json.loads(host.file("/root/side_effect.json").content_string)


def test_a_collector_that_does_not_exist_was_refused(seen: Any) -> None:
    assert "unknown long flag '--collector.proceses'" in seen["refusal"]
    assert seen["after"] == seen["before"]
