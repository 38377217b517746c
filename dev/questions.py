"""Read the queries out of docs/queries.md, for the test that runs them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A query of the document; `section` is the heading above it."""

    section: str
    text: str
    expression: str


def read(document: str) -> list[Question]:
    """Return the queries of a document, each with the paragraph before it.

    Raises ValueError for a query without a section or a text, or when there are none.
    """
    found: list[Question] = []
    section = text = ""
    for block in re.split(r"\n\n+", document):
        if block.startswith("## "):
            section, text = block.removeprefix("## ").strip(), ""
        elif fenced := re.fullmatch(r"```promql\n(.+)\n```\s*", block, re.DOTALL):
            if not (section and text):
                raise ValueError(f"query without a section or a text: {fenced[1]}")
            found.append(Question(section, text, fenced[1]))
        elif "```promql" in block:
            raise ValueError(f"a query stands between empty lines, not so: {block}")
        else:
            text = " ".join(block.split())
    if not found:
        raise ValueError("the document has no queries")
    return found
