"""What all panels share: the data source, colours, thresholds, legends, tooltips and queries."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

GOOD, NOTICE, BAD, NEUTRAL = "green", "orange", "red", "blue"
# Quantiles have the same colour in every panel.
QUANTILES = {"p50": "green", "p95": "orange", "p99": "red"}

# Grafana's names of units.
SECONDS, BYTES, BYTES_A_SECOND, RATIO = "s", "bytes", "Bps", "percentunit"
REQUESTS_A_SECOND, DURATION, COUNT, NUMBER = "reqps", "dtdurations", "none", "short"
SAMPLES_A_SECOND, ROWS_A_SECOND, CORES = "cps", "rowsps", "short"

# The shortest step of queries over time: rules record every 30 seconds.
STEP = "30s"

Steps = tuple[tuple[float, str], ...]


def thresholds(base: str, steps: Steps) -> ThresholdsConfig:
    """Return thresholds: the colour below all steps, then (from this value on, colour)."""
    return (
        ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps(
            [
                dashboard.Threshold(value=None, color=base),
                *(dashboard.Threshold(value=value, color=color) for value, color in steps),
            ]
        )
    )


def legend() -> build.VizLegendOptions:
    """Return the legend of panels over time: a table below, the largest on top."""
    return (
        build.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["mean", "max", "lastNotNull"])
        .sort_by("Last *")
        .sort_desc(True)
    )


def tooltip() -> build.VizTooltipOptions:
    """Return the tooltip of panels over time: every series, the largest on top."""
    return (
        build.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )


def last_value() -> build.ReduceDataOptions:
    """Return how a panel that shows one value a series gets it: the newest one."""
    return build.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def over_time(expression: str, legend_format: str) -> Dataquery:
    """Return a query over the time range of the dashboard; `{{label}}` in the legend is filled."""
    return _query(expression).range().interval(STEP).legend_format(legend_format)


def buckets(expression: str) -> Dataquery:
    """Return a query over time for a heat map: one series a bucket, by the label `le`."""
    return (
        _query(expression)
        .range()
        .interval(STEP)
        .legend_format("{{le}}")
        .format(PromQueryFormat.HEATMAP)
    )


def now(expression: str, legend_format: str = "") -> Dataquery:
    """Return a query for the values at the end of the time range."""
    return _query(expression).instant().legend_format(legend_format or "__auto")


def rows(expression: str) -> Dataquery:
    """Return a query for the rows of a table, as of the end of the time range."""
    return now(expression).format(PromQueryFormat.TABLE)


def _query(expression: str) -> Dataquery:
    return (
        Dataquery()
        .datasource(SOURCE)
        .editor_mode(QueryEditorMode.CODE)
        .expr(" ".join(expression.split()))
    )
