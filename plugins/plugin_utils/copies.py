# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of samples in a second region: how agents send them, and who does not read them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    copied_to,
    destinations,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet, region_of


def write_keep(fleet: Fleet, host: str) -> list[list[str]]:
    """Series selectors of what a host sends to each of its destinations; none for every sample."""
    return [list(each.keep) for each in destinations(fleet, region_of(fleet, host))]


def copy_outage_hours(fleet: Fleet, host: str, default: float) -> float:
    """Hours that the further destinations of a host may be away; `default` where none is stated."""
    stated = [each.queue_hours for each in destinations(fleet, region_of(fleet, host))[1:]]
    return max((default if each is None else each for each in stated), default=default)


def url_relabeling(
    keep: Sequence[Sequence[str]], labels: Mapping[str, str], directory: str
) -> dict[str, object]:
    """vmagent's rules for each URL: `args` for its flag, by place, and the daemon's `files`.

    The labels are set before a selector is tried: those that vmagent gives to pushed samples come
    after these rules else, and where only the gateway gives them they are missing. Without any
    selector `args` is None, and there is no file.
    """
    names = [f"keep-{place}.yml" if each else "" for place, each in enumerate(keep, 1)]
    known = [
        {"target_label": f"{name}", "replacement": f"{value}"} for name, value in labels.items()
    ]
    return {
        "args": [f"{directory}/{name}" if name else "" for name in names] if any(names) else None,
        "files": [
            {
                "path": name,
                "content": yaml.safe_dump(
                    [*known, {"action": "keep", "if": [f"{one}" for one in each]}],
                    sort_keys=False,
                    width=1000,
                ),
                "on_change": "reload",
            }
            for name, each in zip(names, keep, strict=True)
            if name
        ],
    }


def without_copies(fleet: Fleet, region: str, urls: Sequence[str]) -> list[str]:
    """URLs for queries that find only what belongs to a region, not what others have copied to it.

    Rules are evaluated where samples belong: a copy may be late, or a part of them, and what two
    regions record and alert on would be there twice.
    """
    copied = copied_to(fleet, region)
    if not copied:
        return list(urls)
    selector = f'{{region!~"{"|".join(copied)}"}}'
    return [f"{url}?extra_filters[]={quote(selector, safe='')}" for url in urls]
