# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report shows, read from the gateways' answers and the inventory.

The inventory says what should be there, the answers what is. What the answers lack is shown as
unknown, never left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import is_legacy
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import (
    agent_labels,
    clusters_of,
    receiver_labels,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_model import (
    DOWN,
    UNKNOWN,
    UP,
    Alert,
    Cluster,
    Host,
    Path,
    Program,
    Region,
    Report,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_queries import (
    Result,
    answer_error,
    expected_jobs,
    trial_error,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import (
    agents_by_host,
    expected_probes,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    COMPONENTS,
    Fleet,
    storage_region_of,
    storage_regions,
)

RUNBOOKS = FilePath(__file__).parents[2] / "docs" / "runbooks"
# By this alert, which always fires, a fleet sees that its alerting works.
ALWAYS_FIRING = "Watchdog"
SEVERITIES = ("critical", "warning", "info")

Labels = Mapping[str, str]
Series = tuple[Labels, float]
Answers = Mapping[str, Sequence[Mapping[str, Any]]]
Programs = Callable[[str, str], Program]


def read_report(
    fleet: Fleet,
    host: str,
    tried: Sequence[Result],
    asked: Sequence[Result],
    *,
    runbooks: Mapping[str, str] | None = None,
) -> Report:
    """Read what the report shows from the results of the candidates' trials and queries.

    `host` says the ports of gateways of another inventory; `runbooks` are addresses of pages by
    the alert's name. Raises TopologyError.
    """
    answered = {
        result["item"]["storage_region"]: result["answers"]
        for result in asked
        if result.get("answers")
    }
    series = _merged(answered.values())
    programs = _programs(series)
    regions = tuple(_region(fleet, name, programs) for name in sorted(fleet.settings.regions))
    firing, watchdog = _alerts(series, runbooks or {})
    return Report(
        problems=tuple(_problems(fleet, tried, asked, answered)),
        regions=regions,
        paths=_paths(fleet, host, series),
        clusters=tuple(_clusters(fleet, series)),
        alerts=tuple(firing),
        watchdog=watchdog,
        has_vmalert=bool(fleet.all_hosts("vmalert")),
        answered=tuple(sorted(answered)),
    )


def runbooks(base: str) -> dict[str, str]:
    """Addresses of the pages on the collection's own alerts below `base`, by the alert's name."""
    return {page.stem: f"{base.rstrip('/')}/{page.name}" for page in sorted(RUNBOOKS.glob("*.md"))}


def _problems(
    fleet: Fleet,
    tried: Sequence[Result],
    asked: Sequence[Result],
    answered: Mapping[str, Mapping[str, Any]],
) -> Iterable[str]:
    for storage in storage_regions(fleet):
        failures = [
            f"{result['item']['host']} says: {error}"
            for result in tried
            if result["item"]["storage_region"] == storage
            if (error := trial_error(result)) is not None
        ]
        failures += [
            f"{result['item']['host']} says: {result.get('msg')}"
            for result in asked
            if result["item"]["storage_region"] == storage and not result.get("answers")
        ]
        if storage not in answered:
            reason = "; ".join(failures) or "no agent's host of this run writes to it"
            yield f"The metrics that are stored in {storage} could not be asked for: {reason}"
    for storage, answers in answered.items():
        for name, answer in answers.items():
            if error := answer_error(answer):
                yield f"The storage of {storage} did not answer the query '{name}': {error}"


def _merged(answers: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The series of all answers by the query's name."""
    merged: dict[str, list[dict[str, Any]]] = {}
    for each in answers:
        for name, answer in each.items():
            if answer_error(answer) is None:
                merged.setdefault(name, []).extend(json.loads(answer["body"])["data"]["result"])
    return merged


def _values(series: Answers, name: str) -> list[Series]:
    return [(each["metric"], float(each["value"][1])) for each in series.get(name, ())]


def _by(series: Iterable[Series], *names: str) -> dict[tuple[str, ...], float]:
    return {tuple(labels.get(name, "") for name in names): value for labels, value in series}


def _region(fleet: Fleet, name: str, programs: Programs) -> Region:
    scraper = agents_by_host(fleet, name)
    hosts = []
    for host, jobs in sorted(expected_jobs(fleet, name).items()):
        agent = agent_labels(fleet, scraper[host]) if host in scraper else None
        hosts.append(
            Host(
                name=host,
                cluster=agent.cluster if agent else "",
                env=agent.env if agent else "",
                programs=tuple(programs(job, host) for job in sorted(jobs)),
            )
        )
    return Region(
        name=name,
        stored_in=storage_region_of(fleet, name),
        components=tuple(
            (component, len(fleet.hosts(name, component)))
            for component in COMPONENTS
            if fleet.hosts(name, component)
        ),
        hosts=tuple(hosts),
    )


def _programs(series: Answers) -> Programs:
    up = _by(_values(series, "up"), "job", "instance")
    seen = _by(_values(series, "seen"), "job", "instance")
    started = _by(_values(series, "started"), "job", "instance")
    versions: dict[tuple[str, ...], str] = {}
    for labels, _last in sorted(_values(series, "versions"), key=lambda each: each[1]):
        told = labels.get("short_version") or labels.get("version", "")
        versions[labels.get("job", ""), labels.get("instance", "")] = told.removeprefix("v")

    def program(job: str, host: str) -> Program:
        key = (job, host)
        state = UNKNOWN if key not in up else UP if up[key] == 1 else DOWN
        return Program(
            job=job,
            state=state,
            version=versions.get(key, ""),
            started=started.get(key) if state == UP else None,
            seen=seen.get(key),
        )

    return program


def _paths(fleet: Fleet, host: str, series: Answers) -> tuple[tuple[Path | None, ...], ...]:
    ends = ("source_region", "target_region")
    success = _by(_values(series, "success"), *ends)
    seconds = _by(_values(series, "seconds"), *ends)
    expected = {(each[ends[0]], each[ends[1]]) for each in expected_probes(fleet, host)}
    names = sorted(fleet.settings.regions)
    return tuple(
        tuple(
            Path(source, target, success.get((source, target)), seconds.get((source, target)))
            if source != target and (source, target) in expected | set(success)
            else None
            for target in names
        )
        for source in names
    )


def _clusters(fleet: Fleet, series: Answers) -> Iterable[Cluster]:
    """Every cluster of the inventory, and those that write without standing in it."""
    known = {
        labels.cluster: labels.as_dict()
        for region in sorted(fleet.settings.regions)
        for labels in clusters_of(fleet, region)
    }
    written = {
        labels["cluster"]: labels
        for labels, _value in _values(series, "samples")
        if labels.get("cluster")
    }
    senders = {
        agent_labels(fleet, each).cluster: ("vmagent", each) for each in fleet.all_hosts("vmagent")
    }
    senders |= {
        receiver_labels(fleet, each).cluster: ("prometheus_receiver", each)
        for each in fleet.all_hosts("prometheus_receiver")
    }
    samples = _by(_values(series, "samples"), "cluster")
    counts = _by(_values(series, "series"), "cluster")
    backlog = _by(_values(series, "backlog"), "job", "instance")
    history = {
        each["metric"].get("cluster", ""): tuple(float(value) for _time, value in each["values"])
        for each in series.get("history", ())
    }
    for name, labels in sorted((written | known).items()):
        job, sender = senders.get(name, ("", ""))
        yield Cluster(
            name=name,
            env=labels.get("env", ""),
            region=labels.get("region", ""),
            storage_region=labels.get("storage_region", ""),
            legacy=is_legacy(name),
            sender=sender,
            samples=samples.get((name,)),
            series=counts.get((name,)),
            backlog=backlog.get((job, sender)),
            history=history.get(name, ()),
        )


def _alerts(series: Answers, runbooks: Mapping[str, str]) -> tuple[list[Alert], bool]:
    since = {_identity(labels): value for labels, value in _values(series, "alerts_since")}
    firing = []
    watchdog = False
    for labels, _value in _values(series, "alerts"):
        name = labels.get("alertname", "")
        if name == ALWAYS_FIRING:
            watchdog = True
            continue
        firing.append(
            Alert(
                name=name,
                severity=labels.get("severity", ""),
                labels=tuple(
                    (key, value)
                    for key, value in _identity(labels)
                    if key not in ("alertname", "severity")
                ),
                since=since.get(_identity(labels)),
                runbook=runbooks.get(name, ""),
            )
        )
    return sorted(firing, key=_urgency), watchdog


def _identity(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, v) for k, v in labels.items() if k not in ("__name__", "alertstate")))


def _urgency(alert: Alert) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    known = alert.severity in SEVERITIES
    rank = SEVERITIES.index(alert.severity) if known else len(SEVERITIES)
    return rank, alert.name, alert.labels
