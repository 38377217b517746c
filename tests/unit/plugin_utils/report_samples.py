"""Fleets of four and of twelve regions, and what their gateways answer; for tests of the report.

report_samples.py FOLDER writes the reports on them into FOLDER.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import acos, cos, radians, sin
from pathlib import Path
from typing import Any
from zlib import crc32

from ansible_collections.meridian.metrics.plugins.filter.report_page import report_page
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import clusters_of
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    expected_jobs,
    report_candidates,
    report_queries,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    storage_regions,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory

NOW = 1_767_225_600.0  # the first second of 2026
EARTH_KM = 6371
RUNBOOKS = "https://wiki.example/runbooks"

# Latitude and longitude; the first stores, and the first four are the small fleet.
REGIONS = {
    "us-east-1": (38.9, -77.4),
    "eu-west-1": (53.3, -6.3),
    "ap-southeast-1": (1.3, 103.8),
    "ap-northeast-1": (35.7, 139.7),
    "us-west-2": (45.8, -119.7),
    "ca-central-1": (45.5, -73.6),
    "sa-east-1": (-23.5, -46.6),
    "eu-central-1": (50.1, 8.7),
    "eu-north-1": (59.3, 18.1),
    "af-south-1": (-33.9, 18.4),
    "ap-south-1": (19.1, 72.9),
    "ap-southeast-2": (-33.9, 151.2),
}
VERSIONS = {
    "alertmanager": ("alertmanager_build_info", "0.28.1"),
    "blackbox": ("blackbox_exporter_build_info", "0.27.0"),
    "grafana": ("grafana_build_info", "12.2.1"),
    "node_exporter": ("node_exporter_build_info", "1.9.1"),
    "prometheus": ("prometheus_build_info", "3.5.0"),
}

Answer = dict[str, Any]
Labels = Mapping[str, str]


@dataclass
class Faults:
    """What is wrong in a fleet."""

    down: Sequence[tuple[str, str]] = ()  # (job, host)
    silent: Sequence[str] = ()  # hosts of which nothing is known
    silent_clusters: Sequence[str] = ()
    success: Mapping[tuple[str, str], float] = field(default_factory=dict)  # by path
    backlog: Mapping[str, float] = field(default_factory=dict)  # by host
    alerts: Sequence[Labels] = ()


def sample_fleet(regions: int) -> Fleet:
    """A fleet of the first regions, its metrics stored in us-east-1 by a cluster."""
    hosts: dict[str, dict[str, str]] = {
        "us-east-1": {
            **{f"us-east-1-store-{number}": "vmstorage" for number in (1, 2, 3)},
            **{f"us-east-1-door-{number}": "vmauth vminsert vmselect" for number in (1, 2)},
            **{f"us-east-1-alert-{number}": "vmalert alertmanager" for number in (1, 2)},
            "us-east-1-view-1": "grafana",
            "us-east-1-agent-1": "vmagent blackbox",
            "us-east-1-agent-2": "vmagent",
        }
    }
    for number, name in enumerate(list(REGIONS)[1:regions], 1):
        hosts[name] = {f"{name}-agent-1": "vmagent blackbox"}
        if number % 2 == 0:
            hosts[name][f"{name}-agent-2"] = "vmagent"
        if number % 3 == 1:
            hosts[name][f"{name}-receiver-1"] = "prometheus_receiver"
            hosts[name][f"{name}-legacy-1"] = ""
    made = inventory(hosts)
    del made.groups["node_exporter"]  # every host carries one
    return made.fleet()


def seconds(source: str, target: str) -> float:
    """How long a probe takes: light in fibre, three times there and back, and a little more."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(radians, REGIONS[each])) for each in (source, target))
    angle = acos(sin(lat1) * sin(lat2) + cos(lat1) * cos(lat2) * cos(lon1 - lon2))
    return 0.003 + 3 * EARTH_KM * angle / 200_000 + noise(source + target) * 0.004


def noise(name: str) -> float:
    """A number from 0 to 1 that is always the same for a name."""
    return crc32(name.encode()) / 2**32


def vector(series: Iterable[tuple[Labels, float]]) -> Answer:
    """An answer to an instant query."""
    return _answer("vector", [{"metric": m, "value": [NOW, f"{v}"]} for m, v in series])


def matrix(series: Iterable[tuple[Labels, Sequence[float]]]) -> Answer:
    """An answer to a range query, two minutes between values."""
    return _answer(
        "matrix",
        [
            {"metric": m, "values": [[NOW - 120 * i, f"{v}"] for i, v in enumerate(values)]}
            for m, values in series
        ],
    )


def _answer(kind: str, result: object) -> Answer:
    body = {"status": "success", "data": {"resultType": kind, "result": result}}
    return {"status": 200, "body": json.dumps(body), "error": ""}


