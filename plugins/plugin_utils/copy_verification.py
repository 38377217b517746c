# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what a region sends to further regions arrives there: the questions, and the judgement.

What is asked is how many series of the last time each cluster has, in the region that is read and
in the one that gets copies; of a selection, how many of the selected ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import gateway_url
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    destinations,
    read_region,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet, region_of

Answers = Mapping[str, Mapping[str, Any]]
Copy = Mapping[str, Any]


def copies(fleet: Fleet, host: str, clusters: str, window: str) -> list[dict[str, str]]:
    """The regions that get copies of a host's samples, and what to ask: `region`, `url`, `query`.

    `clusters` is a regular expression of the region's clusters, `window` a duration with its unit.
    Raises TopologyError.
    """
    region = region_of(fleet, host)
    found = []
    for each in destinations(fleet, region):
        if each.region == read_region(fleet, region):
            continue
        selectors = each.keep or (f"up{{cluster=~{json.dumps(clusters)}}}",)
        seen = " or ".join(f"last_over_time({selector}[{window}])" for selector in selectors)
        found.append(
            {
                "region": each.region,
                "url": gateway_url(fleet, each.region, host),
                "query": f"count by (cluster) ({seen})",
            }
        )
    return found


def sent(copy: Copy) -> str:
    """The name of the question about what is sent."""
    return f"sent to {copy['region']}"


def arrived(copy: Copy) -> str:
    """The name of the question about what has arrived."""
    return f"arrived in {copy['region']}"


def is_about(copy: Copy, request: Mapping[str, Any]) -> bool:
    """Whether a request goes to the gateway that gets copies."""
    return str(request["url"]).startswith(f"{copy['url']}/")


def copy_problems(answers: Answers, copy: Copy, clusters: Sequence[str], window: str) -> list[str]:
    """List, one sentence each, what a region lacks of its copies."""
    region, url = copy["region"], copy["url"]
    error = answers[arrived(copy)]["error"]
    if error:
        return [f"no answer from the gateway of {region} ({url}), which gets copies: {error}"]
    answer = answers[arrived(copy)]
    if answer["status"] != 200:
        return [
            f"the gateway of {region} ({url}), which gets copies, answered {answer['status']} to a "
            f"query: {answer['body'].strip()[:200]}"
        ]
    here = _series(answers[sent(copy)]) if answers[sent(copy)]["status"] == 200 else {}
    there = _series(answer)
    return [
        f"no sample of cluster '{cluster}' of the last {window} is in {region}, which gets copies: "
        "they wait at its agents, or the way there is broken"
        for cluster in clusters
        if here.get(cluster) and not there.get(cluster)
    ]


def _series(answer: Mapping[str, Any]) -> dict[str, float]:
    result = json.loads(answer["body"])["data"]["result"]
    return {each["metric"].get("cluster", ""): float(each["value"][1]) for each in result}
