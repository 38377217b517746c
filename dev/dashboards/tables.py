"""Tables: rows with one query a column, and matrices of one region against another."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import common, dashboard

from dashboards import look, panels

NOTHING = "-"
COLOURED = {"type": "color-background", "mode": "basic"}


@dataclass(frozen=True, slots=True)
class Key:
    """A column with a label of the rows; `link` is where a click on a cell leads."""

    label: str
    title: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column with the values of a query.

    With `steps` its cells are coloured; `texts` replaces values; a `hidden` one is there for the
    labels that its query adds to the rows.
    """

    title: str
    unit: str
    expression: str
    steps: look.Steps = ()
    base: str = look.GOOD
    decimals: int | None = None
    empty: str = NOTHING
    texts: dict[str, str] | None = None
    hidden: bool = False


def rows(
    title: str,
    help_text: str,
    keys: list[Key],
    columns: list[Column],
    *,
    order: str,
    descending: bool = True,
    width: int = 24,
    height: int = 10,
    limit: int | None = None,
    empty: str = "no data",
) -> dashboard.Panel:
    """Return a table: a row for each combination of the keys, sorted by the column `order`.

    With `limit` only rows that have a value in the first column are shown, and so many of them.
    """
    queries = tuple(look.rows(column.expression) for column in columns)
    panel = panels.fill(
        table.Panel(), title, help_text, look.NUMBER, queries, width=width, height=height,
        empty=empty,
    )  # fmt: skip
    panel.show_header(True).cell_height(common.TableCellHeight.SM).filterable(True)
    panel.sort_by([build.TableSortByFieldState().display_name(order).desc(descending)])
    for transformation in _transformations(keys, columns, limit):
        panel.with_transformation(transformation)
    for key in keys:
        panel.override_by_name(key.title, _key_properties(key))
    for column in columns:
        if not column.hidden:
            panel.override_by_name(column.title, _properties(column))
    built: dashboard.Panel = panel.build()
    return built


def _transformations(
    keys: list[Key], columns: list[Column], limit: int | None
) -> list[dashboard.DataTransformerConfig]:
    # Grafana numbers the value fields only where there are several.
    numbered = len(columns) > 1
    fields = [
        f"Value #{ref_id}" if numbered else "Value"
        for ref_id, _ in zip(panels.REF_IDS, columns, strict=False)
    ]
    shown = {key.label: key.title for key in keys}
    shown |= {
        field: column.title
        for field, column in zip(fields, columns, strict=True)
        if not column.hidden
    }
    chosen: list[dashboard.DataTransformerConfig] = []
    if numbered:
        chosen.append(dashboard.DataTransformerConfig("merge", options={}))
    if limit is not None:
        present = {"id": "isNotNull", "options": {}}
        chosen.append(
            dashboard.DataTransformerConfig(
                "filterByValue",
                options={
                    "type": "include",
                    "match": "any",
                    "filters": [{"fieldName": fields[0], "config": present}],
                },
            )
        )
        chosen.append(
            dashboard.DataTransformerConfig(
                "sortBy", options={"fields": {}, "sort": [{"field": fields[0], "desc": True}]}
            )
        )
        chosen.append(dashboard.DataTransformerConfig("limit", options={"limitField": limit}))
    chosen.append(
        dashboard.DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {"Time": True},
                "includeByName": dict.fromkeys(shown, True),
                "indexByName": {name: place for place, name in enumerate(shown)},
                "renameByName": shown,
            },
        )
    )
    return chosen


def _key_properties(key: Key) -> list[dashboard.DynamicConfigValue]:
    # A row without the label must not show the text of an empty table.
    properties = [dashboard.DynamicConfigValue("noValue", NOTHING)]
    if key.link:
        link = {"title": f"Show this {key.title.lower()}", "url": key.link}
        properties.append(dashboard.DynamicConfigValue("links", [link]))
    return properties


def _properties(column: Column) -> list[dashboard.DynamicConfigValue]:
    properties = [
        dashboard.DynamicConfigValue("unit", column.unit),
        dashboard.DynamicConfigValue("noValue", column.empty),
    ]
    if column.decimals is not None:
        properties.append(dashboard.DynamicConfigValue("decimals", column.decimals))
    if column.texts:
        options = {value: {"text": text} for value, text in column.texts.items()}
        mapping = {"type": "value", "options": options}
        properties.append(dashboard.DynamicConfigValue("mappings", [mapping]))
    if column.steps:
        limits = look.thresholds(column.base, column.steps).build()
        properties.append(dashboard.DynamicConfigValue("thresholds", limits))
        properties.append(dashboard.DynamicConfigValue("custom.cellOptions", COLOURED))
    return properties


def matrix(
    title: str,
    help_text: str,
    unit: str,
    expression: str,
    *,
    row: str,
    column: str,
    base: str,
    steps: look.Steps,
    decimals: int,
    width: int = 12,
    height: int = 8,
) -> dashboard.Panel:
    """Return a coloured matrix of a query's values by two of its labels, both in their order."""
    # Columns come as the values do; rows are sorted by the table.
    expression = f'sort_by_label(avg by ({row}, {column}) ({expression}), "{column}")'
    corner = "from \\ to"
    panel = panels.fill(
        table.Panel(), title, help_text, unit, (look.rows(expression),), width=width,
        height=height, empty="-",
    )  # fmt: skip
    panel.show_header(True).cell_height(common.TableCellHeight.MD).decimals(decimals)
    panel.sort_by([build.TableSortByFieldState().display_name(corner).desc(False)])
    panel.thresholds(look.thresholds(base, steps)).align(common.FieldTextAlignment.CENTER)
    panel.cell_options(
        common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
    )
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            "groupingToMatrix",
            options={
                "rowField": row,
                "columnField": column,
                "valueField": "Value",
                "emptyValue": "null",
            },
        )
    )
    # Grafana's name of the corner; the names below it are no values.
    panel.override_by_name(
        f"{row}\\{column}",
        [
            dashboard.DynamicConfigValue("custom.cellOptions", {"type": "auto"}),
            dashboard.DynamicConfigValue("custom.align", "left"),
            dashboard.DynamicConfigValue("displayName", corner),
        ],
    )
    built: dashboard.Panel = panel.build()
    return built
