"""The collection's rules: each is tested, names only metrics that exist, and has its runbook.

What the tests of `tests/rules` assert is run by the programs themselves (molecule/vmalert).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
RULES = ROOT / "roles" / "vmalert" / "files" / "rules"
TESTS = ROOT / "tests" / "rules"
RUNBOOKS = ROOT / "docs" / "runbooks"
METRICS = ROOT / "tests" / "unit" / "data" / "metrics"

# What every scrape has, and what applications have by convention (the mock exporter's shop).
CONVENTIONAL = {"up", "http_requests_total", "http_request_duration_seconds_bucket"}
CONVENTIONAL |= {"scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added"}
# Counted since a version after the package's; the alert says so.
NEWER_THAN_THE_PACKAGE = {"vmauth_unauthorized_user_request_backend_requests_total"}
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right"}
KEYWORDS |= {"offset", "bool"}
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\))
    | (?P<window>\[[^\]]*\])
    | (?P<offset>\boffset\s+-?\w+)
    | (?P<call>[a-zA-Z_]\w*(?=\s*\(|\s+(?:by|without)\b))
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[a-zA-Z]*)
    | (?P<metric>[a-zA-Z_:][\w:]*)
    """,
    re.VERBOSE,
)
SELECTOR = re.compile(r"\{(?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*\}")


def documents(folder: Path) -> dict[str, Any]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))}


