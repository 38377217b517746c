# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate of each component: what has to hold before and after one of its hosts is changed.

Programs on the way of samples are judged by what agents report, read through a gateway of the
region, so that a passed gate proves the way from the agents to a reader. Agents are judged by their
own metrics: they are many, and no sample of another one waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.meridian.metrics.plugins.plugin_utils.gateway import (
    gateway_addresses,
    gateway_port,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.routes import (
    destinations,
    written_by,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.scraping import agents_by_host
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import (
    Fleet,
    TopologyError,
    address,
    authority,
    endpoint,
)

USER = "operator"
AGENTS = ("vmagent", "prometheus_receiver")
READERS = ("vmselect", "vmselect_global")
COMPONENTS = ("vmstorage", "vminsert", *READERS, "vmsingle", "vmauth", *AGENTS)

BACKLOG = "vmagent_remotewrite_pending_data_bytes"
# Bytes: what an agent holds between two sends of a second, at about 150,000 samples/s.
BACKLOG_GROWTH = 1_000_000
# Seconds that have to pass after a start. A gateway tries a backend that refused a connection again
# after 3. While a storage node is away, the others get series that they have not had before, and
# their answers lack these for up to 12: they find series by a cache that is cleared every 10 to 11,
# and index what is new within 1.
SETTLES = {"vminsert": 5, **dict.fromkeys(READERS, 5), "vmstorage": 15}

TIMEOUT = "meridian_gate_timeout"

Check = dict[str, object]


def gate(
    fleet: Fleet | None, host: str, component: str, timeout: object = 300, metrics_url: str = ""
) -> dict[str, object]:
    """The daemon's `gate` for a component on a host; empty when there is nobody to ask.

    `timeout` is in seconds, 0 for no gate; `metrics_url` is the metrics page of an agent.
    Raises TopologyError.
    """
    if component not in COMPONENTS:
        raise TopologyError(
            f"component '{component}' has no gate; components with one: {', '.join(COMPONENTS)}"
        )
    seconds = _seconds(timeout)
    if component in AGENTS:
        checks, urls = [_backlog(BACKLOG, metrics_url)] if metrics_url else [], []
    else:
        region = _region(fleet, host)
        if fleet is None or not region:
            return {}
        checks, urls = _checks(fleet, region, host, component), _urls(fleet, region, host)
    if not seconds or not checks or not (urls or metrics_url):
        return {}
    made: dict[str, object] = {"timeout": seconds, "checks": checks}
    if urls:
        made |= {"urls": urls, "username": USER}
    if component in SETTLES:
        made["settle"] = SETTLES[component]
    return made


def timeout_errors(variables: Mapping[str, object]) -> list[str]:
    """What is wrong with the fleet's time limit."""
    try:
        _seconds(variables.get(TIMEOUT, 0))
    except TopologyError as error:
        return [f"{error}"]
    return []


def _seconds(timeout: object) -> int:
    text = f"{timeout}"
    if not text.isdecimal():
        raise TopologyError(
            f"{TIMEOUT} is '{text}'; write seconds as a whole number, 0 for no gate"
        )
    return int(text)


def _region(fleet: Fleet | None, host: str) -> str:
    """The region of a host; empty where it is in none, as a role on its own may be used."""
    regions = fleet.regions_of.get(host, ()) if fleet else ()
    return regions[0] if len(regions) == 1 else ""


def _urls(fleet: Fleet, region: str, host: str) -> list[str]:
    """Base URLs for queries; by address, because storage hosts do not know the gateway's name.

    A gateway asks itself first: that it answers belongs to what has to hold.
    """
    stated = fleet.region(region).gateway_url
    if stated:
        return [stated]
    number = gateway_port(fleet, region, host)
    addresses = gateway_addresses(fleet, region)
    own = address(fleet, host)
    ordered = sorted(addresses, key=lambda each: (each != own, each))
    return [f"http://{authority(each, number)}" for each in ordered]


def _checks(fleet: Fleet, region: str, host: str, component: str) -> list[Check]:
    checks: list[Check] = []
    if agents_by_host(fleet, region):
        if component != "vmstorage":
            checks.append(_up(region, component, host))
        if component in ("vmstorage", "vminsert"):
            checks.append(_reachable(fleet, region, host, component))
    if component not in READERS:
        checks.append(_backlog(_selector(fleet, region)))
    return checks


def _selector(fleet: Fleet, region: str) -> str:
    """The backlogs of what is on its way to a region.

    An agent counts them by the place of the URL, and a region that takes copies sees all backlogs
    of those who send them: one that waits for another region is not a matter of this one.
    """
    places: dict[int, list[str]] = {}
    for writer in written_by(fleet, region):
        for place, each in enumerate(destinations(fleet, writer), 1):
            if each.region == region:
                places.setdefault(place, []).append(writer)
    if set(places) <= {1}:
        return f'{BACKLOG}{{url=~"1:.*"}}'
    matchers = (
        f'region=~"{"|".join(writers)}",url=~"{place}:.*"'
        for place, writers in sorted(places.items())
    )
    return f"{BACKLOG}{{{' or '.join(matchers)}}}"


def _up(region: str, component: str, host: str) -> Check:
    return {
        "name": f"every {component} of {region} is up",
        "query": f'up{{job="{component}",region="{region}"}}',
        "wanted": 1,
        "own": {"instance": host},
    }


def _reachable(fleet: Fleet, region: str, host: str, component: str) -> Check:
    if component == "vmstorage":
        own = {"addr": endpoint(fleet, host, "vmstorage", "vmstorage_insert_port")}
    else:
        own = {"instance": host}
    return {
        "name": f"every vminsert of {region} reaches every vmstorage",
        "query": f'vm_rpc_vmstorage_is_reachable{{job="vminsert",region="{region}"}}',
        "wanted": 1,
        "own": own,
    }


def _backlog(query: str, metrics_url: str = "") -> Check:
    check: Check = {
        "name": "the backlog of agents is no larger",
        "query": query,
        "growth": BACKLOG_GROWTH,
    }
    return check | {"metrics_url": metrics_url} if metrics_url else check
