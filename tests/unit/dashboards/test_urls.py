"""What an agent tells by URL: where it sends copies, it counts a sample once for each URL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from dashboards import expressions

ROOT = Path(__file__).parents[3]
# Each sample counts for every URL that it is sent to; another region is further away as well.
OF_THE_FIRST = re.compile(r"vmagent_remotewrite_(?:rows_pushed\w*|duration_seconds_bucket)\b")
FIRST = re.compile(r'\{[^}]*\burl=~"1:\.\*"')
# What waits for a URL waits for no other one.
WAITING = re.compile(r"vmagent_remotewrite_pending_data_bytes|vm_persistentqueue_bytes_pending")
ONE_OF_SEVERAL = re.compile(r"\b(?:max|min|avg|any) (?:by|without) \((?P<labels>[^)]*)\) \(")


def stated() -> dict[str, str]:
    """Return the queries of dashboards, rules, runbooks and documentation, by their places."""
    found = {
        f"{query.place}/{query.ref_id}": query.expression
        for dashboard in expressions.read(ROOT / "roles" / "grafana" / "files" / "dashboards")
        for query in expressions.queries(dashboard)
    }
    for path in (ROOT / "roles" / "vmalert" / "files" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                found[f"{path.stem}/{rule.get('alert', rule.get('record'))}"] = rule["expr"]
    for path in (ROOT / "docs").rglob("*.md"):
        blocks = re.findall(r"```promql\n(.*?)```", path.read_text(), re.DOTALL)
        found |= {f"{path.stem}/{number}": block for number, block in enumerate(blocks)}
    return found


def faults(expression: str) -> list[str]:
    """Return what is wrong with a query where an agent has more than one URL."""
    wrong = [
        f"{match[0]} of all URLs"
        for match in OF_THE_FIRST.finditer(expression)
        if not FIRST.match(expression, match.end())
    ]
    for line in expression.splitlines():
        one = ONE_OF_SEVERAL.search(line)
        waiting = WAITING.search(line)
        by_url = one and {"url", "name"} & {*re.split(r",\s*", one["labels"])}
        first = waiting and re.match(r'\{name=~"1:', line[waiting.end() :])
        if one and waiting and one.start() < waiting.start() and not by_url and not first:
            wrong.append(f"{waiting[0]} of one of the URLs")
    return wrong


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("sum(rate(vmagent_remotewrite_rows_pushed_after_relabel_total[5m]))", 1),
        ('sum(rate(vmagent_remotewrite_rows_pushed_after_relabel_total{url=~"1:.*"}[5m]))', 0),
        ('rate(vmagent_remotewrite_duration_seconds_bucket{job="a",url=~"1:.*"}[5m])', 0),
        ('rate(vmagent_remotewrite_duration_seconds_bucket{job="a",url=~"2:.*"}[5m])', 1),
        ("max by (instance) (vmagent_remotewrite_pending_data_bytes)", 1),
        ("max by (instance, url) (vmagent_remotewrite_pending_data_bytes)", 0),
        ("sum by (instance) (vmagent_remotewrite_pending_data_bytes)", 0),
        ("sum without (path) (vmagent_remotewrite_pending_data_bytes)", 0),
        ('max by (region) (vm_persistentqueue_bytes_pending{name=~"1:.*"})', 0),
    ],
)
def test_queries_that_are_wrong_with_several_urls_are_told(expression: str, wrong: int) -> None:
    assert len(faults(expression)) == wrong


def test_no_query_counts_a_sample_for_each_url_or_misses_a_backlog() -> None:
    queries = stated()
    assert sum(bool(WAITING.search(query)) for query in queries.values()) >= 8
    assert sum(bool(OF_THE_FIRST.search(query)) for query in queries.values()) >= 5
    assert {place: faults(query) for place, query in queries.items() if faults(query)} == {}
