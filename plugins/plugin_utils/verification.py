# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a working fleet must answer: the questions, and the judgement of the answers.

Each region is verified from one of its own agents' hosts, through the gateway of its storage
region: `verification_plan` says what to ask and what to expect, `problems` lists what is not so,
`findings` says what was seen, and `fleet_report` joins the regions' findings. The report, for
programs that show it, is

    {
      "regions": ["eu-west-1", "us-east-1"],
      "query_urls": {"us-east-1": "http://gateway.us-east-1.meridian.internal:8427"},
      "clusters": {
        "us-east-1-eks-01-prod": {"region": "us-east-1", "series": 812, "samples": 9744}
      },
      "probe_seconds": {"eu-west-1": {"us-east-1": 0.0021}},
      "problems": []
    }

`query_urls` are by storage region. `series` is what a scrape of the whole cluster yields,
`samples` what was stored in the last hour. `probe_seconds` is the mean duration by source and
target region. `problems` are sentences, by region.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ansible_collections.meridian.metrics.plugins.plugin_utils.cluster_names import is_legacy
from ansible_collections.meridian.metrics.plugins.plugin_utils.copy_verification import (
    arrived,
    copies,
    copy_problems,
    is_about,
    sent,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    READ_USERS,
    RULE_USERS,
    read_url,
    write_urls,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import (
    Labels,
    agent_labels,
    clusters_of,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import (
    expected_probes,
    scraped_targets,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    region_of,
    storage_region,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_check import (
    QUERY as VIEW_QUERY,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_check import (
    READER as VIEW_READER,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.view_check import (
    seen_regions,
    view_problems,
    view_query,
)

READER = "operator"
LABELS = Labels.__slots__
QUERIES = ("up", "mislabelled", "probe_success", "probe_seconds", "series", "samples")
REFUSED = (400, 401, 403)

Plan = Mapping[str, Any]
Answers = Mapping[str, Mapping[str, Any]]
Series = tuple[Mapping[str, str], float]


def verification_plan(
    fleet: Fleet, host: str, hosts: Iterable[str], *, window: str = "2m"
) -> dict[str, Any]:
    """What the host asks for its region, as plain data; nothing when another host asks.

    The first of `hosts` that is an agent of the region asks. `window` is how old a sample may be,
    as a duration with its unit; it has to hold two scrapes. Raises TopologyError.
    """
    region = region_of(fleet, host)
    agents = fleet.hosts(region, "vmagent")
    playing = sorted(set(hosts).intersection(agents))
    if not playing or playing[0] != host:
        return {"requests": [], "users": []}
    clusters = [labels.as_dict() for labels in clusters_of(fleet, region)]
    names = [labels["cluster"] for labels in clusters]
    probes = [each for each in expected_probes(fleet, host) if each["source_region"] == region]
    url = read_url(fleet, host)
    writes = [each.partition("?")[0] for each in write_urls(fleet, host)]
    copied = copies(fleet, host, "|".join(map(_escaped, names)), window)
    seen = seen_regions(fleet, region)
    return {
        "region": region,
        "storage_region": storage_region(fleet, host),
        "read_url": url,
        "clusters": clusters,
        "targets": [
            {"cluster": agent_labels(fleet, agent).cluster, "job": job, "instance": instance}
            for agent in agents
            for job, instance in scraped_targets(fleet, agent)
        ],
        "probes": probes,
        "unprobed": sorted(
            {*fleet.settings.regions} - {region} - {probe["target_region"] for probe in probes}
        ),
        "copies": copied,
        "window": window,
        "writers": names,
        "viewed": seen,
        "users": sorted({*names, *READ_USERS, *([VIEW_READER] if seen else [])}),
        "requests": [
            *(
                [_request(VIEW_QUERY, f"{url}/api/v1/query", VIEW_READER, query=view_query(window))]
                if seen
                else []
            ),
            *(
                _request(name, f"{url}/api/v1/query", READER, query=query)
                for name, query in _queries(clusters, region, window).items()
            ),
            *(
                _request(name, f"{base}/api/v1/query", READER, query=copy["query"])
                for copy in copied
                for name, base in ((sent(copy), url), (arrived(copy), copy["url"]))
            ),
            *_access_requests(f"{url}/api/v1/query", writes, names),
        ],
    }


def problems(answers: Answers, plan: Plan) -> list[str]:
    """List, one sentence each, what the answers lack of what the plan expects."""
    away = _about_copies(plan)
    unanswered = sorted(
        {f"{a['error']}" for name, a in answers.items() if a["error"] and name not in away}
    )
    if unanswered:
        return [
            f"no answer from the gateway of {plan['storage_region']} ({plan['read_url']}): {error}"
            for error in unanswered
        ]
    access = _access_problems(plan, answers)
    for copy in plan["copies"]:
        access += copy_problems(answers, copy, plan["writers"], plan["window"])
    if plan["viewed"]:
        access += view_problems(answers[VIEW_QUERY], plan["viewed"])
    refused = [
        f"user '{READER}' got {answers[name]['status']} for the query '{name}': "
        f"{answers[name]['body'].strip()[:200]}"
        for name in QUERIES
        if answers[name]["status"] != 200
    ]
    if refused:
        return refused + access
    seen = {name: _series(answers[name]["body"]) for name in QUERIES}
    return [
        *_cluster_problems(plan, seen["up"]),
        *_label_problems(plan, seen["mislabelled"]),
        *_target_problems(plan, seen["up"]),
        *_probe_problems(plan, seen["probe_success"]),
        *access,
    ]


def findings(answers: Answers, plan: Plan) -> dict[str, Any]:
    """What was seen of one region, in the form that `fleet_report` joins."""
    seen = {
        name: _series(answers[name]["body"]) if answers[name]["status"] == 200 else []
        for name in QUERIES
    }
    series = {labels.get("cluster", ""): int(value) for labels, value in seen["series"]}
    samples = {labels.get("cluster", ""): int(value) for labels, value in seen["samples"]}
    return {
        "region": plan["region"],
        "query_urls": {plan["storage_region"]: plan["read_url"]},
        "clusters": {
            labels["cluster"]: {
                "region": plan["region"],
                "series": series.get(labels["cluster"], 0),
                "samples": samples.get(labels["cluster"], 0),
            }
            for labels in plan["clusters"]
        },
        "probe_seconds": {
            labels.get("target_region", ""): value for labels, value in seen["probe_seconds"]
        },
        "problems": problems(answers, plan),
    }


def fleet_report(regions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the regions' findings to the report that stands at the top of this file."""
    known = sorted(regions, key=lambda each: str(each["region"]))
    return {
        "regions": [each["region"] for each in known],
        "query_urls": {k: v for each in known for k, v in each["query_urls"].items()},
        "clusters": {k: v for each in known for k, v in each["clusters"].items()},
        "probe_seconds": {each["region"]: each["probe_seconds"] for each in known},
        "problems": [f"{each['region']}: {line}" for each in known for line in each["problems"]]
        if known
        else ["no region was verified: none of its agents' hosts could ask"],
    }


def _queries(clusters: Sequence[Mapping[str, str]], region: str, window: str) -> dict[str, str]:
    names = "|".join(_escaped(labels["cluster"]) for labels in clusters)
    ours = f"{{cluster=~{json.dumps(names)}}}"
    probed = f"probe_success{{source_region={json.dumps(region)}}}"
    timed = f"probe_duration_seconds{{source_region={json.dumps(region)}}}"
    # Only series with a wrong label are read, so the question costs little on a large storage.
    # What rules record is about clusters, not from them: it keeps the labels it was summed by.
    scraped = '__name__!~"ALERTS.*|.*:.*"'
    wrong = " or ".join(
        f"{scraped},cluster={json.dumps(labels['cluster'])},{name}!={json.dumps(labels[name])}"
        for labels in clusters
        for name in LABELS
        if name != "cluster"
    )
    by_labels = ",".join(LABELS)
    stored = f"scrape_samples_post_metric_relabeling{ours}"
    return {
        "up": f"last_over_time(up{ours}[{window}])",
        "mislabelled": f"count by ({by_labels}) (last_over_time({{{wrong}}}[{window}]))",
        "probe_success": f"last_over_time({probed}[{window}])",
        "probe_seconds": f"avg by (target_region) (last_over_time({timed}[{window}]))",
        "series": f"sum by (cluster) (last_over_time({stored}[{window}]))",
        "samples": f"sum by (cluster) (sum_over_time({stored}[1h]))",
    }


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")


def _request(
    name: str, url: str, user: str | None, *, query: str = "", method: str = "GET"
) -> dict[str, Any]:
    if query:
        # Samples count from the second after they arrive, and no cached answer is taken.
        url += "?" + urlencode({"query": query, "nocache": 1, "latency_offset": "1s"})
    return {"name": name, "url": url, "user": user, "method": method}


def _access_requests(
    query_url: str, write_urls: Sequence[str], writers: Sequence[str]
) -> list[dict[str, Any]]:
    # A write without a body stores nothing, and the storage takes it with 204.
    return [
        *(_request(f"query as {user}", query_url, user, query="1") for user in writers),
        *(_request(f"query as {user}", query_url, user, query="1") for user in READ_USERS),
        _request("query as nobody", query_url, None, query="1"),
        *(
            _request(f"write as {user or 'nobody'} to {url}", url, user, method="POST")
            for url in write_urls
            for user in (*writers, *READ_USERS, None)
        ),
    ]


def _about_copies(plan: Plan) -> set[str]:
    """Names of the requests to gateways that get copies, which may be away without the others."""
    return {
        request["name"]
        for copy in plan["copies"]
        for request in plan["requests"]
        if is_about(copy, request)
    }


def _access_problems(plan: Plan, answers: Answers) -> list[str]:
    found: list[str] = []
    about_copies = (name(copy) for copy in plan["copies"] for name in (sent, arrived))
    questions = {*QUERIES, VIEW_QUERY, *about_copies}
    for request in plan["requests"]:
        if request["name"] in questions or answers[request["name"]]["error"]:
            continue
        status = answers[request["name"]]["status"]
        writes = request["method"] == "POST"
        may = request["user"] in ((*plan["writers"], *RULE_USERS) if writes else READ_USERS)
        who = f"user '{request['user']}'" if request["user"] else "a client without a password"
        verb = "write" if writes else "read"
        url = request["url"].partition("?")[0]
        if may and not 200 <= status < 300:
            found.append(f"{who} cannot {verb}: {url} answered {status}")
        elif not may and status not in REFUSED:
            found.append(
                f"{who} is not refused to {verb}: {url} answered {status}, "
                f"not one of {', '.join(map(str, REFUSED))}"
            )
    return found


def _series(body: str) -> list[Series]:
    result = json.loads(body)["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in result]


def _cluster_problems(plan: Plan, up: Sequence[Series]) -> list[str]:
    seen = {tuple(labels.get(name, "") for name in LABELS) for labels, value in up}
    return [
        f"no samples of cluster '{labels['cluster']}' with the labels "
        + ", ".join(f"{name}={labels[name]}" for name in LABELS if name != "cluster")
        for labels in plan["clusters"]
        if tuple(labels[name] for name in LABELS) not in seen and not is_legacy(labels["cluster"])
    ]


def _label_problems(plan: Plan, mislabelled: Sequence[Series]) -> list[str]:
    expected = {labels["cluster"]: labels for labels in plan["clusters"]}
    found = []
    for labels, count in mislabelled:
        right = expected[labels["cluster"]]
        wrong = ", ".join(
            f"{name}={labels.get(name, '')} instead of {right[name]}"
            for name in LABELS
            if labels.get(name, "") != right[name]
        )
        found.append(f"{int(count)} series of cluster '{labels['cluster']}' have {wrong}")
    return sorted(found)


def _target_problems(plan: Plan, up: Sequence[Series]) -> list[str]:
    seen = {
        (labels.get("cluster"), labels.get("job"), labels.get("instance")): value
        for labels, value in up
    }
    found = []
    for target in plan["targets"]:
        key = (target["cluster"], target["job"], target["instance"])
        if key not in seen:
            found.append(
                f"no series of {target['job']} on {target['instance']} from the agent of cluster "
                f"'{target['cluster']}'"
            )
        elif seen[key] != 1:
            found.append(
                f"{target['job']} on {target['instance']} does not answer the agent of cluster "
                f"'{target['cluster']}'"
            )
    return found


def _probe_problems(plan: Plan, probe_success: Sequence[Series]) -> list[str]:
    names = ("source_region", "target_region", "prober", "instance")
    seen = {tuple(labels.get(n) for n in names): value for labels, value in probe_success}
    found = [
        f"no exporter of region {plan['region']} probes region {target}: give {plan['region']} a "
        f"blackbox host, and {target} one or probe_targets"
        for target in plan["unprobed"]
    ]
    for probe in plan["probes"]:
        key = tuple(probe[name] for name in names)
        where = f"from {probe['prober']} ({plan['region']}) to {probe['target_region']}"
        if key not in seen:
            found.append(f"no probe {where}, {probe['instance']}")
        elif seen[key] != 1:
            found.append(f"the probe {where} fails, {probe['instance']}")
    return found
