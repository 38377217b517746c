"""What a person would notice on the dashboards: gaps, overlaps, missing help, dead links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dashboards import expressions
from dashboards.assembly import TITLES
from make_dashboards import FOLDER

DASHBOARDS = {each["uid"]: each for each in expressions.read(FOLDER)}
PANELS = {
    f"{uid}/{panel['title']}": (uid, panel)
    for uid, dashboard in DASHBOARDS.items()
    for panel in expressions.panels(dashboard)
}

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
each_panel = pytest.mark.parametrize(("uid", "panel"), PANELS.values(), ids=PANELS)

Json = dict[str, Any]


def texts(value: object) -> list[str]:
    """Return all strings within some JSON."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


@each_dashboard
def test_panels_fill_each_line_and_do_not_overlap(dashboard: Json) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        size = panel["gridPos"]
        for x in range(size["x"], size["x"] + size["w"]):
            for y in range(size["y"], size["y"] + size["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]
    height = 1 + max(y for _, y in taken)
    gaps = {(x, y) for x in range(24) for y in range(height)} - set(taken)
    assert not gaps
    assert max(x for x, _ in taken) == 23


@each_dashboard
def test_ids_and_titles_are_unique(dashboard: Json) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@each_dashboard
def test_dashboards_are_alike(dashboard: Json) -> None:
    assert dashboard["title"] == TITLES[dashboard["uid"]]
    assert dashboard["tags"] == ["meridian"]
    assert dashboard["refresh"] == "30s"
    assert dashboard["time"] == {"from": "now-1h", "to": "now"}
    assert dashboard["timezone"] == "browser"
    assert dashboard["description"]
    assert dashboard["panels"][0]["type"] == "row"


@each_panel
def test_a_panel_has_help_a_unit_and_a_text_for_no_data(uid: str, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert len(panel["description"]) > 30
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["noValue"]


@each_panel
def test_a_panel_and_its_queries_read_the_chosen_data_source(uid: str, panel: Json) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == source
    assert panel["targets"]
    assert [target["datasource"] for target in panel["targets"]] == [source] * len(panel["targets"])
    assert [target["refId"] for target in panel["targets"]] == [
        *"ABCDEFGHIJ"[: len(panel["targets"])]
    ]


@each_panel
def test_series_over_time_have_names(uid: str, panel: Json) -> None:
    for target in panel["targets"]:
        if target["range"]:
            assert target["legendFormat"] not in ("", "__auto")
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            given = {"le"} if "prometheus_buckets" in target["expr"] else set()
            assert labels - given <= set(re.findall(r"\w+", target["expr"]))


@each_panel
def test_panels_of_a_kind_have_one_look(uid: str, panel: Json) -> None:
    options = panel["options"]
    if panel["type"] == "timeseries":
        assert options["legend"]["displayMode"] == "table"
        assert options["legend"]["calcs"] == ["mean", "max", "lastNotNull"]
        assert options["tooltip"] == {"mode": "multi", "sort": "desc"}
        assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "palette-classic-by-name"}
    if panel["type"] in ("stat", "gauge", "bargauge"):
        assert options["reduceOptions"]["calcs"] == ["lastNotNull"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    if panel["type"] == "table":
        assert options["cellHeight"] in ("sm", "md")


@each_panel
def test_thresholds_rise(uid: str, panel: Json) -> None:
    found = [panel["fieldConfig"]["defaults"].get("thresholds", {"steps": []})]
    for override in panel["fieldConfig"]["overrides"]:
        found += [each["value"] for each in override["properties"] if each["id"] == "thresholds"]
    for thresholds in found:
        values = [step["value"] for step in thresholds["steps"]][1:]
        assert values == sorted(set(values))


@each_panel
def test_columns_of_a_table_are_those_of_its_queries(uid: str, panel: Json) -> None:
    organized = [each for each in panel.get("transformations", []) if each["id"] == "organize"]
    for each in organized:
        names = each["options"]["renameByName"]
        labels = [name for name in names if not name.startswith("Value")]
        asked = " ".join(target["expr"] for target in panel["targets"])
        assert set(labels) <= set(re.findall(r"\w+", asked))
        values = {f"Value #{target['refId']}" for target in panel["targets"]}
        assert {name for name in names if name.startswith("Value")} <= values | {"Value"}
        overridden = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        assert overridden == set(names.values())
        assert panel["options"]["sortBy"][0]["displayName"] in names.values()


@each_dashboard
def test_variables_are_used_and_those_used_exist(dashboard: Json) -> None:
    defined = [variable["name"] for variable in dashboard["templating"]["list"]]
    within = [
        text
        for panel in dashboard["panels"]
        for text in texts([panel.get("targets"), panel.get("datasource")])
    ]
    used = {name for text in within for name in expressions.names(text)}
    built_in = {name for name in used if name.startswith("__")}
    assert used - built_in == set(defined)
    assert built_in <= set(expressions.BUILT_IN)


@each_dashboard
def test_a_variable_depends_only_on_those_before_it(dashboard: Json) -> None:
    assert dashboard["templating"]["list"][0]["name"] == "datasource"
    known = {"datasource"}
    for variable in expressions.variables(dashboard):
        assert expressions.names(variable.selector) <= known
        known.add(variable.name)


@each_dashboard
def test_links_lead_to_every_other_dashboard_with_time_and_variables(dashboard: Json) -> None:
    links = dashboard["links"]
    assert {link["url"] for link in links} == {
        f"/d/{uid}" for uid in DASHBOARDS if uid != dashboard["uid"]
    }
    assert all(link["keepTime"] and link["includeVars"] for link in links)


def test_links_within_panels_lead_to_variables_of_dashboards_that_exist() -> None:
    found = [
        text
        for _, panel in PANELS.values()
        for text in texts(panel["fieldConfig"])
        if text.startswith("/") and "/d/" in text
    ]
    assert found
    for url in found:
        uid, _, query = url.removeprefix("/d/").partition("?")
        defined = {each["name"] for each in DASHBOARDS[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= defined
