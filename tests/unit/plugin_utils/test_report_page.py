"""The report: what stands in it, and that nothing in it reaches out or can be smuggled in."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_model import Path as ProbePath
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_page import (
    NOTHING,
    TEMPLATES,
    amount,
    band,
    duration,
    milliseconds,
    percent,
    size,
    spark,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.report_samples import (
    FAULTS,
    RUNBOOKS,
    Answer,
    Faults,
    answers,
    html,
    sample_fleet,
    vector,
)

STORAGE = "us-east-1"
VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 7*7 }}{% x %}javascript:"


class Page(HTMLParser):
    """The elements of a page, its text by section, and its tables' cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.sections: dict[str, list[str]] = {}
        self._section = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag == "section":
            self._section = values.get("id") or values["aria-labelledby"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
            self.sections.setdefault(self._section, []).append(data)

    def text(self, section: str) -> str:
        return " ".join(" ".join(self.sections.get(section, [])).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shown(answered: dict[str, Answer] | None = None, regions: int = 4, **faults: object) -> Page:
    fleet = sample_fleet(regions)
    given = answered or answers(fleet, Faults(**faults))  # type: ignore[arg-type]
    return Page(html(fleet, {STORAGE: given}, "production"))


def faulty() -> Page:
    fleet = sample_fleet(12)
    return Page(html(fleet, {STORAGE: answers(fleet, FAULTS)}, "production"))


def silent() -> Page:
    return Page(html(sample_fleet(4), {}, "production"))


@pytest.mark.parametrize("page", [shown, faulty, silent])
def test_the_file_reaches_out_for_nothing(page: object) -> None:
    found = page()  # type: ignore[operator]
    assert not {"script", "img", "iframe", "object", "embed", "base", "form", "audio", "video"} & {
        tag for tag, _attributes in found.elements
    }
    assert [each["href"] for each in found.of("link")] == ["data:,"]
    sources = {"src", "srcset", "xlink:href", "action", "data", "background", "poster", "style"}
    outside = [
        (tag, name, value)
        for tag, attributes in found.elements
        for name, value in attributes.items()
        if (
            name in sources
            or name.startswith("on")
            or (name == "href" and tag not in ("a", "link"))
        )
        and not re.fullmatch(r"--(columns|share|width): [\d.]+(px)?", value)
    ]
    assert outside == []
    assert {each["href"][0] for each in found.of("a")} <= {"#", "h"}
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert "url(" not in css
    assert "@import" not in css
    assert "http" not in css


@pytest.mark.parametrize("page", [shown, faulty, silent])
def test_the_file_is_whole_and_small(page: object) -> None:
    found = page()  # type: ignore[operator]
    assert found.open == []
    ids = [attributes["id"] for _tag, attributes in found.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    inside = {each["href"][1:] for each in found.of("a") if each["href"].startswith("#")}
    assert inside <= set(ids)
    labels = {
        word for _tag, each in found.elements for word in each.get("aria-labelledby", "").split()
    }
    assert labels <= set(ids)


def test_a_report_on_twelve_regions_is_smaller_than_a_photograph() -> None:
    fleet = sample_fleet(12)
    assert len(html(fleet, {STORAGE: answers(fleet, FAULTS)}, "production").encode()) < 150_000


def test_every_table_has_a_caption_and_every_heading_a_scope() -> None:
    found = faulty()
    assert len(found.of("table")) == len(found.of("caption")) == 5
    assert all(each.get("scope") in ("col", "row", "rowgroup") for each in found.of("th"))
    assert found.of("html") == [{"lang": "en"}]
    assert [
        tag for tag, _ in found.elements if tag in ("header", "main", "footer", "nav", "h1")
    ] == [
        "header",
        "h1",
        "nav",
        "main",
        "footer",
    ]


def test_hostile_values_are_shown_as_text() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    labels = {"alertname": HOSTILE, "severity": HOSTILE, HOSTILE: HOSTILE}
    given["alerts"] = vector([(labels, 1.0)])
    given["versions"] = vector(
        [({"job": "vmagent", "instance": "eu-west-1-agent-1", "version": HOSTILE}, 1.0)]
    )
    given["samples"] = vector([({"cluster": HOSTILE, "env": HOSTILE, "region": HOSTILE}, 1.0)])
    given["series"] = {"status": 500, "body": HOSTILE, "error": ""}
    found = Page(html(fleet, {STORAGE: given}, HOSTILE))
    plain = Page(html(fleet, {STORAGE: answers(fleet)}, "production"))
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in plain.elements} | {
        "b",
        "strong",
    }
    assert not [a for _tag, each in found.elements for a in each if a.startswith("on")]
    for section in ("alerts", "fleet", "clusters", "problems-title"):
        assert " ".join(HOSTILE.split()) in found.text(section), section


def test_the_name_of_the_inventory_and_the_time_are_the_title() -> None:
    found = shown()
    assert found.text("").startswith(
        "production: the fleet at 2026-01-01 00:00 UTC Skip to the report Meridian production "
        "State of the fleet at 2026-01-01 00:00 UTC, in 4 regions, from live queries through the "
        "gateways of us-east-1."
    )
    assert found.of("time")[0] == {"datetime": "2026-01-01T00:00:00Z"}


def test_a_healthy_fleet_is_summed_up() -> None:
    assert shown().text("summary-title") == (
        "Summary "
        "Hosts all up 16 of 16 ✓ all answer "
        "Programs up 42 of 42 ✓ all answer "
        "Paths without loss 12 of 12 ✓ between regions "
        "Samples a second 24,589 ✓ 368,836 series "
        "Waiting to be sent 0 B ✓ at the senders "
        "Alerts firing 0 ✓ all quiet"
    )


def test_a_faulty_fleet_is_summed_up() -> None:
    assert faulty().text("summary-title") == (
        "Summary "
        "Hosts all up 32 of 34 ✕ 1 down, 1 unknown "
        "Programs up 82 of 86 ✕ 1 down, 3 unknown "
        "Paths without loss 128 of 132 ✕ 2 down, 2 with loss "
        "Samples a second 57,628 ✓ 864,417 series "
        "Waiting to be sent 48 MB ▲ at the senders "
        "Alerts firing 2 ✕ 1 critical"
    )


def test_a_fleet_without_an_answer_is_unknown_and_says_why() -> None:
    found = silent()
    assert "from live queries through no gateway: none answered" in found.text("")
    assert found.text("problems-title").startswith(
        "▲ This report is not complete The metrics that are stored in us-east-1 could not be asked "
        "for: us-east-1-agent-1 says: Failed to connect to the host via ssh"
    )
    assert f"Alerts firing {NOTHING} ? not known" in found.text("summary-title")
    assert "Whether alerts fire is not known: no gateway answered." in found.text("alerts")
    assert found.text("fleet").count("? unknown for over six hours") == 42


def test_a_path_says_its_state_in_words_as_well_as_in_colour() -> None:
    text = faulty().text("paths")
    assert text.count("✕ fails 0 %") == 2
    assert "▲ 94.7 %" in text
    assert "▲ > 99.9 %" in text


def test_a_program_that_is_down_has_no_start() -> None:
    text = shown(down=[("node_exporter", "eu-west-1-legacy-1")]).text("fleet")
    assert (
        "eu-west-1-legacy-1 eu-west-1-eks-01-prod prod node_exporter not told not told ✕ down"
        in text
    )


def test_alerts_stand_with_what_they_are_about() -> None:
    text = faulty().text("alerts")
    assert (
        "RegionUnreachable ✕ critical 2025-12-31 23:35 25 min source_region us-west-2 "
        "target_region ap-southeast-2" in text
    )
    assert "The watchdog, an alert that always fires, does: rules are evaluated." in text


def test_alerts_that_have_a_runbook_are_links(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ansible_collections.meridian.metrics.plugins.plugin_utils import report_data

    (tmp_path / "RegionUnreachable.md").touch()
    monkeypatch.setattr(report_data, "RUNBOOKS", tmp_path)
    links = [each["href"] for each in faulty().of("a") if not each["href"].startswith("#")]
    assert links == [f"{RUNBOOKS}/RegionUnreachable.md"]


def test_silence_of_the_watchdog_is_said() -> None:
    fleet = sample_fleet(4)
    found = shown(answers(fleet) | {"alerts": vector([])})
    assert found.text("alerts") == (
        "Alerts No alert fires. The watchdog, an alert that always fires, does not: rules may not "
        "be evaluated, and silence means nothing."
    )


def test_a_fleet_without_the_parts_says_so_in_sentences() -> None:
    fleet = inventory({STORAGE: {"a": "vmagent vmsingle vmauth"}}).fleet()
    found = Page(html(fleet, {STORAGE: answers(fleet) | {"alerts": vector([])}}, "small"))
    assert found.text("paths") == (
        "Paths between regions No region probes another one in this inventory."
    )
    assert found.text("alerts") == (
        "Alerts This fleet has no vmalert, so nothing evaluates alerts."
    )


def test_a_young_cluster_has_no_line_yet() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    given["history"] = {**given["history"], "body": json.dumps({"data": {"result": []}})}
    assert "too young" in shown(given).text("clusters")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.44, "0.4"),
        (98.4, "98"),
        (12345, "12,345"),
        (1_234_567, "1.2 million"),
        (12_345_678, "12 million"),
    ],
)
def test_amounts(number: float, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (48_300_000, "48 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes(number: float, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3700, "1 h 1 min"),
        (86400, "1 d"),
        (86400 * 3 + 7200, "3 d 2 h"),
    ],
)
def test_durations(number: float, text: str) -> None:
    assert duration(number) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1, "100 %"),
        (0.99999, "> 99.9 %"),
        (0.947, "94.7 %"),
        (0.5, "50 %"),
        (0.0001, "< 0.1 %"),
        (0, "0 %"),
    ],
)
def test_percents_never_round_up_to_all_or_down_to_nothing(ratio: float, text: str) -> None:
    assert percent(ratio) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.00204, "2.0"), (0.0746, "75"), (1.5, "1,500")])
def test_latencies(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "number"), [(0.0, 0), (0.0099, 0), (0.01, 1), (0.0999, 2), (0.15, 3), (9.0, 4)]
)
def test_bands_of_latency(seconds: float, number: int) -> None:
    assert band(ProbePath("a", "b", 1.0, seconds)) == number


def test_a_line_stays_in_its_frame() -> None:
    points = [tuple(map(float, each.split(","))) for each in spark([0, 5, 10]).split()]
    assert points == [(0.0, 21.0), (48.0, 11.0), (96.0, 1.0)]
    assert spark([0.0, 0.0]) == "0.0,21.0 96.0,21.0"
