"""Three regions on a vmsingle each: every region keeps its own samples, and no others."""

from __future__ import annotations

import json
import urllib.parse

import fleet
import pytest
from reading import read
from samples import request

SOURCES = fleet.sources()
REGIONS = sorted(SOURCES)

each_region = pytest.mark.parametrize("region", REGIONS)


def storage(region: str) -> str:
    """The prefix for queries of a region's vmsingle itself, past its gateways."""
    return f"http://{fleet.variables(f'{region}-storage-1')['ansible_host']}:8428"


def test_there_is_a_data_source_for_each_region_and_none_for_all() -> None:
    assert REGIONS == ["ap-southeast-1", "eu-west-1", "us-east-1"]


@each_region
def test_a_storage_keeps_samples_of_its_own_region_only(region: str) -> None:
    everything = 'sum by (region, storage_region) (count_over_time({__name__!=""}[1d]))'
    parameters = urllib.parse.urlencode({"query": everything})
    answer = request(f"{storage(region)}/api/v1/query?{parameters}", timeout=60)
    assert answer.status == 200, answer
    found = {
        (one["metric"].get("region", ""), one["metric"].get("storage_region", "")): int(
            one["value"][1]
        )
        for one in json.loads(answer.text)["data"]["result"]
    }
    print(f"{region}: {found}")
    assert found[region, region] > 1000
    # What a region's rules record has no region, or that of a path's end, and is stored here alone.
    assert set(found) <= {(region, region), ("", region)}
    foreign = urllib.parse.urlencode({"match[]": f'{{storage_region!="{region}"}}', "start": "-7d"})
    assert json.loads(request(f"{storage(region)}/api/v1/series?{foreign}").text)["data"] == []


@each_region
def test_a_data_source_shows_its_region_alone(region: str) -> None:
    assert read(SOURCES[region]).regions == {region}


def test_every_cluster_is_verified() -> None:
    run = fleet.play("verify.yml")
    assert run.status == 0, run.output


def test_a_second_run_after_the_tests_changes_nothing() -> None:
    run = fleet.play("site.yml")
    assert run.status == 0, run.output
    assert not any(run.changed.values()), run.changed
