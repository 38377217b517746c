# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the view of all regions must answer: samples of every region that it reads, none missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.global_view import (
    view_backends,
    viewed_regions,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import clusters_of
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import read_region
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet

READER = "operator-global"
# The name of the question.
QUERY = "regions of the global view"


def seen_regions(fleet: Fleet, region: str) -> list[str]:
    """The sorted regions whose clusters a global view behind the gateways of a region must show.

    Empty where there is none behind them. Raises TopologyError.
    """
    if not view_backends(fleet, region):
        return []
    viewed = viewed_regions(fleet)
    return [
        each
        for each in sorted(fleet.settings.regions)
        if read_region(fleet, each) in viewed and clusters_of(fleet, each)
    ]


def view_query(window: str) -> str:
    """The number of targets by region with a sample that is no older than a duration."""
    return f"count by (region) (last_over_time(up[{window}]))"


def view_problems(answer: Mapping[str, Any], expected: Sequence[str]) -> list[str]:
    """Say what the answer to `view_query` lacks."""
    if answer["status"] != 200:
        return [
            f"user '{READER}' got {answer['status']} for the query '{QUERY}': "
            f"{answer['body'].strip()[:200]}"
        ]
    parsed = json.loads(answer["body"])
    found = []
    if parsed.get("isPartial"):
        found.append("the global view is partial: not every region's vmselects answer it")
    seen = {each["metric"].get("region") for each in parsed["data"]["result"]}
    missing = [region for region in expected if region not in seen]
    if missing:
        found.append(f"the global view has no samples of {', '.join(missing)}")
    return found
