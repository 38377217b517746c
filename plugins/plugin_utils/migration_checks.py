# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each host does in a phase of a migration, and what speaks against the phase.

What speaks against it is judged by what runs, as the hosts say themselves, and by what the hosts
remember of their region's move; both are variables that playbooks/migrate.yml has registered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_addresses,
    gateway_port,
    gateway_url,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.labels import clusters_of
from ansible_collections.meridian.metrics.plugins.plugin_utils.migration import (
    BACKFILL,
    BUILD,
    DUAL_WRITE,
    FINISH,
    PHASES,
    READERS,
    Migration,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    TopologyError,
    authority,
    region_of,
)

WRITERS = ("vmagent", "prometheus_receiver")
READER = "vmalert"
STORAGES = ("vmstorage", "vmsingle")
PROGRAMS = (*WRITERS, READER, *STORAGES)
# What playbooks/migrate.yml registers: the flags of running programs, what is remembered.
RUNNING = "migrate_running"
STATE = "migrate_state"

_NONE_STATED = (
    "no migration is stated; write meridian_migration: {from: REGION, phase: build} beside "
    "meridian_topology: federated in group_vars/all.yml"
)


def migration_plan(fleet: Fleet, host: str) -> dict[str, Any]:
    """What a host has to do, as plain data. Raises TopologyError.

    `worker` is the host that copies and remembers for its region, `source` and `destination` are
    base URLs of the gateways of the old storage and of the region's own.
    """
    migration = fleet.settings.migration
    if migration is None:
        raise TopologyError(_NONE_STATED)
    region = region_of(fleet, host)
    worker = _worker(fleet, migration, region)
    found: dict[str, Any] = {
        "phase": migration.phase,
        "origin": migration.origin,
        "region": region,
        "worker": worker,
        "works": worker == host,
        "copies": migration.phase in (BACKFILL, READERS),
        "source": [],
        "destination": [],
        "requests": [],
        "users": [],
    }
    if worker != host:
        return found
    old, own = (_gateways(fleet, each, host) for each in (migration.origin, region))
    clusters = [labels.cluster for labels in clusters_of(fleet, region)]
    asked = old if migration.phase == BUILD else [*old, *own]
    query = "/api/v1/query?nocache=1&query=vm_app_version"
    requests = [
        *({"name": f"query {url}", "url": f"{url}{query}", "user": "operator"} for url in asked),
        *(
            # Without a body it stores nothing.
            {
                "name": f"write {url} {cluster}",
                "url": f"{url}/api/v1/write",
                "user": cluster,
                "method": "POST",
            }
            for url in (own if migration.phase != BUILD else [])
            for cluster in clusters
        ),
    ]
    return found | {
        "source": old,
        "destination": own,
        "requests": requests,
        "users": ["operator", *clusters],
        "retention": _retention(fleet, migration.origin),
    }


def migration_problems(fleet: Fleet, host: str, limit: object = None) -> list[str]:
    """Say what speaks against the phase; `limit` is what --limit was given."""
    del host  # the same for every host
    migration = fleet.settings.migration
    if migration is None:
        return [_NONE_STATED]
    if limit:
        return [f"--limit {limit} leaves out hosts that take part in the phase; run without it"]
    problems: list[str] = []
    for region in sorted(fleet.settings.regions):
        if not migration.moves(region) or not fleet.groups.get(fleet.region(region).group):
            continue
        if not clusters_of(fleet, region):
            continue
        if not _worker(fleet, migration, region):
            problems.append(
                f"region '{region}' has no gateway of its own; put hosts of it in the group vmauth"
            )
            continue
        gap = _gap(fleet, migration, region)
        problems += gap or [
            *_state_problems(fleet, migration, region),
            *_writer_problems(fleet, migration, region),
            *_reader_problems(fleet, migration, region),
        ]
    return problems


def answer_problems(answers: Mapping[str, Mapping[str, Any]], plan: Mapping[str, Any]) -> list[str]:
    """Say which gateways do not answer as the phase needs it."""
    found = []
    for request in plan["requests"]:
        answer = answers[request["name"]]
        url = request["url"].partition("?")[0]
        if not 200 <= answer["status"] < 300:
            said = answer["error"] or answer["body"].strip()[:200]
            found.append(
                f"{url} answers user '{request['user']}' with {answer['status']}: {said}; "
                + _remedy(plan)
            )
        elif request.get("method") != "POST" and _is_partial(answer["body"]):
            found.append(f"{url} answers in part only; start all storage nodes behind it")
    return found


