from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet, read_fleet
from ansible_collections.meridian.metrics.plugins.plugin_utils.verification import (
    findings,
    fleet_report,
    problems,
    verification_plan,
)

GROUPS = {
    "node_exporter": [],
    "us_east_1": ["us-agent-1", "us-agent-2", "us-gateway-1", "us-storage-1"],
    "eu_west_1": ["eu-agent-1"],
    "vmagent": ["us-agent-1", "us-agent-2", "eu-agent-1"],
    "blackbox": ["us-agent-1", "eu-agent-1"],
    "vmauth": ["us-gateway-1"],
    "vmsingle": ["us-storage-1"],
}
FLEET_SETTINGS = {
    "meridian_topology": "centralized",
    "meridian_storage_region": "us-east-1",
    "meridian_regions": {"us-east-1": {}, "eu-west-1": {}},
}
HOSTS: dict[str, dict[str, object]] = {
    "us-agent-1": {
        "ansible_host": "10.0.1.1",
        "cluster": "us-east-1-eks-01-prod",
        "availability_zone": "us-east-1a",
        "env": "prod",
    },
    "us-agent-2": {
        "ansible_host": "10.0.1.2",
        "cluster": "us-east-1-eks-02-prod",
        "availability_zone": "us-east-1b",
        "env": "prod",
    },
    "us-gateway-1": {"ansible_host": "10.0.1.3"},
    "us-storage-1": {"ansible_host": "10.0.1.4"},
    "eu-agent-1": {
        "ansible_host": "10.0.2.1",
        "cluster": "eu-west-1-eks-01-beta",
        "availability_zone": "eu-west-1a",
        "env": "beta",
    },
}
URL = "http://gateway.us-east-1.meridian.internal:8427"
EU_LABELS = {
    "env": "beta",
    "region": "eu-west-1",
    "storage_region": "us-east-1",
    "cluster": "eu-west-1-eks-01-beta",
    "availability_zone": "eu-west-1a",
}
EU_TARGETS = [("vmagent", "eu-agent-1"), ("blackbox", "eu-agent-1")]
EU_PROBED = ["http://10.0.1.1:9115/-/healthy", "http://10.0.1.3:8427/health"]


def fleet(**region_settings: object) -> Fleet:
    settings = FLEET_SETTINGS | {
        "meridian_regions": {"us-east-1": {}, "eu-west-1": {}} | region_settings
    }
    return read_fleet(GROUPS, {h: v | settings for h, v in HOSTS.items()}, "eu-agent-1")


def plan() -> dict[str, Any]:
    return verification_plan(fleet(), "eu-agent-1", GROUPS["vmagent"])


def answered(*series: tuple[Mapping[str, str], float]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1, str(value)]} for labels, value in series]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
    return {"status": 200, "body": body, "error": ""}


def status(code: int, body: str = "") -> dict[str, Any]:
    return {"status": code, "body": body, "error": ""}


def good_answers() -> dict[str, Any]:
    """What a gateway answers about eu-west-1 when everything works."""
    probe = {"source_region": "eu-west-1", "target_region": "us-east-1", "prober": "eu-agent-1"}
    answers = {
        "up": answered(*((EU_LABELS | {"job": j, "instance": i}, 1) for j, i in EU_TARGETS)),
        "mislabelled": answered(),
        "probe_success": answered(*((EU_LABELS | probe | {"instance": u}, 1) for u in EU_PROBED)),
        "probe_seconds": answered(({"target_region": "us-east-1"}, 0.25)),
        "series": answered(({"cluster": "eu-west-1-eks-01-beta"}, 300)),
        "samples": answered(({"cluster": "eu-west-1-eks-01-beta"}, 1200)),
        "query as nobody": status(401),
        "query as eu-west-1-eks-01-beta": status(400),
        f"write as nobody to {URL}/api/v1/write": status(401),
        f"write as eu-west-1-eks-01-beta to {URL}/api/v1/write": status(204),
    }
    for user in ("grafana", "operator", "vmalert"):
        answers[f"query as {user}"] = status(200)
        answers[f"write as {user} to {URL}/api/v1/write"] = status(
            204 if user == "vmalert" else 400
        )
    return answers


def test_every_request_of_the_plan_is_answered_above() -> None:
    assert {request["name"] for request in plan()["requests"]} == set(good_answers())


def test_a_fleet_that_works_has_no_problem() -> None:
    assert problems(good_answers(), plan()) == []


