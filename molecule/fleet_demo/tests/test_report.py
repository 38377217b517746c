"""playbooks/report.yml on a whole fleet; for each inventory of a scenario fleet_<inventory>."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import fleet
import pytest
from samples import eventually

# A new fleet has been scraped as a whole, and has probed all of itself, after a while.
SETTLE_SECONDS = 300
testinfra_hosts = ["eu-west-1-agent-1"]


class Tables(HTMLParser):
    """The rows of a page's tables by the section they stand in, each row its cells' text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self._section = ""
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._section = dict(attrs).get("id") or ""
        elif tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        elif tag in ("td", "th"):
            self.rows[self._section][-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            row = self.rows[self._section][-1]
            row[-1] = " ".join(f"{row[-1]} {data}".split())


def report(file: Path, *arguments: str) -> fleet.Run:
    """Run the playbook as a user does."""
    return fleet.play("report.yml", "-e", f"report_file={file}", *arguments)


def hosts() -> set[str]:
    """The hosts of the inventory."""
    listed = subprocess.run(
        ["ansible-inventory", "-i", str(fleet.INVENTORY), "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(listed.stdout)["_meta"]["hostvars"])


def states(text: str) -> dict[str, set[str]]:
    """The words in which the programs of each host say their state, by host."""
    found: dict[str, set[str]] = {}
    host = ""
    for row in Tables(text).rows["fleet"][1:]:
        if len(row) == 7:
            host = row[0]
        if len(row) > 1:
            found.setdefault(host, set()).add(row[-1])
    return found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the whole fleet, made when all of it has been scraped."""
    path = tmp_path_factory.mktemp("report") / "report.html"

    def all_up() -> bool:
        run = report(path)
        assert run.status == 0, run.output
        return all(each == {"✓ up"} for each in states(path.read_text()).values())

    eventually(all_up, seconds=SETTLE_SECONDS)
    return path


def test_every_host_of_the_inventory_is_up(file: Path) -> None:
    assert states(file.read_text()) == {host: {"✓ up"} for host in hosts()}


def test_every_pair_of_regions_has_its_latency_and_success(file: Path) -> None:
    """Some probes may have failed in the last minutes: other tests stop what is probed."""
    head, *rows = Tables(file.read_text()).rows["paths"]
    regions = head[1:]
    assert len(regions) == 4
    assert [row[0] for row in rows] == regions
    for row in rows:
        for target, cell in zip(regions, row[1:], strict=True):
            expected = r"the region itself" if target == row[0] else r"[\d.,]+ (▲ )?[> ]*[\d.]+ %"
            assert re.fullmatch(expected, cell), (row[0], target, cell)


def test_every_cluster_writes_and_nothing_waits(file: Path) -> None:
    head, *rows = Tables(file.read_text()).rows["clusters"]
    assert head[3:] == ["Samples a second", "Last hour", "Series", "Waiting"]
    assert len(rows) >= 6
    for name, _env, _sender, samples, _line, series, waiting in rows:
        assert float(samples.replace(",", "")) > 0, name
        assert int(series.replace(",", "")) > 0, name
        assert re.fullmatch(r"\d+ B|[\d.]+ kB", waiting), (name, waiting)


def test_no_password_is_in_the_file_or_in_the_output(file: Path, tmp_path: Path) -> None:
    run = report(tmp_path / "again.html", "-vvv", "--diff")
    passwords = [each.read_text().strip() for each in fleet.CREDENTIALS.iterdir() if each.is_file()]
    assert passwords
    assert not [each for each in passwords if each in run.output]
    assert not [each for each in passwords if each in file.read_text()]


def test_a_second_run_from_one_region_changes_nothing_but_the_file(
    file: Path, tmp_path: Path
) -> None:
    run = report(tmp_path / "again.html", "--limit", "eu_west_1")
    assert run.status == 0, run.output
    assert list(run.changed.values()) == [1]
    assert states((tmp_path / "again.html").read_text()).keys() == states(file.read_text()).keys()


def test_a_region_without_a_gateway_that_answers_is_told_in_the_file(
    file: Path, tmp_path: Path
) -> None:
    lost = tmp_path / "lost.html"
    run = report(lost, "-e", "{meridian_credentials: {operator: not-the-password}}")
    assert run.status != 0
    assert "This report is not complete" in lost.read_text()
    assert states(lost.read_text()).keys() == states(file.read_text()).keys()