def answers(fleet: Fleet, faults: Faults | None = None) -> dict[str, Answer]:
    """What a gateway answers to every query of the report."""
    wrong = faults or Faults()
    programs = [
        (job, host)
        for region in fleet.settings.regions
        for host, jobs in expected_jobs(fleet, region).items()
        for job in jobs
        if host not in wrong.silent
    ]
    alive = [each for each in programs if each not in wrong.down]
    named = {each: {"job": each[0], "instance": each[1]} for each in programs}
    clusters = {
        labels.cluster: labels.as_dict()
        for region in fleet.settings.regions
        for labels in clusters_of(fleet, region)
        if labels.cluster not in wrong.silent_clusters
    }
    size = {name: 400 + 9000 * noise(name) ** 2 for name in clusters}
    paths = [(a, b) for a in fleet.settings.regions for b in fleet.settings.regions if a != b]
    ends = {path: {"source_region": path[0], "target_region": path[1]} for path in paths}
    watchdog = {"alertname": "Watchdog", "severity": "none"}
    return {
        "up": vector((named[each], float(each in alive)) for each in programs),
        "seen": vector((named[each], NOW - 5) for each in programs),
        "versions": vector((named[each] | _version(each[0]), NOW - 5) for each in alive),
        "started": vector((named[each], NOW - 86400 * (1 + 9 * noise(each[1]))) for each in alive),
        "success": vector((ends[path], wrong.success.get(path, 1.0)) for path in paths),
        "seconds": vector((ends[path], seconds(*path)) for path in paths),
        "samples": vector((clusters[name], size[name]) for name in clusters),
        "series": vector((clusters[name], float(int(size[name] * 15))) for name in clusters),
        "history": matrix(
            (
                {"cluster": name},
                [size[name] * (0.9 + 0.15 * noise(f"{name}{i}")) for i in range(30)],
            )
            for name in clusters
        ),
        "backlog": vector(
            (labels, wrong.backlog.get(host, 0.0))
            for (job, host), labels in named.items()
            if job in ("vmagent", "prometheus_receiver")
        ),
        "alerts": vector(
            ({"__name__": "ALERTS", "alertstate": "firing", **labels}, 1.0)
            for labels in [watchdog, *wrong.alerts]
        ),
        "alerts_since": vector(
            ({"__name__": "ALERTS_FOR_STATE", **labels}, NOW - 1500)
            for labels in [watchdog, *wrong.alerts]
        ),
    }


def _version(job: str) -> Labels:
    name, version = VERSIONS.get(job, ("vm_app_version", ""))
    if version:
        return {"__name__": name, "version": version}
    long = "victoria-metrics-20260801-000000-tags-v1.149.0-0-g0123456789"
    return {"__name__": name, "version": long, "short_version": "v1.149.0"}


def results(
    fleet: Fleet, answered: Mapping[str, Mapping[str, Answer]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the playbook's two tasks return, given the answers by storage region."""
    agents = [h for region in storage_regions(fleet) for h in fleet.all_hosts("vmagent")]
    tried = [
        {"item": each, "answers": {"trial": vector([({}, 1.0)])}}
        if each["storage_region"] in answered
        else {"item": each, "unreachable": True, "msg": "Failed to connect to the host via ssh"}
        for each in report_candidates(fleet, agents[0], agents)
    ]
    asked = [
        {"item": each, "answers": answered[each["storage_region"]]}
        for each in report_queries(fleet, agents[0], tried)
    ]
    return tried, asked


def html(fleet: Fleet, answered: Mapping[str, Mapping[str, Answer]], name: str) -> str:
    """The report's text."""
    host = fleet.all_hosts("vmagent")[0]
    tried, asked = results(fleet, answered)
    made = report_page(fleet, host, tried, asked, name=name, runbook_base=RUNBOOKS, now=NOW)
    return str(made["html"])


# The alerts that fire in the faulty fleet, as a rule's labels are.
ALERTS = (
    {
        "alertname": "RegionUnreachable",
        "severity": "critical",
        "source_region": "us-west-2",
        "target_region": "ap-southeast-2",
    },
    {
        "alertname": "AgentBacklogGrows",
        "severity": "warning",
        "env": "prod",
        "region": "sa-east-1",
        "cluster": "sa-east-1-eks-01-prod",
        "instance": "sa-east-1-agent-1",
    },
)
FAULTS = Faults(
    down=[("node_exporter", "us-east-1-store-2")],
    silent=["af-south-1-agent-1"],
    silent_clusters=["af-south-1-eks-01-prod"],
    success={
        ("us-west-2", "ap-southeast-2"): 0.0,
        ("ap-southeast-2", "us-west-2"): 0.0,
        ("sa-east-1", "us-east-1"): 0.947,
        ("eu-north-1", "ap-south-1"): 0.9995,
    },
    backlog={"sa-east-1-agent-1": 48_300_000.0},
    alerts=ALERTS,
)


def write_samples(folder: Path) -> None:
    """Write the reports on a healthy small fleet, a faulty large one, and one without answers."""
    four, twelve = sample_fleet(4), sample_fleet(12)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "four.html").write_text(html(four, {"us-east-1": answers(four)}, "production"))
    (folder / "twelve.html").write_text(
        html(twelve, {"us-east-1": answers(twelve, FAULTS)}, "production")
    )
    (folder / "silent.html").write_text(html(four, {}, "production"))


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
