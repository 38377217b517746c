"""A whole fleet after site.yml; for each inventory of a scenario fleet_<inventory>."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fleet import CREDENTIALS, INVENTORY, ask, play, stopped
from samples import eventually, metric

testinfra_hosts = ["eu-west-1-agent-1"]

REGIONS = ["ap-northeast-1", "ap-southeast-1", "eu-west-1", "us-east-1"]
CLUSTERS = {
    "ap-northeast-1-eks-01-beta": "ap-northeast-1",
    "ap-southeast-1-eks-01-dev": "ap-southeast-1",
    "ap-southeast-1-eks-01-prod": "ap-southeast-1",
    "eu-west-1-eks-01-prod": "eu-west-1",
    "eu-west-1-eks-01-prod-legacy": "eu-west-1",
    "us-east-1-eks-01-prod": "us-east-1",
    "us-east-1-eks-02-prod": "us-east-1",
}
LEGACY = "eu-west-1-eks-01-prod-legacy"
# 8429 of the agents; see the inventories.
AGENT = "http://10.20.2.31:8429"
# In the inventory of the storage cluster each region's file is enough for its team.
STATES_OTHER_REGIONS = INVENTORY.name == "centralized"
# After a run that finds nothing to do in eu-west-1.
UNCHANGED = {
    "eu-west-1-agent-1": 0,
    "eu-west-1-legacy-1": 0,
    "eu-west-1-receiver-1": 0,
}
SCRAPE_CONFIG = "/etc/meridian/vmagent/scrape.yml"


@contextmanager
def hand_edited(host: Any, path: str) -> Iterator[str]:
    """Add a line to a file, and give back what stood there before."""
    before = str(host.check_output(f"sha256sum {path}"))
    host.check_output(f"echo '# edited' >> {path}")
    assert host.check_output(f"sha256sum {path}") != before
    yield before


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What verify.yml saw."""
    path = tmp_path_factory.mktemp("verify") / "report.json"
    run = play("verify.yml", "-e", f"verify_report={path}")
    assert run.status == 0, run.output
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def test_verify_finds_every_cluster_and_every_pair_of_regions(report: dict[str, Any]) -> None:
    assert report["problems"] == []
    assert report["regions"] == REGIONS
    assert {name: each["region"] for name, each in report["clusters"].items()} == CLUSTERS
    scraped = {name: each["series"] for name, each in report["clusters"].items() if name != LEGACY}
    assert min(scraped.values()) > 340, scraped
    pairs = {(source, target) for source, row in report["probe_seconds"].items() for target in row}
    assert pairs == {(a, b) for a in REGIONS for b in REGIONS if a != b}


@pytest.mark.usefixtures("report")
def test_verify_shows_no_password() -> None:
    run = play("verify.yml", "-vvv")
    passwords = [file.read_text().strip() for file in CREDENTIALS.iterdir()]
    assert len(passwords) == len(CLUSTERS) + 3
    assert not [each for each in passwords if each in run.output]


@pytest.mark.usefixtures("report")
def test_verify_lists_what_is_missing(host: Any) -> None:
    host.check_output("systemctl stop meridian-mock_exporter")
    seen = 'up{job="mock_exporter",instance="eu-west-1-agent-1"} == 0'
    try:
        eventually(lambda: ask(seen), seconds=120)
        run = play("verify.yml", "-e", "verify_seconds=5", "--limit", "eu_west_1")
    finally:
        host.check_output("systemctl start meridian-mock_exporter")
    assert run.status != 0
    assert (
        "eu-west-1: mock_exporter on eu-west-1-agent-1 does not answer the agent of cluster "
        "'eu-west-1-eks-01-prod'"
    ) in run.output