def _remedy(plan: Mapping[str, Any]) -> str:
    if plan["phase"] == BUILD:
        return f"a migration begins with a fleet that is stored in {plan['origin']} and runs"
    if plan["phase"] == DUAL_WRITE:
        return "run phase build first"
    return "see that the gateway and its storage run"


def _is_partial(body: str) -> bool:
    try:
        return bool(json.loads(body).get("isPartial"))
    except ValueError:
        return True


def _worker(fleet: Fleet, migration: Migration, region: str) -> str:
    """The host that copies and remembers for a region; empty where nothing moves."""
    gateways = fleet.hosts(region, "vmauth")
    moves = migration.moves(region) and clusters_of(fleet, region)
    return gateways[0] if moves and gateways else ""


def _gateways(fleet: Fleet, region: str, host: str) -> list[str]:
    """Base URLs of a region's gateways, by address: a gateway's host knows no gateway's name."""
    stated = fleet.region(region).gateway_url
    if stated:
        return [stated]
    number = gateway_port(fleet, region, host)
    return [f"http://{authority(each, number)}" for each in gateway_addresses(fleet, region)]


def _retention(fleet: Fleet, origin: str) -> str:
    """How far the old storage looks back, as its running programs say; empty when none does."""
    for _host, flags in _running(fleet, origin, STORAGES):
        if flags:
            return flags.get("retentionPeriod", ["1"])[-1]
    return ""


def _running(
    fleet: Fleet, region: str, programs: Iterable[str]
) -> Iterable[tuple[str, Mapping[str, list[str]]]]:
    """Hosts of a region that carry one of the programs, and its flags; without flags it is off."""
    for program in programs:
        for host in fleet.hosts(region, program):
            found: Any = fleet.variables[host].get(RUNNING) or {}
            yield host, found.get("programs", {}).get(program, {})


def _state(fleet: Fleet, migration: Migration, region: str) -> Mapping[str, Any]:
    worker = _worker(fleet, migration, region)
    found: Any = fleet.variables[worker].get(STATE) if worker else None
    return found or {}


def _gap(fleet: Fleet, migration: Migration, region: str) -> list[str]:
    """Going back further than to the readers needs what the old storage has not got meanwhile."""
    if migration.reached(READERS):
        return []
    alone = [
        host for host, (old, own) in _written(fleet, migration, region).items() if own and not old
    ]
    if not alone and not _state(fleet, migration, region).get("alone"):
        return []
    return [
        f"'{migration.origin}' lacks what was written to '{region}' alone since phase finish; run "
        "phase readers first, which brings it there"
    ]


def _written(
    fleet: Fleet, migration: Migration, region: str
) -> dict[str, tuple[bool, bool] | tuple[None, None]]:
    """By writer, whether it writes to the old storage and to its own; None where it is off."""
    found: dict[str, tuple[bool, bool] | tuple[None, None]] = {}
    for host, flags in _running(fleet, region, WRITERS):
        if not flags:
            found[host] = (None, None)
            continue
        urls = {url.replace("://dns+", "://") for url in flags.get("remoteWrite.url", [])}
        old, own = (
            f"{gateway_url(fleet, each, host)}/api/v1/write" in urls
            for each in (migration.origin, region)
        )
        found[host] = (old, own)
    return found


def _state_problems(fleet: Fleet, migration: Migration, region: str) -> list[str]:
    if migration.phase == BUILD:
        return []
    before = PHASES[PHASES.index(migration.phase) - 1]
    done = _state(fleet, migration, region).get("phases", [])
    # Coming back from a later phase, it was complete once.
    if before in done:
        return []
    return [f"phase {before} is not complete in '{region}'; run it first"]


def _writer_problems(fleet: Fleet, migration: Migration, region: str) -> list[str]:
    found = []
    for host, (old, own) in _written(fleet, migration, region).items():
        if old is None:
            if migration.reached(BACKFILL):
                found.append(f"no agent runs on host '{host}'; start it (site.yml)")
        elif not old and not own:
            found.append(
                f"the agent of host '{host}' writes neither to '{migration.origin}' nor to "
                f"'{region}'; a migration begins with a fleet that is stored in "
                f"'{migration.origin}' and runs"
            )
        elif not own and migration.reached(BACKFILL):
            found.append(
                f"the agent of host '{host}' writes to '{migration.origin}' only; run phase "
                "dual_write first"
            )
    return found


def _reader_problems(fleet: Fleet, migration: Migration, region: str) -> list[str]:
    if migration.phase != FINISH:
        return []
    return [
        f"{READER} of host '{host}' does not ask '{region}'; run phase readers first"
        for host, flags in _running(fleet, region, (READER,))
        if gateway_url(fleet, region, host) not in flags.get("datasource.url", [])
    ]
