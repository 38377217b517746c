"""Whether copies arrive, and what is said of a region that gets them and is away."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.meridian.metrics.plugins.plugin_utils.verification import (
    problems,
    verification_plan,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory

US, EU = (
    f"http://gateway.{region}.meridian.internal:8427" for region in ("us-east-1", "eu-west-1")
)
CLUSTER = "us-east-1-eks-03-prod"
LABELS = {
    "env": "prod",
    "region": "us-east-1",
    "storage_region": "us-east-1",
    "cluster": CLUSTER,
    "availability_zone": "us-east-1a",
}
FULL = {"mode": "full", "to": "eu-west-1"}
SELECTIVE = {"mode": "selective", "to": "eu-west-1", "keep": ["slo_.*", '{job="api"}']}


def plan(replication: object) -> dict[str, Any]:
    made = inventory(
        {
            "us-east-1": {"us-s": "vmsingle", "us-g": "vmauth", "us-a": "vmagent"},
            "eu-west-1": {"eu-s": "vmsingle", "eu-g": "vmauth", "eu-a": "vmagent"},
        },
        "federated",
    )
    made.set_region("us-east-1", replication=replication)
    return verification_plan(made.fleet(), "us-a", ["us-a"])


def answered(*series: tuple[dict[str, str], float]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1, str(value)]} for labels, value in series]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
    return {"status": 200, "body": body, "error": ""}


def answers(asked: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
    """What the gateways answer when everything works; nobody probes."""
    asked["unprobed"] = []
    found = {}
    for request in asked["requests"]:
        if "query=1&" in request["url"] or request["method"] == "POST":
            may = request["method"] == "POST" and request["user"] in (CLUSTER, "vmalert")
            may |= request["method"] == "GET" and request["user"] in (
                "grafana",
                "operator",
                "vmalert",
            )
            found[request["name"]] = {"status": 200 if may else 401, "body": "", "error": ""}
        else:
            found[request["name"]] = answered()
    ups = (
        (LABELS | {"job": target["job"], "instance": target["instance"]}, 1.0)
        for target in asked["targets"]
    )
    counts = answered(({"cluster": CLUSTER}, 7))
    found |= {"up": answered(*ups), "sent to eu-west-1": counts, "arrived in eu-west-1": counts}
    return found | changes


def away(asked: dict[str, Any], url: str) -> dict[str, dict[str, Any]]:
    lost = {"status": 0, "body": "", "error": "Connection refused"}
    return {each["name"]: lost for each in asked["requests"] if each["url"].startswith(url)}


def query(asked: dict[str, Any], name: str) -> tuple[str, str]:
    """The gateway that is asked, and what."""
    [url] = [each["url"] for each in asked["requests"] if each["name"] == name]
    return url.partition("/api")[0], parse_qs(urlsplit(url).query)["query"][0]


def test_copies_that_arrive_are_no_problem() -> None:
    for replication in (FULL, SELECTIVE):
        asked = plan(replication)
        assert problems(answers(asked), asked) == []


def test_both_gateways_are_asked_the_same() -> None:
    same = f'count by (cluster) (last_over_time(up{{cluster=~"{CLUSTER}"}}[2m]))'
    assert query(plan(FULL), "sent to eu-west-1") == (US, same)
    assert query(plan(FULL), "arrived in eu-west-1") == (EU, same)


def test_of_a_selection_what_it_selects_is_asked() -> None:
    assert query(plan(SELECTIVE), "arrived in eu-west-1")[1] == (
        'count by (cluster) (last_over_time({__name__=~"slo_.*"}[2m]) or '
        'last_over_time({job="api"}[2m]))'
    )


def test_the_clusters_user_is_tried_at_both_gateways() -> None:
    asked = plan(FULL)
    refused = {"status": 401, "body": "", "error": ""}
    name = f"write as {CLUSTER} to {EU}/api/v1/write"
    assert problems(answers(asked) | {name: refused}, asked) == [
        f"user '{CLUSTER}' cannot write: {EU}/api/v1/write answered 401"
    ]


def test_copies_that_do_not_arrive_are_named_with_their_cluster() -> None:
    asked = plan(FULL)
    assert problems(answers(asked) | {"arrived in eu-west-1": answered()}, asked) == [
        f"no sample of cluster '{CLUSTER}' of the last 2m is in eu-west-1, which gets copies: they "
        "wait at its agents, or the way there is broken"
    ]


def test_what_is_not_selected_from_anything_is_not_missed() -> None:
    asked = plan(SELECTIVE)
    nothing = {"sent to eu-west-1": answered(), "arrived in eu-west-1": answered()}
    assert problems(answers(asked) | nothing, asked) == []


def test_a_region_that_gets_copies_and_is_away_is_named_and_the_own_one_is_verified() -> None:
    asked = plan(FULL)
    lost = away(asked, EU)
    said = f"no answer from the gateway of eu-west-1 ({EU}), which gets copies: Connection refused"
    assert problems(answers(asked) | lost, asked) == [said]
    found = problems(answers(asked) | lost | {"up": answered()}, asked)
    assert found[0].startswith(f"no samples of cluster '{CLUSTER}'")
    assert found[-1] == said


def test_an_own_region_that_is_away_is_not_taken_for_the_other_one() -> None:
    asked = plan(FULL)
    assert problems(answers(asked) | away(asked, US), asked) == [
        f"no answer from the gateway of us-east-1 ({US}): Connection refused"
    ]