RULE_FILES = documents(RULES)
ALL_RULES = [
    rule for file in RULE_FILES.values() for group in file["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in ALL_RULES if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in ALL_RULES if "record" in rule}
TEST_GROUPS = [group for file in documents(TESTS).values() for group in file["tests"]]

every_alert = pytest.mark.parametrize("alert", ALERTS)


def metrics_of(expression: str) -> set[str]:
    """Return the metrics that an expression names; its functions and labels are none."""
    text = SELECTOR.sub("", expression)
    return {
        match["metric"]
        for match in TOKEN.finditer(text)
        if match["metric"] and match["metric"] not in KEYWORDS
    }


def lists(folder: str) -> set[str]:
    return {
        name for path in (METRICS / folder).glob("*.txt") for name in path.read_text().splitlines()
    }


def known() -> set[str]:
    """Return the metrics of all programs; the gateway's are those of one with open pages."""
    folders = ("victoriametrics-1.150.0", "victoriametrics-1.149.0", "debian13", "meridian")
    return set().union(*(lists(folder) for folder in folders))


def checks(alert: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield every check of an alert with the test it is in."""
    for group in TEST_GROUPS:
        for check in group.get("alert_rule_test", []):
            if check["alertname"] == alert:
                yield group, check


def given(group: Mapping[str, Any]) -> set[str]:
    """Return the metrics that a test has samples of."""
    return {series["series"].partition("{")[0] for series in group["input_series"]}


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ('1 - sum without (a, b) (rate(x_total{c="d {e}"}[5m])) > 0.05', {"x_total"}),
        ("a:b:rate5m > 10e6 and on (c) d offset 1h < 3 * 86400", {"a:b:rate5m", "d"}),
        ("scalar(count(up == 1)) or time() - min by (i) (lag(y[1d]))", {"up", "y"}),
        ("histogram_quantile(0.90, sum by (vmrange) (rate(z_bucket[5m])))", {"z_bucket"}),
    ],
)
def test_metrics_are_told_from_functions_and_labels(expression: str, metrics: set[str]) -> None:
    assert metrics_of(expression) == metrics


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.get("alert", rule.get("record")))
def test_every_metric_of_a_rule_is_one_that_a_program_has(rule: Mapping[str, Any]) -> None:
    assert metrics_of(rule["expr"]) - known() - CONVENTIONAL - set(RECORDED) == set()
    assert metrics_of(rule["expr"]) != set()


def test_every_metric_of_a_packaged_program_is_in_its_version_too() -> None:
    packaged = {"vmagent", "vmauth", "vmalert"}
    newer = {
        name
        for path in METRICS.glob("victoriametrics-1.1[45]*/*.txt")
        if path.stem in packaged
        for name in path.read_text().splitlines()
    }
    older = lists("victoriametrics-1.112")
    named = {metric for rule in ALL_RULES for metric in metrics_of(rule["expr"])}
    assert (named & newer) - older == NEWER_THAN_THE_PACKAGE


def test_a_vmsingle_of_the_package_is_watched_like_a_storage_node() -> None:
    storage = {m for r in ALL_RULES for m in metrics_of(r["expr"])}
    of_nodes = set((METRICS / "victoriametrics-1.150.0" / "vmstorage.txt").read_text().split())
    single = set((METRICS / "victoriametrics-1.112" / "vmsingle.txt").read_text().split())
    assert (storage & of_nodes) - single == set()


@every_alert
def test_an_alert_is_tested_to_fire_and_not_to_fire(alert: str) -> None:
    found = list(checks(alert))
    firing = [check for _, check in found if check["exp_alerts"]]
    quiet = [check for _, check in found if not check["exp_alerts"]]
    assert firing
    assert quiet


@every_alert
def test_a_quiet_check_has_samples_of_what_the_alert_looks_at(alert: str) -> None:
    needed = metrics_of(ALERTS[alert]["expr"])
    assert all(given(group) & needed for group, check in checks(alert))
    assert needed <= {name for group, _ in checks(alert) for name in given(group)}


@every_alert
def test_an_alert_says_how_bad_it_is_and_what_it_saw(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert "for" in rule
    assert set(rule["annotations"]) == {"summary", "description"}
    assert "$value" in rule["annotations"]["description"]


@every_alert
def test_a_firing_check_states_all_labels_and_texts(alert: str) -> None:
    for _, check in checks(alert):
        for expected in check["exp_alerts"]:
            assert expected["exp_labels"]["severity"] == ALERTS[alert]["labels"]["severity"]
            assert set(expected["exp_annotations"]) == {"summary", "description"}
            assert "{{" not in str(expected)


@pytest.mark.parametrize("record", RECORDED)
def test_a_recorded_series_is_tested_with_its_labels(record: str) -> None:
    tested = [
        sample["labels"]
        for group in TEST_GROUPS
        for check in group.get("metricsql_expr_test", [])
        for sample in check["exp_samples"]
    ]
    assert any(labels.startswith(f"{record}{{") for labels in tested)


def test_names_are_given_once() -> None:
    names = [rule.get("alert", rule.get("record")) for rule in ALL_RULES]
    assert sorted(names) == sorted(set(names))


def test_a_group_has_the_name_of_its_file() -> None:
    named = {name: [group["name"] for group in file["groups"]] for name, file in RULE_FILES.items()}
    assert named == {name: [name] for name in RULE_FILES}


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)


@every_alert
def test_a_runbook_is_one_short_page_of_the_same_build(alert: str) -> None:
    lines = (RUNBOOKS / f"{alert}.md").read_text().splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert headings == [
        f"# {alert}",
        "## What it means",
        "## First look",
        "## What to do",
        "## How to test it",
    ]
    assert len(lines) <= 50


@every_alert
def test_a_runbook_refers_only_to_alerts_that_exist(alert: str) -> None:
    text = re.sub(r"`[^`]*`", "", (RUNBOOKS / f"{alert}.md").read_text())
    programs = {"VictoriaMetrics", "PagerDuty"}
    prefixes = {re.match("[A-Z][a-z]+", name)[0] for name in ALERTS}  # type: ignore[index]
    named = set(re.findall(rf"\b(?:{'|'.join(sorted(prefixes))})(?:[A-Z][a-z]+)+\b", text))
    assert named - programs - set(ALERTS) == set()


@every_alert
def test_the_queries_of_a_runbook_name_metrics_that_exist(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    allowed = known() | CONVENTIONAL | set(RECORDED) | {"ALERTS", "ALERTS_FOR_STATE"}
    queries = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    assert queries
    for query in queries:
        assert metrics_of(query) - allowed == set()