def test_the_first_playing_agent_of_a_region_asks() -> None:
    for playing, expected in (
        (["us-agent-1", "us-agent-2", "eu-agent-1"], {"us-agent-1", "eu-agent-1"}),
        (["us-agent-2", "eu-agent-1"], {"us-agent-2", "eu-agent-1"}),
        (["us-agent-2"], {"us-agent-2"}),
    ):
        asking = {
            h for h in GROUPS["vmagent"] if verification_plan(fleet(), h, playing)["requests"]
        }
        assert asking == expected


def test_queries_ask_for_fresh_samples_of_the_region_only() -> None:
    urls = {r["name"]: r["url"] for r in plan()["requests"]}
    query = {name: parse_qs(urlsplit(url).query) for name, url in urls.items()}
    assert query["up"] == {
        "query": ['last_over_time(up{cluster=~"eu-west-1-eks-01-beta"}[2m])'],
        "nocache": ["1"],
        "latency_offset": ["1s"],
    }
    assert query["mislabelled"]["query"] == [
        "count by (env,region,storage_region,cluster,availability_zone) (last_over_time({"
        '__name__!~"ALERTS.*|.*:.*",cluster="eu-west-1-eks-01-beta",env!="beta" or '
        '__name__!~"ALERTS.*|.*:.*",cluster="eu-west-1-eks-01-beta",region!="eu-west-1" or '
        '__name__!~"ALERTS.*|.*:.*",cluster="eu-west-1-eks-01-beta",storage_region!="us-east-1" or '
        '__name__!~"ALERTS.*|.*:.*",cluster="eu-west-1-eks-01-beta",'
        'availability_zone!="eu-west-1a"}[2m]))'
    ]


def test_the_cluster_of_legacy_senders_may_be_silent_and_its_receiver_must_be_let_in() -> None:
    groups = GROUPS | {"prometheus_receiver": ["eu-agent-1"]}
    receiving = read_fleet(groups, {h: v | FLEET_SETTINGS for h, v in HOSTS.items()}, "eu-agent-1")
    asked = verification_plan(receiving, "eu-agent-1", ["eu-agent-1"])
    legacy = "eu-west-1-eks-01-prod-legacy"
    series = [
        *((EU_LABELS | {"job": j, "instance": i}, 1) for j, i in EU_TARGETS),
        *(
            (EU_LABELS | {"job": job, "instance": "eu-agent-1"}, 1)
            for job in ("prometheus_receiver", "prometheus")
        ),
    ]
    answers = good_answers() | {
        "up": answered(*series),
        f"query as {legacy}": status(400),
        f"write as {legacy} to {URL}/api/v1/write": status(401),
    }
    assert problems(answers, asked) == [
        f"user '{legacy}' cannot write: {URL}/api/v1/write answered 401"
    ]


