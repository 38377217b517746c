# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report asks the gateways, and which hosts ask.

One host asks for each storage region. So that one host that is away costs no region, a few
candidates try the gateway first (`report_candidates`), and the first that gets through asks
everything (`report_queries`). Only plain metrics are read, so a fleet without vmalert has a report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any
from urllib.parse import urlencode

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import read_url
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import jobs
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    Fleet,
    storage_region_of,
    storage_regions,
)

READER = "operator"
# So many hosts are tried for a storage region before the report says that it did not answer.
CANDIDATES = 3
HISTORY_SECONDS = 3600
HISTORY_STEP = 120

VERSIONS = (
    "vm_app_version",
    "alertmanager_build_info",
    "blackbox_exporter_build_info",
    "grafana_build_info",
    "haproxy_process_build_info",
    "node_exporter_build_info",
    "prometheus_build_info",
)
STARTS = (
    "vm_app_start_timestamp",
    "process_start_time_seconds",
    "haproxy_process_start_time_seconds",
)

Result = Mapping[str, Any]


def report_candidates(fleet: Fleet, host: str, hosts: Iterable[str]) -> list[dict[str, Any]]:
    """Who tries which gateway: the first agents of each region that is stored there.

    `hosts` are those that can be asked to do so; `host` is not looked at. A candidate is
    `storage_region`, `read_url`, the `host` that tries, and its `requests`; the one to prefer comes
    first. A storage region without a candidate is missing. Raises TopologyError.
    """
    del host
    playing = set(hosts)
    found = []
    for storage in storage_regions(fleet):
        stored = [
            r for r in sorted(fleet.settings.regions) if storage_region_of(fleet, r) == storage
        ]
        # The storage region's own agents are the nearest.
        stored.sort(key=lambda region: region != storage)
        agents = [[h for h in fleet.hosts(r, "vmagent") if h in playing] for r in stored]
        dealt = [each for each in chain.from_iterable(zip_longest(*agents)) if each]
        found += [
            {
                "storage_region": storage,
                "read_url": read_url(fleet, each),
                "host": each,
                "requests": [_request("trial", read_url(fleet, each), "query", query="1")],
            }
            for each in dealt[:CANDIDATES]
        ]
    return found


def report_queries(
    fleet: Fleet, host: str, tried: Sequence[Result], *, window: str = "2m"
) -> list[dict[str, Any]]:
    """What the first candidate of each storage region that got through asks.

    `tried` are the candidates' results, each with the candidate as `item`. `window` is how old a
    sample may be that says that a program is up; it has to hold two scrapes.
    """
    del host
    asking: dict[str, Mapping[str, Any]] = {}
    for result in tried:
        if trial_error(result) is None:
            asking.setdefault(result["item"]["storage_region"], result["item"])
    return [
        {
            **candidate,
            "requests": [
                _request(name, candidate["read_url"], path, **parameters)
                for name, path, parameters in _queries(fleet, storage, window)
            ],
        }
        for storage, candidate in asking.items()
    ]


def trial_error(result: Result) -> str | None:
    """Why a candidate did not get through, None when it did."""
    answers = result.get("answers")
    if not answers:
        return f"{result.get('msg') or 'nothing was asked'}"
    return answer_error(answers["trial"])


def answer_error(answer: Mapping[str, Any]) -> str | None:
    """Why an answer is none, None when it is one."""
    if answer["error"]:
        return f"{answer['error']}"
    if answer["status"] != 200:
        return f"status {answer['status']}: {answer['body'].strip()[:200]}"
    return None


def expected_jobs(fleet: Fleet, region: str) -> dict[str, list[str]]:
    """The jobs under which each host of a region is scraped, by host; empty for a host of none."""
    members = fleet.groups.get(fleet.region(region).group, ())
    found: dict[str, list[str]] = {host: [] for host in members}
    for component in COMPONENTS:
        for host in fleet.hosts(region, component):
            found[host] += jobs(fleet, host, component)
    return found


def _queries(fleet: Fleet, storage: str, window: str) -> list[tuple[str, str, dict[str, str]]]:
    stored = [r for r in fleet.settings.regions if storage_region_of(fleet, r) == storage]
    names = {
        job
        for region in stored
        for listed in expected_jobs(fleet, region).values()
        for job in listed
    }
    ours = f"job=~{json.dumps('|'.join(sorted(names)))}"
    versions = f'{{__name__=~"{"|".join(VERSIONS)}",{ours}}}'
    starts = f'{{__name__=~"{"|".join(STARTS)}",{ours}}}'
    scraped = "scrape_samples_post_metric_relabeling"
    cluster = "env,region,storage_region,cluster"
    # Every cluster has it, legacy ones too, whatever ships the samples, and from the first minute.
    samples = f"sum by ({cluster}) (avg_over_time({scraped}[5m]) / scrape_interval({scraped}[5m]))"
    program = "job,instance"
    path = "source_region,target_region"
    instant = {
        "up": f"max by ({program}) (last_over_time(up{{{ours}}}[{window}]))",
        "seen": f"max by ({program}) (tlast_over_time(up{{{ours}}}[6h]))",
        # The value is when a version was last seen: the newest one counts.
        "versions": (
            f"max by ({program},version,short_version) (tlast_over_time({versions}[10m]))"
        ),
        "started": f"max by ({program}) ({starts})",
        "success": f"avg by ({path}) (avg_over_time(probe_success[5m]))",
        "seconds": f"avg by ({path}) (avg_over_time(probe_duration_seconds[5m]))",
        "samples": samples,
        "series": f"sum by ({cluster}) (last_over_time({scraped}[{window}]))",
        "backlog": (
            f"sum by ({program}) (last_over_time(vmagent_remotewrite_pending_data_bytes[{window}]))"
        ),
        "alerts": 'ALERTS{alertstate="firing"}',
        "alerts_since": "ALERTS_FOR_STATE",
    }
    history = {"query": samples, "start": f"-{HISTORY_SECONDS}s", "step": f"{HISTORY_STEP}s"}
    return [
        *((name, "query", {"query": query}) for name, query in instant.items()),
        ("history", "query_range", history),
    ]


def _request(name: str, base_url: str, path: str, **parameters: str) -> dict[str, str]:
    # Samples count from the second after they arrive, and no cached answer is taken.
    arguments = urlencode({**parameters, "nocache": "1", "latency_offset": "1s"})
    return {"name": name, "url": f"{base_url}/api/v1/{path}?{arguments}", "user": READER}
