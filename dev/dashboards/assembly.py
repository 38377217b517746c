"""Put panels together to a dashboard: rows, variables, links to the others, and its JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TimePicker,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards import look

COLUMNS = 24
TITLES = {
    "meridian-overview": "Meridian: Global infrastructure overview",
    "meridian-application": "Meridian: Application performance",
    "meridian-stack": "Meridian: Monitoring stack health",
    "meridian-latency": "Meridian: Cross-region latency",
}
# Also matches series that lack the label, such as alerts about a whole fleet.
ALL = ".*"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable whose values are those of a label in the series that a selector matches."""

    name: str
    title: str
    selector: str
    label: str

    def build(self) -> Builder[dashboard.VariableModel]:
        """Return the SDK's variable: several values may be chosen, at first all."""
        query = f"label_values({self.selector}, {self.label})"
        return (
            QueryVariable(self.name)
            .label(self.title)
            .datasource(look.SOURCE)
            .definition(query)
            .query({"query": query, "refId": f"PrometheusVariableQueryEditor-{self.name}"})
            .multi(True)
            .include_all(True)
            .all_value(ALL)
            .current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
            .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A row of the dashboard: its title and its panels, from left to right, line by line."""

    title: str
    panels: list[dashboard.Panel]


def assemble(
    uid: str, description: str, variables: list[Variable], sections: list[Section]
) -> dashboard.Dashboard:
    """Return the finished dashboard. Raises ValueError where panels do not fill their line."""
    made = (
        Dashboard(TITLES[uid])
        .uid(uid)
        .description(" ".join(description.split()))
        .tags(["meridian"])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .timepicker(TimePicker().refresh_intervals(["30s", "1m", "5m", "15m"]))
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in variables:
        made.with_variable(variable.build())
    for other in TITLES:
        if other != uid:
            made.link(_link(other))
    result = made.build()
    show_links(result)
    result.annotations = dashboard.AnnotationContainer(list_val=[])
    result.panels = _lay_out(sections)
    return result


def show_links(made: dashboard.Dashboard) -> None:
    """Show the links as buttons: the SDK knows one placement, a menu, and presets that."""
    for link in made.links or []:
        link.placement = None  # type: ignore[assignment]


def _link(uid: str) -> DashboardLink:
    return (
        DashboardLink(TITLES[uid].removeprefix("Meridian: "))
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"/d/{uid}")
        .icon("dashboard")
        .tooltip("Same time range and variables")
        .keep_time(True)
        .include_vars(True)
    )


def _lay_out(sections: list[Section]) -> list[dashboard.Panel | dashboard.RowPanel]:
    placed: list[dashboard.Panel | dashboard.RowPanel] = []
    y = 0
    for section in sections:
        row = Row(section.title).id(len(placed) + 1).build()
        row.grid_pos = dashboard.GridPos(x=0, y=y, w=COLUMNS, h=1)
        placed.append(row)
        y += 1
        x = height = 0
        for panel in section.panels:
            size = panel.grid_pos
            assert size is not None
            panel.id_val = len(placed) + 1
            panel.grid_pos = dashboard.GridPos(x=x, y=y, w=size.w, h=size.h)
            placed.append(panel)
            x, height = x + size.w, max(height, size.h)
            if x > COLUMNS:
                raise ValueError(f"panel '{panel.title}' ends in column {x} of {COLUMNS}")
            if x == COLUMNS:
                x, y, height = 0, y + height, 0
        if x:
            raise ValueError(f"the last line of row '{section.title}' ends in column {x}")
    return placed


def to_json(made: dashboard.Dashboard) -> str:
    """Return a dashboard as the text of its file."""
    return json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
