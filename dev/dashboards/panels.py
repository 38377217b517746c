"""The kinds of panels that the dashboards are made of, each with its look fixed here.

Every function takes the title, the help text behind the panel's (i), the unit and the queries, and
returns a finished panel. Widths are in the 24 columns of Grafana's grid.
"""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import bargauge, gauge, heatmap, stat, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale

from dashboards import look

REF_IDS = "ABCDEFGHIJ"


def fill(
    panel: Any,  # the builders of the SDK share these methods, but no class
    title: str,
    help_text: str,
    unit: str,
    queries: tuple[Dataquery, ...],
    *,
    width: int,
    height: int,
    empty: str,
) -> Any:
    """Give a panel what every one has; `empty` is shown where there is no value."""
    panel.title(title).description(" ".join(help_text.split())).datasource(look.SOURCE)
    panel.unit(unit).no_value(empty).span(width).height(height)
    for ref_id, query in zip(REF_IDS, queries, strict=False):
        panel.with_target(query.ref_id(ref_id))
    return panel


def number(
    title: str,
    help_text: str,
    unit: str,
    *queries: Dataquery,
    width: int = 4,
    height: int = 4,
    base: str = look.NEUTRAL,
    steps: look.Steps = (),
    decimals: int | None = None,
    empty: str = "no data",
) -> dashboard.Panel:
    """Return a panel with one large number a query; with a curve where a query is over time."""
    panel = fill(
        stat.Panel(), title, help_text, unit, queries, width=width, height=height, empty=empty
    )
    panel.thresholds(look.thresholds(base, steps)).reduce_options(look.last_value())
    panel.color_scheme(FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    panel.color_mode(common.BigValueColorMode.VALUE)
    panel.graph_mode(common.BigValueGraphMode.AREA)
    panel.justify_mode(common.BigValueJustifyMode.AUTO)
    panel.text_mode(common.BigValueTextMode.AUTO)
    if decimals is not None:
        panel.decimals(decimals)
    return _built(panel)


def dial(
    title: str,
    help_text: str,
    *queries: Dataquery,
    base: str,
    steps: look.Steps,
    width: int = 6,
    height: int = 8,
    lowest: float = 0,
    highest: float = 1,
    empty: str = "no data",
) -> dashboard.Panel:
    """Return a gauge of ratios; `lowest` and `highest` are the ends of the dial."""
    panel = fill(
        gauge.Panel(),
        title,
        help_text,
        look.RATIO,
        queries,
        width=width,
        height=height,
        empty=empty,
    )
    panel.thresholds(look.thresholds(base, steps)).reduce_options(look.last_value())
    panel.min(lowest).max(highest).decimals(2).show_threshold_markers(True)
    return _built(panel)


def bars(
    title: str,
    help_text: str,
    unit: str,
    *queries: Dataquery,
    base: str = look.NEUTRAL,
    steps: look.Steps = (),
    width: int = 6,
    height: int = 8,
    highest: float | None = None,
    empty: str = "no data",
) -> dashboard.Panel:
    """Return horizontal bars, one a series."""
    panel = fill(
        bargauge.Panel(), title, help_text, unit, queries, width=width, height=height, empty=empty
    )
    panel.thresholds(look.thresholds(base, steps)).reduce_options(look.last_value())
    panel.orientation(common.VizOrientation.HORIZONTAL).min(0)
    panel.display_mode(common.BarGaugeDisplayMode.BASIC).show_unfilled(True)
    panel.value_mode(common.BarGaugeValueMode.COLOR)
    if highest is not None:
        panel.max(highest)
    return _built(panel)


def lines(
    title: str,
    help_text: str,
    unit: str,
    *queries: Dataquery,
    width: int = 12,
    height: int = 8,
    steps: look.Steps = (),
    base: str = look.GOOD,
    stacked: bool = False,
    lowest: float | None = 0,
    highest: float | None = None,
    last: str = "",
    colors: dict[str, str] | None = None,
    dashed: str = "",
    empty: str = "no data in this time range",
) -> dashboard.Panel:
    """Return curves over time.

    `steps` draws dashed lines there; `last` such as `24h` replaces the dashboard's range; `colors`
    fixes the colour of series whose names match a regular expression, `dashed` their line.
    """
    panel = fill(
        timeseries.Panel(), title, help_text, unit, queries, width=width, height=height, empty=empty
    )
    panel.legend(look.legend()).tooltip(look.tooltip())
    panel.draw_style(common.GraphDrawStyle.LINE).line_width(1)
    panel.line_interpolation(common.LineInterpolation.LINEAR)
    panel.show_points(common.VisibilityMode.NEVER).span_nulls(120_000)
    panel.fill_opacity(30 if stacked else 8)
    panel.color_scheme(FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    panel.thresholds(look.thresholds(base, steps))
    if stacked:
        panel.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if steps:
        panel.thresholds_style(
            build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if lowest is not None:
        panel.min(lowest)
    if highest is not None:
        panel.max(highest)
    if last:
        panel.time_from(last)
    for pattern, color in (colors or {}).items():
        fixed = {"mode": "fixed", "fixedColor": color}
        panel.override_by_regexp(pattern, [dashboard.DynamicConfigValue("color", fixed)])
    if dashed:
        style = {"fill": "dash", "dash": [8, 8]}
        panel.override_by_regexp(dashed, [dashboard.DynamicConfigValue("custom.lineStyle", style)])
    return _built(panel)


def heat(
    title: str,
    help_text: str,
    expression: str,
    *,
    width: int = 12,
    height: int = 8,
    empty: str = "no data in this time range",
) -> dashboard.Panel:
    """Return a heat map of buckets in seconds: the more there is in one, the darker it is."""
    panel = fill(
        heatmap.Panel(),
        title,
        help_text,
        look.SECONDS,
        (look.buckets(expression),),
        width=width,
        height=height,
        empty=empty,
    )
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues")
    color.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64).fill("dark-blue")
    axis = heatmap.YAxisConfig().unit(look.SECONDS).axis_placement(common.AxisPlacement.LEFT)
    panel.calculate(False).color(color).y_axis(axis).show_legend()
    panel.tooltip(heatmap.HeatmapTooltip().mode(common.TooltipDisplayMode.SINGLE).y_histogram(True))
    panel.cell_gap(1).filter_values(heatmap.FilterValueRange().le(1e-9))
    return _built(panel)


def _built(panel: Any) -> dashboard.Panel:
    built: dashboard.Panel = panel.build()
    return built