@pytest.mark.usefixtures("report")
def test_every_host_is_scraped_under_its_own_name() -> None:
    up = ask('count by (instance) (up{job!="probe",cluster!~".*-legacy"})')
    inventory = subprocess.run(
        ["ansible-inventory", "-i", str(INVENTORY), "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {dict(key)["instance"] for key in up} == set(
        json.loads(inventory.stdout)["_meta"]["hostvars"]
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tags", "vmagent"],
        ["--tags", "install", "--limit", "eu_west_1"],
        ["--tags", "configure", "--limit", "eu_west_1"],
    ],
    ids=" ".join,
)
def test_a_tag_alone_mends_what_it_is_about(host: Any, arguments: list[str]) -> None:
    with hand_edited(host, SCRAPE_CONFIG) as before:
        run = play("site.yml", *arguments)
    assert run.status == 0, run.output
    assert {name for name, count in run.changed.items() if count} == {"eu-west-1-agent-1"}
    assert host.check_output(f"sha256sum {SCRAPE_CONFIG}") == before


def test_a_components_tag_touches_no_other_component(host: Any) -> None:
    with hand_edited(host, SCRAPE_CONFIG) as before:
        other = play("site.yml", "--tags", "vmauth")
        assert host.check_output(f"sha256sum {SCRAPE_CONFIG}") != before
        play("site.yml", "--tags", "vmagent")
    assert other.status == 0, other.output
    assert not any(other.changed.values())
    assert re.findall(r"^TASK \[.*Stage (\S+)\]", other.output, re.M) == ["vmauth"]


def test_a_limit_gives_a_region_the_same_configuration() -> None:
    run = play("site.yml", "--limit", "eu_west_1")
    assert run.status == 0, run.output
    assert run.changed == UNCHANGED


def test_the_file_of_a_region_alone_is_enough_where_the_others_are_stated() -> None:
    alone = INVENTORY / "eu-west-1.yml"
    run = play("site.yml", inventory=alone)
    if STATES_OTHER_REGIONS:
        verified = play("verify.yml", inventory=alone)
        assert run.status == 0, run.output
        assert run.changed == UNCHANGED
        assert verified.status == 0, verified.output
    else:
        assert run.status != 0
        assert "gateway_addresses" in run.output
        assert not re.search(r"^TASK \[.*Stage", run.output, re.M)


def test_check_mode_changes_nothing_and_says_what_it_would(host: Any) -> None:
    with hand_edited(host, SCRAPE_CONFIG) as before:
        run = play("site.yml", "--check", "--diff", "--tags", "vmagent")
        edited = host.check_output(f"sha256sum {SCRAPE_CONFIG}")
        play("site.yml", "--tags", "vmagent")
    assert run.changed["eu-west-1-agent-1"] > 0
    assert "-# edited" in run.output
    assert edited != before


def test_agents_go_on_while_a_gateway_is_away() -> None:
    lost = metric(AGENT, "vmagent_remotewrite_packets_dropped_total")
    with stopped(("us-east-1-gateway-2", "meridian-vmauth")):
        since = time.time()
        eventually(lambda: newest("eu-west-1-eks-01-prod") > since + 5, seconds=180)
    eventually(lambda: metric(AGENT, "vmagent_remotewrite_pending_data_bytes") == 0, seconds=180)
    assert metric(AGENT, "vmagent_remotewrite_packets_dropped_total") == lost


def test_a_new_password_reaches_the_gateways_and_the_clusters_agent(host: Any) -> None:
    lost = metric(AGENT, "vmagent_remotewrite_packets_dropped_total")
    process = host.check_output("systemctl show -P MainPID meridian-vmagent")
    stored = CREDENTIALS / "eu-west-1-eks-01-prod.txt"
    stored.write_text(f"renewed-{stored.read_text()}")
    run = play("site.yml", "--tags", "vmauth,vmagent")
    changed = {name for name, count in run.changed.items() if count}
    assert changed == {"us-east-1-gateway-1", "us-east-1-gateway-2", "eu-west-1-agent-1"}
    assert host.check_output("systemctl show -P MainPID meridian-vmagent") == process
    started = time.time()
    # An agent that was refused in between waits for up to a minute.
    eventually(lambda: newest("eu-west-1-eks-01-prod") > started, seconds=180)
    assert metric(AGENT, "vmagent_remotewrite_packets_dropped_total") == lost


def newest(cluster: str) -> float:
    """Return the time of a cluster's newest sample, in seconds."""
    times = ask(f'max(timestamp(up{{cluster="{cluster}",job="vmagent"}}))')
    return max(times.values(), default=0.0)