def test_an_operators_balancer_is_asked_in_place_of_the_name() -> None:
    balanced = fleet(**{"us-east-1": {"gateway_url": "https://lb.example/"}})
    requests = verification_plan(balanced, "eu-agent-1", ["eu-agent-1"])["requests"]
    assert {urlsplit(request["url"]).netloc for request in requests} == {"lb.example"}


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        pytest.param(
            "up",
            answered((EU_LABELS | {"job": "vmagent", "instance": "eu-agent-1"}, 1)),
            [
                "no series of blackbox on eu-agent-1 from the agent of cluster "
                "'eu-west-1-eks-01-beta'"
            ],
            id="a component is not scraped",
        ),
        pytest.param(
            "up",
            answered(
                (EU_LABELS | {"job": "vmagent", "instance": "localhost:8429"}, 1),
                (EU_LABELS | {"job": "blackbox", "instance": "eu-agent-1"}, 0),
            ),
            [
                "no series of vmagent on eu-agent-1 from the agent of cluster "
                "'eu-west-1-eks-01-beta'",
                "blackbox on eu-agent-1 does not answer the agent of cluster "
                "'eu-west-1-eks-01-beta'",
            ],
            id="an instance is not the host's name, a component is down",
        ),
        pytest.param(
            "mislabelled",
            answered((EU_LABELS | {"env": "prod", "availability_zone": ""}, 7)),
            [
                "7 series of cluster 'eu-west-1-eks-01-beta' have env=prod instead of beta, "
                "availability_zone= instead of eu-west-1a"
            ],
            id="some series have other labels",
        ),
        pytest.param(
            "probe_success",
            answered(
                (
                    {
                        "source_region": "eu-west-1",
                        "target_region": "us-east-1",
                        "prober": "eu-agent-1",
                        "instance": "http://10.0.1.3:8427/health",
                    },
                    0,
                )
            ),
            [
                "no probe from eu-agent-1 (eu-west-1) to us-east-1, http://10.0.1.1:9115/-/healthy",
                "the probe from eu-agent-1 (eu-west-1) to us-east-1 fails, "
                "http://10.0.1.3:8427/health",
            ],
            id="a probe is missing, another fails",
        ),
        pytest.param(
            "query as eu-west-1-eks-01-beta",
            status(200),
            [
                f"user 'eu-west-1-eks-01-beta' is not refused to read: {URL}/api/v1/query "
                "answered 200, not one of 400, 401, 403"
            ],
            id="a write user reads",
        ),
        pytest.param(
            f"write as grafana to {URL}/api/v1/write",
            status(502),
            [
                f"user 'grafana' is not refused to write: {URL}/api/v1/write "
                "answered 502, not one of 400, 401, 403"
            ],
            id="a read user gets through to a broken storage",
        ),
        pytest.param(
            "query as nobody",
            status(200),
            [
                "a client without a password is not refused to read: "
                f"{URL}/api/v1/query answered 200, not one of 400, 401, 403"
            ],
            id="no password is needed",
        ),
        pytest.param(
            f"write as eu-west-1-eks-01-beta to {URL}/api/v1/write",
            status(401),
            [f"user 'eu-west-1-eks-01-beta' cannot write: {URL}/api/v1/write answered 401"],
            id="a write user is unknown to the gateway",
        ),
        pytest.param(
            "samples",
            status(401, "wrong password\n"),
            ["user 'operator' got 401 for the query 'samples': wrong password"],
            id="the reader is refused",
        ),
        pytest.param(
            "up",
            {"status": 0, "body": "", "error": "Connection refused"},
            [f"no answer from the gateway of us-east-1 ({URL}): Connection refused"],
            id="the gateway is away",
        ),
    ],
)
def test_what_is_missing_is_named(name: str, answer: dict[str, Any], expected: list[str]) -> None:
    assert problems(good_answers() | {name: answer}, plan()) == expected


def test_a_cluster_without_samples_is_named_with_its_labels() -> None:
    found = problems(good_answers() | {"up": answered()}, plan())
    assert found[0] == (
        "no samples of cluster 'eu-west-1-eks-01-beta' with the labels env=beta, "
        "region=eu-west-1, storage_region=us-east-1, availability_zone=eu-west-1a"
    )


def test_a_region_that_nothing_probes_is_named() -> None:
    groups = GROUPS | {"blackbox": ["us-agent-1"]}
    unprobed = read_fleet(groups, {h: v | FLEET_SETTINGS for h, v in HOSTS.items()}, "eu-agent-1")
    answers = good_answers() | {"probe_success": answered()}
    assert problems(answers, verification_plan(unprobed, "eu-agent-1", ["eu-agent-1"])) == [
        "no exporter of region eu-west-1 probes region us-east-1: give eu-west-1 a blackbox host, "
        "and us-east-1 one or probe_targets"
    ]


def test_the_report_joins_the_regions() -> None:
    eu = findings(good_answers(), plan())
    us = copy.deepcopy(eu) | {
        "region": "us-east-1",
        "clusters": {},
        "probe_seconds": {"eu-west-1": 0.5},
        "problems": ["one thing"],
    }
    assert fleet_report([us, eu]) == {
        "regions": ["eu-west-1", "us-east-1"],
        "query_urls": {"us-east-1": URL},
        "clusters": {
            "eu-west-1-eks-01-beta": {"region": "eu-west-1", "series": 300, "samples": 1200}
        },
        "probe_seconds": {"eu-west-1": {"us-east-1": 0.25}, "us-east-1": {"eu-west-1": 0.5}},
        "problems": ["us-east-1: one thing"],
    }


def test_findings_survive_a_gateway_that_refuses() -> None:
    refused = {name: status(401) for name in good_answers()}
    assert findings(refused, plan())["clusters"] == {
        "eu-west-1-eks-01-beta": {"region": "eu-west-1", "series": 0, "samples": 0}
    }


def test_a_fleet_of_which_nothing_was_seen_is_not_verified() -> None:
    assert fleet_report([])["problems"] == [
        "no region was verified: none of its agents' hosts could ask"
    ]
