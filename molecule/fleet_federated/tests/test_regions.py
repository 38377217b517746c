"""What each region stores, and what the view of all shows, in a whole federated fleet."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import fleet
import pytest
from drill_fleet import DrillFleet
from fleet import Source
from reading import read
from samples import eventually, request

SOURCES = fleet.sources()
REGIONS = sorted(name for name in SOURCES if name != "Global")
# Of the vmselect that reads one storage node alone; no component has this port.
COUNTER_PORT = 8499

Series = tuple[tuple[str, str], ...]
Samples = dict[Series, list[tuple[int, float]]]


def storages() -> list[tuple[str, str]]:
    """Region and host of every storage node."""
    hosts = fleet.groups()
    return [
        (region, host)
        for region in REGIONS
        for host in hosts["vmstorage"]
        if host in hosts[fleet.group_of(region)]
    ]


@contextmanager
def reader_of(host: str) -> Iterator[str]:
    """Run a vmselect that reads the storage node of a host alone; give its prefix for queries."""
    broken = DrillFleet(fleet.INVENTORY)
    region = host.rpartition("-storage-")[0]
    door = f"{region}-storage-2"
    address = fleet.variables(host)["ansible_host"]
    broken.shell(
        door,
        "systemd-run --unit=counter --collect --quiet sh -c 'exec /opt/meridian/*/*/vmselect-prod"
        f" -storageNode={address}:8401 -httpListenAddr=:{COUNTER_PORT}"
        " -search.disableCache -cacheDataPath=/run/counter'",
    )
    prefix = f"http://{fleet.variables(door)['ansible_host']}:{COUNTER_PORT}/select/0/prometheus"
    try:
        eventually(lambda: answers(f"{prefix}/api/v1/query?query=1"))
        yield prefix
    finally:
        broken.shell(door, "systemctl stop counter")


def answers(url: str) -> bool:
    try:
        return request(url).status == 200
    except OSError:
        return False


def counts(prefix: str) -> Counter[tuple[str, str]]:
    """Samples of a storage node of the last 300 days, by region and storage_region."""
    everything = 'sum by (region, storage_region) (count_over_time({__name__!=""}[300d]))'
    parameters = urllib.parse.urlencode({"query": everything})
    answer = request(f"{prefix}/api/v1/query?{parameters}", timeout=60)
    assert answer.status == 200, answer
    return Counter(
        {
            (one["metric"].get("region", ""), one["metric"].get("storage_region", "")): int(
                one["value"][1]
            )
            for one in json.loads(answer.text)["data"]["result"]
        }
    )


@pytest.mark.parametrize(("region", "host"), storages(), ids=lambda value: value)
def test_a_storage_node_keeps_samples_of_its_own_region_only(region: str, host: str) -> None:
    with reader_of(host) as prefix:
        found = counts(prefix)
        foreign = urllib.parse.urlencode(
            {"match[]": f'{{storage_region!="{region}"}}', "start": "-300d"}
        )
        series = json.loads(request(f"{prefix}/api/v1/series?{foreign}").text)
    print(f"{host}: {dict(found)}")
    assert found[region, region] > 1000
    # What a region's rules record has no region, or that of a path's end, and is stored here alone.
    assert {labels for labels in found if labels[1] != region} == set()
    assert {labels[0] for labels in found} <= {region, ""}
    assert series["data"] == []


def exported(source: Source, start: float, end: float) -> Samples:
    """Every sample of all targets' `up` and of the agents in a time span, by series."""
    selector = '{__name__=~"up|vm_app_uptime_seconds|scrape_samples_scraped"}'
    parameters = {"match[]": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"}
    answer = request(
        f"{source.gateways[0]}/api/v1/export?{urllib.parse.urlencode(parameters)}",
        auth=source.auth,
    )
    assert answer.status == 200, answer
    found: Samples = {}
    for line in answer.text.splitlines():
        one = json.loads(line)
        series = tuple(sorted(one["metric"].items()))
        found.setdefault(series, []).extend(zip(one["timestamps"], one["values"], strict=True))
    return found


def test_the_global_view_shows_every_sample_of_every_region_exactly_once() -> None:
    end = time.time() - 60
    start = end - 60

    def complete() -> bool:
        """Whether the regions have the same samples again: none was still on its way."""
        before = {name: exported(SOURCES[name], start, end) for name in REGIONS}
        seen.append((before, exported(SOURCES["Global"], start, end)))
        return before == {name: exported(SOURCES[name], start, end) for name in REGIONS}

    seen: list[tuple[dict[str, Samples], Samples]] = []
    eventually(complete)
    regional, everything = seen[-1]
    for name, found in regional.items():
        assert {dict(series)["region"] for series in found} == {name}
        assert all(len({at for at, _ in samples}) == len(samples) for samples in found.values())
    expected = {series: samples for found in regional.values() for series, samples in found.items()}
    assert len(expected) == sum(map(len, regional.values())), "a series is in two regions"
    assert everything == expected


def test_the_global_view_is_whole_and_has_every_region() -> None:
    found = read(SOURCES["Global"])
    assert (found.status, found.partial, sorted(found.regions)) == (200, False, REGIONS)


@pytest.mark.parametrize("region", REGIONS)
def test_a_regional_data_source_has_its_region_alone(region: str) -> None:
    assert read(SOURCES[region]).regions == {region}


def test_who_reads_one_region_does_not_read_all_and_the_other_way_round() -> None:
    whole, home = SOURCES["Global"], SOURCES["us-east-1"]
    assert whole.gateways == home.gateways
    assert read(home).regions == {"us-east-1"}
    assert read(whole).regions == set(REGIONS)
    for url in whole.gateways:
        answer = request(f"{url}/api/v1/write", body=b"", auth=whole.auth)
        assert answer.status == 400, "a reader of all regions cannot write"
    other = SOURCES["eu-west-1"].gateways[0]
    answer = request(f"{other}/api/v1/query?query=1", auth=whole.auth)
    assert answer.status == 401, "gateways without a global vmselect do not know its readers"


def test_the_playbook_that_verifies_also_asks_for_the_view_of_all() -> None:
    run = fleet.play("verify.yml")
    assert run.status == 0, run.output


def test_a_second_run_after_the_tests_changes_nothing() -> None:
    run = fleet.play("site.yml")
    assert run.status == 0, run.output
    assert not any(run.changed.values()), run.changed
