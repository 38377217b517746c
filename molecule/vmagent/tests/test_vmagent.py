"""An agent, its gateway and its storage; side_effect.yml came before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from samples import becomes, eventually, metric, query, request, vector

testinfra_hosts = ["agent-1"]

CONFIG = "/etc/meridian/vmagent"
LABELS = {
    "env": "prod",
    "region": "us-east-1",
    "storage_region": "us-east-1",
    "cluster": "us-east-1-eks-01-prod",
    "availability_zone": "us-east-1a",
}


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:8429"


@pytest.fixture
def storage(host: Any) -> str:
    """The base URL of the storage, past the gateway."""
    name = "gateway.us-east-1.meridian.internal"
    return f"http://{host.check_output(f'getent ahostsv4 {name}').split()[0]}:8428"


@pytest.fixture
def kept(host: Any) -> Callable[[str], str]:
    """What side_effect.yml kept."""
    return lambda name: str(host.check_output(f"cat /root/side_effect/{name}"))


@pytest.fixture
def password(host: Any) -> str:
    return str(host.check_output(f"cat {CONFIG}/password")).strip()


def main_pid(host: Any) -> str:
    return str(host.check_output("systemctl show -P MainPID meridian-vmagent"))


def labels_of(storage: str, expression: str) -> list[dict[str, str]]:
    """Return the labels of the series that an instant query finds, without their name."""
    return [dict(key) for key in vector(query(storage, f"({expression}) + 0"))]


def stored(storage: str, name: str, since: float) -> list[tuple[float, float]]:
    """Return the times and values that the storage has of the scrapes that are numbered."""
    request(f"{storage}/internal/force_flush")
    selector = {"match[]": f'{name}{{job="numbers"}}', "start": f"{since:.3f}"}
    exported = request(f"{storage}/api/v1/export?{urlencode(selector)}").text
    series = [json.loads(line) for line in exported.splitlines()]
    samples = [
        pair for one in series for pair in zip(one["timestamps"], one["values"], strict=True)
    ]
    # A scrape that failed ends a series, which is exported as null.
    return sorted((at / 1000, value) for at, value in samples if value is not None)


def test_it_is_healthy(url: str) -> None:
    assert request(f"{url}/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmagent") == []


def test_the_units_of_the_package_stay_off(host: Any) -> None:
    assert not host.service("victoria-metrics").is_running


def test_its_own_samples_arrive_with_the_hosts_name_and_the_five_labels(storage: str) -> None:
    expected = LABELS | {"job": "vmagent", "instance": "agent-1"}
    eventually(lambda: labels_of(storage, 'up{job="vmagent"}'))
    assert labels_of(storage, 'up{job="vmagent"}') == [expected]


def test_every_stored_series_has_the_five_labels(storage: str) -> None:
    by = ",".join(LABELS)
    eventually(lambda: labels_of(storage, "up"))
    assert labels_of(storage, f'count by ({by}) ({{__name__!=""}})') == [LABELS]


def test_the_components_of_the_region_are_scraped_under_their_hosts_names(storage: str) -> None:
    def up() -> set[tuple[str, str, float]]:
        series = vector(query(storage, "up"))
        return {(dict(k)["job"], dict(k)["instance"], value) for k, value in series.items()}

    expected = {
        # Every host has a node exporter, which its own role installs, and this scenario does not.
        ("node_exporter", "agent-1", 0),
        ("node_exporter", "gateway-1", 0),
        ("vmagent", "agent-1", 1),
        ("vmauth", "gateway-1", 1),
        ("vmsingle", "gateway-1", 1),
        ("application", "shop-1", 1),
        ("numbers", "numbers", 1),
    }
    becomes(up, expected, seconds=120)


def test_the_configuration_is_parsed_strictly(url: str) -> None:
    assert '-promscrape.config.strictParse="true"' in request(f"{url}/flags").text.replace("'", '"')


def test_an_added_job_was_taken_over_without_a_new_process(
    host: Any, url: str, kept: Callable[[str], str]
) -> None:
    assert "job_name: application" in host.file(f"{CONFIG}/scrape.yml").content_string
    assert "application" in request(f"{url}/api/v1/targets").text
    assert metric(url, "vm_promscrape_config_last_reload_successful") == 1
    assert main_pid(host) == kept("pid")


def test_a_misspelt_job_was_refused_before_anything_changed(
    host: Any, kept: Callable[[str], str]
) -> None:
    files = f"{CONFIG} /etc/systemd/system/meridian-vmagent.service"
    sums = host.check_output(f"find {files} -type f -exec sha256sum {{}} +")
    assert "static_config not found" in kept("refusal")
    assert sorted(sums.splitlines()) == kept("in_place").splitlines()
    assert main_pid(host) == kept("pid")


def test_no_sample_of_an_outage_is_lost_when_another_destination_is_removed_in_it(
    url: str, storage: str, kept: Callable[[str], str]
) -> None:
    ran, stopped, restart_begins, restarted, back = (
        float(kept(name))
        for name in (
            "agent_ran",
            "gateway_stopped",
            "agent_stopped",
            "agent_started",
            "gateway_started",
        )
    )

    def lost() -> list[tuple[float, float]]:
        """Return between which times numbers are missing."""
        found = stored(storage, "scrape_number", ran)
        # One that took too long has got a number too, and so may one that a restart broke off.
        failed = [at for at, is_up in stored(storage, "up", ran) if not is_up]
        return [
            (a, b)
            for (a, first), (b, last) in zip(found, found[1:], strict=False)
            if a < back
            and last - first - 1
            > sum(a < at < b for at in failed) + (a < restarted and restart_begins < b)
        ]

    # An agent that was refused for some time tries again after a minute.
    eventually(lambda: metric(url, "vmagent_remotewrite_pending_data_bytes") == 0, seconds=180)
    eventually(lambda: stored(storage, "scrape_number", back), seconds=180)
    becomes(lost, [], seconds=180)
    times = [at for at, _number in stored(storage, "scrape_number", ran)]
    assert times[0] < stopped
    assert len([at for at in times if stopped < at < restart_begins]) > 1
    assert len([at for at in times if restarted < at < back]) > 1


def test_the_queue_outlives_restarts_and_has_a_limit(host: Any, url: str) -> None:
    queue = host.file("/var/lib/vmagent/persistent-queue")
    flags = request(f"{url}/flags").text
    assert queue.is_directory
    assert (queue.user, queue.group) == ("vmagent", "vmagent")
    assert '-remoteWrite.tmpDataPath="/var/lib/vmagent"' in flags
    # 24 h at 10,000 samples a second and 6 bytes a sample
    assert '-remoteWrite.maxDiskUsagePerURL="5500MB"' in flags


def test_the_password_is_for_its_group_only(host: Any, password: str) -> None:
    file = host.file(f"{CONFIG}/password")
    assert (file.user, file.group, file.mode) == ("root", "vmagent", 0o640)
    assert len(password) >= 16
    assert host.run(f"runuser -u nobody -- cat {CONFIG}/password").rc != 0


def test_the_password_is_in_no_file_that_others_read(host: Any, password: str) -> None:
    readable = (
        f"find /etc /opt /run /tmp /var -xdev -type f -perm /o=r -exec grep -lF {password} {{}} +"
    )
    assert host.run(readable).stdout == ""


def test_the_password_is_in_no_process_list_and_in_no_log(host: Any, password: str) -> None:
    assert password not in host.check_output("ps -eo args")
    assert password not in host.check_output("systemctl show meridian-vmagent")
    assert password not in host.check_output("journalctl --no-pager")


def test_the_gateways_name_is_in_the_hosts_file(host: Any) -> None:
    hosts = host.file("/etc/hosts")
    assert hosts.mode == 0o644
    assert re.search(
        r"^[0-9.]+ gateway\.us-east-1\.meridian\.internal$", hosts.content_string, re.M
    )
    assert "localhost" in hosts.content_string


def test_its_caches_take_no_more_than_its_share_of_the_memory(url: str) -> None:
    allowed, available = (
        metric(url, f"vm_{name}_memory_bytes") for name in ("allowed", "available")
    )
    assert 0 < allowed <= 0.6 * available
