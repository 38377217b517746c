"""The panels that are rightly empty exist, and the documentation lists the same."""

from __future__ import annotations

import re

from dashboards import empty, expressions
from make_dashboards import FOLDER
from steps import ROOT


def documented() -> dict[str, str]:
    """Return the right column of the document's tables by the panels in the left one."""
    text = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (meridian-\w+/[^|]+?) \| ([^|]+?) \|$", text, re.MULTILINE))


def test_listed_panels_exist() -> None:
    places = {
        place
        for dashboard in expressions.read(FOLDER)
        for query in expressions.queries(dashboard)
        for place in (query.place, f"{query.place}/{query.ref_id}")
    }
    assert {*empty.UNTIL_A_FAULT, *empty.WITHOUT_COMPONENT} <= places


def test_the_document_lists_the_same_panels_with_the_same_reasons() -> None:
    assert documented() == {**empty.UNTIL_A_FAULT, **empty.WITHOUT_COMPONENT}
