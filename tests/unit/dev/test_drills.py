"""The table of the drills' figures."""

from __future__ import annotations

import json

import checks
import drills
import pytest
import yaml
from steps import ROOT, Failure

MOLECULE = ROOT / "molecule"

ROW = {
    "fleet": "drill_failure",
    "drill": "vmstorage stopped",
    "sent": 1_234_567,
    "stored": 1_234_567,
    "missing": 0,
    "duplicated": 0,
    "queries": 321,
    "queries_failed": 0,
    "slowest_query": 0.293,
    "recovered_in": 3.6,
}


def test_figures_are_shown_as_a_table_in_markdown():
    assert drills.table([ROW]).splitlines() == [
        "| drill | scenario | sent | stored | lost | twice | queries | failed | slowest, s | "
        "as before after, s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| vmstorage stopped | drill_failure | 1,234,567 | 1,234,567 | 0 | 0 | 321 | 0 | 0.3 | 4 |",
    ]


def test_the_figures_of_all_scenarios_are_in_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(drills, "RESULTS", tmp_path)
    for name in ("drill_failure", "drill_disk"):
        (tmp_path / f"{name}.json").write_text(json.dumps([{**ROW, "fleet": name}]))
    assert [row["fleet"] for row in drills.kept()] == ["drill_disk", "drill_failure"]


def test_an_unknown_drill_is_refused_with_the_names_of_all(monkeypatch):
    monkeypatch.setattr(drills.sys, "argv", ["drills.py", "earthquake"])
    with pytest.raises(Failure, match=r"^There is no drill earthquake\.$") as refused:
        drills.program()
    assert "failure" in refused.value.advice


def test_what_shares_a_fleet_has_all_tests_of_the_drills_that_it_stands_for():
    def folders(scenario):
        verifier = yaml.safe_load((MOLECULE / scenario / "molecule.yml").read_text())["verifier"]
        places = [verifier["directory"], *verifier.get("additional_files_or_dirs", [])]
        return {place.rsplit("/", 1)[-1] for place in places}

    for scenario, alone in checks.TOGETHER.items():
        assert folders(scenario) == set().union(*map(folders, alone))
    apart = {"drill_single", "drill_migration"}
    drills_of_a_fleet = {path.name for path in MOLECULE.glob("drill_*")} - apart
    assert drills_of_a_fleet == set(checks.TOGETHER).union(*checks.TOGETHER.values())
