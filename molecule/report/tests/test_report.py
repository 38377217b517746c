"""What a browser saw of the reports on the sample fleets: see ../files/look.py."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

REPORTS = ["four", "silent", "twelve"]
VIEWS = ["dark", "dark-phone", "light", "light-phone"]
PICTURES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "pictures"


@pytest.fixture(scope="module")
def seen(host: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """By report and view."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(
        host.file("/root/seen/seen.json").content_string
    )
    assert sorted(found) == REPORTS
    assert all(sorted(views) == VIEWS for views in found.values())
    return found


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_report_is_accessible_quiet_and_fits_the_screen(
    seen: dict[str, dict[str, dict[str, Any]]], report: str, view: str
) -> None:
    assert seen[report][view] == {
        "violations": [],
        "console": [],
        "requests": [f"file:///root/reports/{report}.html"],
        "sticking_out": 0,
        "scripts": 0,
        "dark": view.startswith("dark"),
    }


def test_axe_looked_and_finds_what_is_wrong(host: Any) -> None:
    """A page with faults fails each of the checks, or the tests above would prove nothing."""
    page = (
        "<!DOCTYPE html><html><head><title>x</title><script>console.error('no')</script></head>"
        "<body><img src='http://127.0.0.1:1/x.png'><p style='width:3000px;color:#ccc'>pale</p>"
    )
    host.check_output(f'mkdir -p /root/wrong && cat > /root/wrong/wrong.html <<"E"\n{page}\nE')
    host.check_output("python3 /root/look.py /root/wrong/wrong.html /root/wrong/seen")
    found = json.loads(host.file("/root/wrong/seen/seen.json").content_string)["wrong"]["light"]
    rules = {each.split(":")[0] for each in found["violations"]}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= rules
    assert any("no" in message for message in found["console"])
    assert "http://127.0.0.1:1/x.png" in found["requests"]
    assert found["sticking_out"] > 1000
    assert found["scripts"] == 1


@pytest.mark.parametrize(("report", "most"), [("four", 3), ("twelve", 6)])
def test_a_report_prints_on_few_pages_of_a4_with_all_of_its_text(
    host: Any, report: str, most: int
) -> None:
    paper = f"/root/seen/{report}.pdf"
    facts = host.check_output(f"pdfinfo {paper}")
    pages = int(re.findall(r"^Pages:\s+(\d+)", facts, re.M)[0])
    width, height = map(float, re.findall(r"^Page size:\s+(\S+) x (\S+)", facts, re.M)[0])
    assert pages <= most
    assert (round(width), round(height)) == (595, 842)
    text = host.check_output(f"pdftotext -layout {paper} -")
    assert f"Page {pages} of {pages}" in text
    for words in ("Topology", "Paths between regions", "Clusters", "Alerts", "us-east-1-store-3"):
        assert words in text
    # The table's head stands on each of its pages.
    assert text.count("Up since") >= (2 if report == "twelve" else 1)


def test_pictures_are_kept_for_the_documents(host: Any) -> None:
    """In the scenario's folder; docs/images has the upper part of those of the large fleet."""
    PICTURES.mkdir(exist_ok=True)
    for report in REPORTS:
        for view in VIEWS:
            name = f"{report}-{view}.png"
            content = host.file(f"/root/seen/{name}").content
            assert content.startswith(b"\x89PNG")
            (PICTURES / name).write_bytes(content)
