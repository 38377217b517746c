"""A region whose storage is down: the others go on, and its agents keep what they scrape."""

from __future__ import annotations

import json
import time
import urllib.parse

import fleet
from drill_fleet import DrillFleet
from reading import read
from samples import eventually, metric, request

SOURCES = fleet.sources()
AWAY = "eu-west-1"
# After the tests that want a fleet in which nothing has failed for a while.
RUNS_LAST = True


def test_a_region_without_its_storage_costs_the_others_nothing_and_itself_no_sample() -> None:
    broken = DrillFleet(fleet.INVENTORY)
    agent = f"http://{fleet.variables(f'{AWAY}-agent-1')['ansible_host']}:8429"
    with broken.stopped(f"{AWAY}-storage-1", "vmsingle"):
        began = time.time()
        time.sleep(30)
        assert read(SOURCES[AWAY]).status >= 500
        for region in set(SOURCES) - {AWAY}:
            found = [read(SOURCES[region]) for _ in range(3)]
            assert {(each.status, each.regions) for each in found} == {(200, frozenset({region}))}
            # A busy machine may hold up one of them; a region that is away would hold up all.
            assert min(each.seconds for each in found) < 2, found
    ended = time.time()
    eventually(lambda: metric(agent, "vmagent_remotewrite_pending_data_bytes") == 0, seconds=180)
    # Every scrape of the time without the storage is there: one each fifteen seconds or faster.
    span = urllib.parse.urlencode(
        {
            "match[]": f'vm_app_uptime_seconds{{job="vmagent",region="{AWAY}"}}',
            "start": f"{began - 30:.3f}",
            "end": f"{ended + 30:.3f}",
        }
    )
    source = SOURCES[AWAY]
    eventually(lambda: read(source).status == 200)

    def kept() -> list[float]:
        answer = request(f"{source.gateways[0]}/api/v1/export?{span}", auth=source.auth)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        return sorted(at / 1000 for line in lines for at in line["timestamps"])

    def without_a_gap() -> bool:
        """Whether there are samples from before to after that time, and none is missing between."""
        times = kept()
        gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
        # Thirty seconds where one is missing; a busy machine scrapes some seconds late.
        return bool(gaps) and times[0] < began and times[-1] > ended and max(gaps) < 25

    eventually(without_a_gap, seconds=120)
