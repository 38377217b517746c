"""Every query of the dashboards' panels and variables, run against a fleet's data sources."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any

import fleet
import pytest
from dashboards import empty, expressions
from dashboards.expressions import Query, VariableQuery
from fleet import Source
from samples import eventually, request

# Recording rules run every 30 s and look back on some minutes, and alerts of an earlier fault end
# as late: a new fleet needs a while. This is when to give up.
SETTLE_SECONDS = 300
# A scrape that comes late or fails, as on a busy machine, is made up for by the next ones.
PASSING_SECONDS = 90

DASHBOARDS = expressions.read(fleet.ROOT / "roles" / "grafana" / "files" / "dashboards")
QUERIES = {
    f"{query.place}/{query.ref_id}": query
    for dashboard in DASHBOARDS
    for query in expressions.queries(dashboard)
}
VARIABLES = {
    f"{variable.dashboard}/${variable.name}": variable
    for dashboard in DASHBOARDS
    for variable in expressions.variables(dashboard)
}


SOURCES = fleet.sources()
# The one that shows most regions; all of them, where one does.
WIDEST = max(SOURCES.values(), key=lambda source: len(source.regions))

each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def get(source: Source, path: str, **parameters: object) -> Any:
    """Return the data of an answer of a data source's gateway."""
    url = f"{source.gateways[0]}{path}?{urllib.parse.urlencode({**parameters, 'nocache': '1'})}"
    answer = request(url, auth=source.auth)
    assert answer.status == 200, f"{parameters}: {answer}"
    parsed = json.loads(answer.text)
    assert parsed["status"] == "success", parsed
    assert not parsed.get("isPartial"), parsed
    return parsed["data"]


def run(source: Source, query: Query, values: dict[str, str]) -> list[Any]:
    """Return the series that a panel's query gives, run as the panel runs it."""
    expression = expressions.fill(query.expression, values)
    now = time.time()
    if not query.seconds:
        result = get(source, "/api/v1/query", query=expression, time=now)["result"]
    else:
        span = {"start": now - query.seconds, "end": now, "step": max(30, query.seconds / 500)}
        result = get(source, "/api/v1/query_range", query=expression, **span)["result"]
    assert isinstance(result, list)
    return result


def run_until(source: Source, query: Query, values: dict[str, str], *, found: bool) -> list[Any]:
    """Return what a panel's query gives when it finds something, or nothing, or time is over."""
    deadline = time.monotonic() + PASSING_SECONDS
    while bool(series := run(source, query, values)) != found and time.monotonic() < deadline:
        time.sleep(5)
    return series


def all_values(dashboard: str) -> dict[str, str]:
    """Return the variables of a dashboard with All chosen in each."""
    own = (each for each in VARIABLES.values() if each.dashboard == dashboard)
    return {variable.name: variable.all_value for variable in own}


def options(source: Source, variable: VariableQuery) -> list[str]:
    """Return the values that a variable offers where All is chosen in those before it."""
    selector = expressions.fill(variable.selector, all_values(variable.dashboard))
    found = get(source, f"/api/v1/label/{variable.label}/values", **{"match[]": selector})
    return [str(value) for value in found]


def rightly_empty(source: Source, query: Query) -> bool:
    """Whether a query must find nothing in this data source while the fleet is healthy."""
    places = (query.place, f"{query.place}/{query.ref_id}")
    needed = {empty.WITHOUT_COMPONENT[each] for each in places if each in empty.WITHOUT_COMPONENT}
    return query.place in empty.UNTIL_A_FAULT or not needed <= source.components


@pytest.fixture(scope="module")
def settled() -> None:
    """Wait until the fleet has settled: until every panel shows what it should."""

    def as_it_should_be() -> bool:
        # Each is asked in any case: some panels show how fast questions like these are answered.
        try:
            right = [
                bool(run(source, query, all_values(query.dashboard)))
                != rightly_empty(source, query)
                for source in SOURCES.values()
                for query in QUERIES.values()
            ]
        except AssertionError:
            # Refused, or partial. Where it stays so, each test says it.
            return False
        return all(right)

    deadline = time.monotonic() + SETTLE_SECONDS
    while not as_it_should_be() and time.monotonic() < deadline:
        time.sleep(5)


@pytest.mark.usefixtures("settled")
@each_source
@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_offers_values(name: str, source: Source) -> None:
    assert options(source, VARIABLES[name])


@pytest.mark.usefixtures("settled")
@each_source
@pytest.mark.parametrize("name", QUERIES)
def test_a_panel_shows_what_it_should(name: str, source: Source) -> None:
    query = QUERIES[name]
    empty_here = rightly_empty(source, query)
    series = run_until(source, query, all_values(query.dashboard), found=not empty_here)
    if empty_here:
        assert not series, f"{name} is listed as rightly empty, but shows {series}"
    else:
        assert series, f"{name} is empty: {query.expression}"


@pytest.mark.usefixtures("settled")
@each_source
@pytest.mark.parametrize("name", QUERIES)
def test_a_panel_takes_one_value_and_several(name: str, source: Source) -> None:
    query = QUERIES[name]
    own = [each for each in VARIABLES.values() if each.dashboard == query.dashboard]
    offered = {variable.name: options(source, variable) for variable in own}
    one = {each: expressions.chosen(values[:1]) for each, values in offered.items()}
    every = {each: expressions.chosen(values) for each, values in offered.items()}
    run(source, query, one)
    if not rightly_empty(source, query):
        series = run_until(source, query, every, found=True)
        assert series, f"{name} is empty where each value is chosen by name"


def test_panels_listed_as_rightly_empty_exist() -> None:
    listed = {*empty.UNTIL_A_FAULT, *empty.WITHOUT_COMPONENT}
    assert listed <= {*QUERIES, *(query.place for query in QUERIES.values())}


@pytest.mark.usefixtures("settled")
def test_the_table_of_alerts_lists_what_fires() -> None:
    # The watchdog always fires; the panel leaves it out.
    query = QUERIES["meridian-overview/Alerts firing now/A"]
    expression = query.expression.replace('alertname!="Watchdog"', 'alertname="Watchdog"')
    assert expression != query.expression
    filled = expressions.fill(expression, all_values(query.dashboard))
    found = get(WIDEST, "/api/v1/query", query=filled)
    assert [each["metric"]["alertname"] for each in found["result"]] == ["Watchdog"]


def test_a_stopped_program_is_named_by_the_table_of_targets() -> None:
    query = QUERIES["meridian-stack/Targets that do not answer/A"]
    source = next(each for each in SOURCES.values() if "eu-west-1" in each.regions)

    def named() -> list[tuple[str, str]]:
        series = run(source, query, all_values(query.dashboard))
        return [(each["metric"]["job"], each["metric"]["instance"]) for each in series]

    with fleet.stopped(("eu-west-1-agent-1", "meridian-mock_exporter")):
        eventually(lambda: named() == [("mock_exporter", "eu-west-1-agent-1")], seconds=180)
    eventually(lambda: not named(), seconds=180)
