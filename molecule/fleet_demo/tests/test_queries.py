"""Every query of docs/queries.md has an answer in a whole fleet."""

from __future__ import annotations

import fleet
import pytest
import questions
from samples import eventually

# Recording rules run every 30 s and look back on some minutes; a new fleet needs a while.
SETTLE_SECONDS = 300

QUESTIONS = questions.read((fleet.ROOT / "docs" / "queries.md").read_text(encoding="utf-8"))
# A section that has answers only where the fleet carries this component.
NEEDS = {"Legacy senders": "prometheus_receiver", "Replication": "vminsert"}


@pytest.fixture(scope="module")
def components() -> set[str]:
    """Return the components that the fleet's hosts carry."""
    return fleet.components()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: f"{each.section}: {each.text}")
def test_a_question_has_an_answer(question: questions.Question, components: set[str]) -> None:
    if NEEDS.get(question.section, "vmagent") in components:
        eventually(lambda: fleet.ask(question.expression), seconds=SETTLE_SECONDS)
    else:
        assert not fleet.ask(question.expression), (
            f"{question.section} needs no {NEEDS[question.section]}"
        )
