"""The queries of a document are found, and none is overlooked."""

from __future__ import annotations

import pytest
import questions
from questions import Question
from steps import ROOT

DOCUMENT = """# Queries

```sh
curl
```

## By region

How many
are up?

```promql
sum by (region)
  (up)
```

```promql
up
```
"""


def test_a_query_comes_with_its_section_and_the_text_before_it() -> None:
    assert questions.read(DOCUMENT) == [
        Question("By region", "How many are up?", "sum by (region)\n  (up)"),
        Question("By region", "How many are up?", "up"),
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("# Queries\n\ntext", "the document has no queries"),
        ("## A\n\n```promql\nup\n```", "query without a section or a text: up"),
        ("text\n\n```promql\nup\n```", "query without a section or a text: up"),
        ("## A\n\ntext\n```promql\nup\n```", "a query stands between empty lines, not so: text"),
        ("## A\n\ntext\n\n```promql\nup\n\nup\n```", "a query stands between empty lines, not so"),
    ],
)
def test_a_document_of_another_form_is_refused(document: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        questions.read(document)


def test_every_block_of_the_document_is_found() -> None:
    document = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    assert len(questions.read(document)) == document.count("```promql") > 40
