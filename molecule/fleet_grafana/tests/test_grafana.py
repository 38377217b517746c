"""Grafana in the demo's fleet: its data sources answer, and a browser sees every panel drawn."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import fleet
import pytest
from dashboards import empty, expressions
from samples import eventually, request

# See inventories/grafana.yml.
GRAFANA = "http://10.20.1.41:3000"
DEMO = fleet.ROOT / "inventories" / "demo"
LOOK = Path(__file__).parents[1] / "look.yml"
# Git ignores it, and it outlives the scenario; docs/dashboards.md says what for.
PICTURES = fleet.ROOT / ".cache" / "dashboards"
DASHBOARDS = {
    dashboard["uid"]: dashboard
    for dashboard in expressions.read(fleet.ROOT / "roles" / "grafana" / "files" / "dashboards")
}
# Rules record every 30 s and look back on some minutes: a new fleet needs a while.
SETTLE_SECONDS = 300
SOURCE = "meridian-us-east-1"
REGIONS = {"ap-northeast-1", "ap-southeast-1", "eu-west-1", "us-east-1"}
# The fleet has none of the components without which panels are empty.
MAY_BE_EMPTY = {*empty.UNTIL_A_FAULT, *empty.WITHOUT_COMPONENT}


def api(path: str, data: Any = None) -> Any:
    """Return what Grafana's API answers the administrator."""
    password = (fleet.CREDENTIALS / "grafana-admin.txt").read_text().strip()
    answer = request(
        f"{GRAFANA}{path}",
        body=json.dumps(data).encode() if data is not None else None,
        auth=("admin", password),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == 200, (path, answer)
    return json.loads(answer.text)


def test_there_is_one_data_source_for_the_one_storage_region() -> None:
    found = api("/api/datasources")
    assert [(each["name"], each["uid"], each["isDefault"]) for each in found] == [
        ("us-east-1", SOURCE, True)
    ]


def test_the_data_source_is_healthy() -> None:
    assert api(f"/api/datasources/uid/{SOURCE}/health")["status"] == "OK"


def test_the_data_source_answers_with_the_series_of_all_regions() -> None:
    path = f"/api/datasources/proxy/uid/{SOURCE}/api/v1/query?query=count(up)by(region)"

    def regions() -> set[str | None]:
        return {each["metric"].get("region") for each in api(path)["data"]["result"]}

    eventually(lambda: regions() == REGIONS, seconds=SETTLE_SECONDS)


def test_a_query_as_panels_send_it_answers_with_data() -> None:
    query = {"refId": "A", "datasource": {"uid": SOURCE}, "expr": "count(up)", "instant": True}
    asked = {"queries": [query], "from": "now-5m", "to": "now"}

    def values() -> list[Any]:
        frames = api("/api/ds/query", asked)["results"]["A"]["frames"]
        return [value for frame in frames for value in frame["data"]["values"][-1]]

    eventually(lambda: [value for value in values() if value > 0], seconds=SETTLE_SECONDS)


def test_the_folder_meridian_has_the_dashboards_and_nothing_else() -> None:
    found = api("/api/search?type=dash-db")
    assert {each["uid"]: each["folderTitle"] for each in found} == dict.fromkeys(
        DASHBOARDS, "Meridian"
    )


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_dashboard_comes_from_its_file_with_all_of_its_panels(uid: str) -> None:
    found = api(f"/api/dashboards/uid/{uid}")
    assert found["meta"]["provisioned"] is True
    assert titles(found["dashboard"]) == titles(DASHBOARDS[uid])


def titles(dashboard: dict[str, Any]) -> dict[str, str]:
    """Return the titles of a dashboard's panels by their ids."""
    return {str(panel["id"]): panel["title"] for panel in expressions.panels(dashboard)}


Seen = dict[str, dict[str, Any]]


def faults(seen: Seen, uid: str) -> list[str]:
    """Return the panels of a dashboard that are not as they should be, each with what is wrong."""
    found = []
    for panel in expressions.panels(DASHBOARDS[uid]):
        place = f"{uid}/{panel['title']}"
        drawn = seen[uid]["panels"].get(str(panel["id"]))
        no_value = panel["fieldConfig"]["defaults"]["noValue"]
        if drawn is None:
            found.append(f"{place} is not on the page")
        elif drawn["error"]:
            found.append(f"{place} has an error: {drawn['error']}")
        elif not drawn["drawn"]:
            found.append(f"{place} shows nothing at all")
        elif drawn["message"] not in ("", no_value):
            found.append(f"{place} cannot draw its data: {drawn['message']}")
        # Where a number stands for no value, it is an answer too.
        elif drawn["text"] == no_value != "0" and place not in MAY_BE_EMPTY:
            found.append(f"{place} says: {no_value}")
    return found


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What a browser saw of the dashboards; looks again until the fleet has settled."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    asked = {"grafana_url": GRAFANA, "pictures": str(PICTURES), "dashboards": list(DASHBOARDS)}
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        run = fleet.play(str(LOOK), "-e", json.dumps(asked), inventory=DEMO)
        assert run.status == 0, run.output
        found: Seen = json.loads((PICTURES / "seen.json").read_text())
        if time.monotonic() > deadline or not any(faults(found, uid) for uid in DASHBOARDS):
            return found


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_browser_sees_every_panel_drawn_and_none_with_an_error(seen: Seen, uid: str) -> None:
    assert faults(seen, uid) == []
    assert seen[uid]["alerts"] == []
    assert not seen[uid]["busy"], "queries still ran when the browser gave up"


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_picture_shows_the_whole_dashboard(uid: str) -> None:
    content = (PICTURES / f"{uid}.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    places = [panel["gridPos"] for panel in expressions.panels(DASHBOARDS[uid])]
    rows = max(place["y"] + place["h"] for place in places)
    assert width == 1600
    # A row of Grafana's grid is 30 pixels high, and 8 are between two.
    assert height > 38 * rows - 8
