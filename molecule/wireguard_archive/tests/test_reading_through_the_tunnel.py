"""A vmselect of all regions reads the one of another region through the tunnel, and only so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from samples import eventually, request

ADDRESSES = {"us-east-1": "10.47.1.11", "eu-west-1": "10.47.2.11"}
READER = f"http://{ADDRESSES['us-east-1']}:8491/select/0/prometheus"
# A value that nothing else on the wire has.
SECRET = "only-for-members-of-the-tunnel"
# What was written once, also when it has become old while the tests ran.
WRITTEN = "last_over_time(wired[1d])"

testinfra_hosts = ["ansible://tunnel-us"]


@pytest.fixture(scope="module", autouse=True)
def _written() -> None:
    for region, address in ADDRESSES.items():
        url = f"http://{address}:8480/insert/0/prometheus/api/v1/import/prometheus"
        body = f'wired{{region="{region}",note="{SECRET}"}} 1 {int(time.time() * 1000)}\n'
        assert request(url, body=body.encode()).status == 204


def query(base: str) -> Any:
    """Every region's series, by a query that no cache answers."""
    words = urlencode({"query": WRITTEN, "nocache": "1", "time": f"{time.time():.3f}"})
    return json.loads(request(f"{base}/api/v1/query?{words}", timeout=60).text)


def regions(answer: Any) -> list[str]:
    return sorted(series["metric"]["region"] for series in answer["data"]["result"])


def fetched(host: Any, url: str) -> Any:
    """What a page took on the wire of the host that fetched it."""
    return json.loads(host.check_output(f"/root/wire.py fetch '{url}' {SECRET}"))


def page(base: str) -> str:
    return f"{base}/api/v1/query?{urlencode({'query': WRITTEN, 'nocache': '1'})}"


def test_all_regions_are_read() -> None:
    eventually(lambda: regions(query(READER)) == sorted(ADDRESSES), seconds=60)

    assert query(READER)["isPartial"] is False


def test_what_is_read_from_another_region_cannot_be_read_on_the_way(host: Any) -> None:
    eventually(lambda: regions(query(READER)) == sorted(ADDRESSES), seconds=60)
    seen = fetched(host, page("http://127.0.0.1:8491/select/0/prometheus"))

    assert seen["status"] == 200
    assert seen["readable"] == 0
    between = {kind for kind in seen["kinds"] if "10.47." in kind}
    assert between == {f"udp {address}:51820" for address in ADDRESSES.values()}


def test_the_same_without_the_tunnel_could_be_read_on_the_way(host: Any) -> None:
    eventually(lambda: regions(query(READER)) == sorted(ADDRESSES), seconds=60)
    abroad = f"http://{ADDRESSES['eu-west-1']}:8481/select/0/prometheus"

    assert fetched(host, page(abroad))["readable"] > 0


def test_without_the_tunnel_the_answer_says_that_it_is_partial_until_it_is_back(
    host: Any, other_host: Callable[[str], Any]
) -> None:
    far = other_host("tunnel-eu")
    far.check_output("systemctl stop meridian-wireguard")
    try:
        eventually(lambda: query(READER)["isPartial"], seconds=60)
        assert regions(query(READER)) == ["us-east-1"]
        seen = fetched(host, page("http://127.0.0.1:8491/select/0/prometheus"))
    finally:
        far.check_output("systemctl start meridian-wireguard")

    assert seen["readable"] == 0
    assert not [kind for kind in seen["kinds"] if kind.startswith("tcp")]
    eventually(lambda: regions(query(READER)) == sorted(ADDRESSES), seconds=180)
