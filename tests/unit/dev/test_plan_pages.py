"""The page about topologies shows what plan.yml says of the shipped inventories."""

from __future__ import annotations

import plan_pages


def test_the_page_has_the_plans_diagrams_and_estimates() -> None:
    text = plan_pages.PAGE.read_text(encoding="utf-8")

    assert plan_pages.page(text) == text, "run dev/plan_pages.py"
    assert text.count("```mermaid\nflowchart LR\n") == len(plan_pages.INVENTORIES)
    assert text.count("```text\nregion ") == len(plan_pages.INVENTORIES)
