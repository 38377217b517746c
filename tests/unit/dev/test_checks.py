"""The test runner: what it finds, what it skips, how it sums up."""

from __future__ import annotations

import re
import threading
import time

import checks
import pytest
import test as runner
from steps import ROOT, Failure


@pytest.fixture
def molecule(tmp_path):
    scenarios = {
        "vmstorage": ("platforms:\n  - name: a\n", "---\narchives: [vmstorage, vminsert]\n"),
        "fleet_centralized": ("provisioner:\n  name: ansible\n", None),
        "fleet_apart": ("    env:\n      MERIDIAN_DRILL_NETWORK: '10.40'\n", None),
        "drill_disk": ("provisioner:\n  name: ansible\n", "---\narchives: [vmstorage]\n"),
        "agent": ("platforms:\n  - name: a\n", None),
    }
    for name, (text, needs) in scenarios.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "molecule.yml").write_text(text)
        if needs:
            (tmp_path / name / "needs.yml").write_text(needs)
    (tmp_path / "shared").mkdir()
    return tmp_path


def test_scenarios_are_found_with_their_needs_and_their_groups(molecule):
    found = runner.scenario_checks(molecule)
    assert [(check.name, check.group, check.needs) for check in found] == [
        ("scenario:agent", "", ()),
        ("scenario:fleet_apart", "", ()),
        ("scenario:vmstorage", "", ("vmstorage", "vminsert")),
        ("scenario:drill_disk", "drill", ("vmstorage",)),
        ("scenario:fleet_centralized", "fleet", ()),
    ]


def test_no_two_scenarios_have_the_same_network_of_their_own():
    found = {}
    for file in sorted(ROOT.glob("molecule/*/molecule.yml")):
        for network in re.findall(r'(?:address: |NETWORK: ")(10\.\d+)', file.read_text()):
            assert found.setdefault(network, file.parent.name) == file.parent.name, network
    assert len(found) > 10


def test_needs_in_another_form_are_refused_instead_of_forgotten():
    with pytest.raises(Failure, match=r"^a needs\.yml holds one line"):
        checks.parse_needs("---\narchives:\n  - vmstorage\n")


def test_a_check_whose_archive_cannot_be_had_is_skipped_and_not_run(monkeypatch):
    reasons = {"cluster.tar.gz": "cluster.tar.gz is not in the folder, no way to the vendor"}
    monkeypatch.setattr(runner.archives, "missing", lambda names: reasons if names else {})
    ran = []
    check = runner.Check("scenario:x", ran.append, needs=("vmstorage",))
    assert runner.carry_out(check) == runner.Outcome(
        "scenario:x",
        "skipped",
        reason="cluster.tar.gz is not in the folder, no way to the vendor",
    )
    assert ran == []


def fails(log):
    raise Failure("3 tests failed")


def breaks(log):
    raise ZeroDivisionError("oops")


@pytest.mark.parametrize(
    ("run", "reason"), [(fails, "3 tests failed"), (breaks, "ZeroDivisionError: oops")]
)
def test_a_failed_check_keeps_its_reason_and_does_not_stop_the_others(run, reason):
    wanted = [runner.Check("a", run), runner.Check("b", print, group="fleet")]
    outcomes = runner.carry_out_all(wanted)
    assert [(o.name, o.result, o.reason) for o in outcomes] == [
        ("a", "failed", reason),
        ("b", "passed", ""),
    ]


def test_the_report_names_failures_and_skips_and_counts_on_the_last_line():
    outcomes = [
        runner.Outcome("lint", "passed", 1.0),
        runner.Outcome("unit", "failed", 2.0, "3 tests failed"),
        runner.Outcome("scenario:vmstorage", "skipped", reason="cluster.tar.gz: not there"),
    ]
    assert runner.report(outcomes, 90).splitlines() == [
        "",
        "3 checks in 1.5 min",
        "",
        "FAILED unit",
        "3 tests failed",
        "",
        "SKIPPED scenario:vmstorage: cluster.tar.gz: not there",
        "",
        "1 passed, 1 failed, 1 skipped",
    ]


def test_fleets_take_turns_from_the_start_and_nothing_else_runs_beside_the_drills_at_the_end():
    running, together, drills, beside_a_drill, order = set(), [], [], [], []
    first_of_thread = {}

    def check(name: str, group: str = "") -> runner.Check:
        def run(log):
            order.append(name)
            first_of_thread.setdefault(threading.current_thread(), name)
            running.add(name)
            time.sleep(0.02)
            now = list(running)
            together.append(sum(each.startswith("fleet") for each in now))
            if group == "drill":
                drills.append(sum(each.startswith("drill") for each in now))
                beside_a_drill.extend(each for each in now if not each.startswith("drill"))
            running.discard(name)

        return runner.Check(name, run, group=group)

    wanted = [check(f"role-{number}") for number in range(6)]
    wanted += [
        check(f"{group}-{number}", group) for group in ("fleet", "drill") for number in (1, 2, 3)
    ]
    for at_a_time in (1, 2, 3):
        order.clear()
        first_of_thread.clear()
        outcomes = runner.carry_out_all(wanted, at_a_time)
        assert sorted(outcome.name for outcome in outcomes) == sorted(order)
        assert sorted(order) == sorted(each.name for each in wanted)
        assert max(together) == 1
        assert max(drills) <= at_a_time
        assert beside_a_drill == []
        assert sorted(order[-3:]) == ["drill-1", "drill-2", "drill-3"]
        assert "fleet-1" in first_of_thread.values()
