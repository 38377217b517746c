# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How clusters are named: `{region}-eks-{number}-{env}`, with a suffix where senders are legacy."""

from __future__ import annotations

import re

ENVIRONMENTS = ("dev", "beta", "prod")

# Legacy senders of a region push into a cluster of their own, which no agent scrapes.
LEGACY = "-legacy"
_CLUSTER_NAME = re.compile(rf"(?P<region>.+)-eks-[0-9]+-(?P<env>[a-z]+)(?P<legacy>{LEGACY})?")


def cluster_problem(
    cluster: str, region: str, env: str | None, *, legacy: bool = False
) -> str | None:
    """Say what is wrong with a cluster's name, given its region and (if known) its env."""
    match = _CLUSTER_NAME.fullmatch(cluster)
    known_env = env or (match["env"] if match and match["env"] in ENVIRONMENTS else None)
    if (
        match
        and match["region"] == region
        and match["env"] == known_env
        and bool(match["legacy"]) == legacy
    ):
        return None
    name = f"{region}-eks-<number>-{known_env or '<env>'}{LEGACY if legacy else ''}"
    return f"which is not named {name}"


def is_legacy(cluster: str) -> bool:
    """Whether a cluster is what legacy senders push; nothing scrapes it, so it may be silent."""
    return cluster.endswith(LEGACY)
