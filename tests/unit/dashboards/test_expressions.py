"""Queries and variables are read out of a dashboard and filled in as Grafana does."""

from __future__ import annotations

from typing import Any

import pytest
from dashboards import expressions
from dashboards.expressions import Query, VariableQuery


def target(expression: str, **more: Any) -> dict[str, Any]:
    return {"refId": "A", "expr": expression, "instant": True, "range": False, **more}


def dashboard(*panels: dict[str, Any], variables: Any = ()) -> dict[str, Any]:
    return {
        "uid": "d",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [*variables]},
        "panels": [*panels],
    }


def test_queries_are_found_in_panels_and_in_collapsed_rows() -> None:
    found = expressions.queries(
        dashboard(
            {"type": "stat", "title": "Now", "targets": [target("a")]},
            {
                "type": "row",
                "title": "Row",
                "panels": [
                    {
                        "type": "timeseries",
                        "title": "Then",
                        "targets": [target("b", instant=False, range=True)],
                    }
                ],
            },
            {
                "type": "timeseries",
                "title": "Day",
                "timeFrom": "24h",
                "targets": [target("c", refId="B", instant=False, range=True)],
            },
        )
    )
    assert list(found) == [
        Query("d", "Now", "A", "a", 0),
        Query("d", "Then", "A", "b", 3600),
        Query("d", "Day", "B", "c", 86_400),
    ]


def test_a_query_that_runs_neither_way_is_refused() -> None:
    panel = {"type": "stat", "title": "Now", "targets": [target("a", instant=False)]}
    with pytest.raises(ValueError, match=r"^d/Now/A is to run either as of now or over time$"):
        list(expressions.queries(dashboard(panel)))


def variable(query: str) -> dict[str, Any]:
    return {"type": "query", "name": "v", "query": {"query": query}, "allValue": ".*"}


def test_variables_are_read_without_the_data_source() -> None:
    found = expressions.variables(
        dashboard(
            variables=[
                {"type": "datasource", "name": "datasource", "query": "prometheus"},
                variable('label_values(up{a=~"$a", b="c"}, env)'),
            ]
        )
    )
    assert found == [VariableQuery("d", "v", 'up{a=~"$a", b="c"}', "env", ".*")]


def test_a_variable_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^variable 'v' is no label_values\(\): metrics\(up\)$"):
        expressions.variables(dashboard(variables=[variable("metrics(up)")]))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('up{env=~"$env"}', 'up{env=~"prod"}'),
        ('up{env=~"${env}"}', 'up{env=~"prod"}'),
        ('up{env=~"${env:regex}"}', 'up{env=~"prod"}'),
        ('up{env=~"[[env]]"}', 'up{env=~"prod"}'),
        ("rate(a[$__rate_interval])", "rate(a[2m])"),
        ("rate(a[5m])", "rate(a[5m])"),
        ('a{b=~"5..$"}', 'a{b=~"5..$"}'),
    ],
)
def test_values_replace_variables(text: str, filled: str) -> None:
    assert expressions.fill(text, {"env": "prod"}) == filled


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^variable 'zone' has no value in: up\{z=\"\$zone\"\}$"):
        expressions.fill('up{z="$zone"}', {"env": "prod"})


def test_chosen_values_become_a_regular_expression() -> None:
    assert expressions.chosen(["eu-west-1"]) == "eu-west-1"
    assert expressions.chosen(["a", "b.c"]) == r"(a|b\\.c)"


def test_a_time_span_of_another_form_is_refused() -> None:
    assert expressions.seconds("90m") == 5400
    with pytest.raises(ValueError, match=r"^time span '1h/h' is not of the form 24h$"):
        expressions.seconds("1h/h")
