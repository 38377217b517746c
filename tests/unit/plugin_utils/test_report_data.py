from __future__ import annotations

from pathlib import Path as FilePath

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import report_data
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_data import (
    read_report,
    runbooks,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_model import (
    Cluster,
    Host,
    Path,
    Report,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import inventory
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.report_samples import (
    ALERTS,
    NOW,
    Answer,
    Faults,
    answers,
    results,
    sample_fleet,
    vector,
)

STORAGE = "us-east-1"


def read(fleet: Fleet, answered: dict[str, Answer] | None) -> Report:
    tried, asked = results(fleet, {STORAGE: answered} if answered is not None else {})
    return read_report(
        fleet,
        fleet.all_hosts("vmagent")[0],
        tried,
        asked,
        runbooks={"RegionUnreachable": "https://w/p"},
    )


def with_faults(**faults: object) -> Report:
    fleet = sample_fleet(4)
    return read(fleet, answers(fleet, Faults(**faults)))  # type: ignore[arg-type]


def hosts(report: Report) -> dict[str, Host]:
    return {host.name: host for region in report.regions for host in region.hosts}


def cluster(report: Report, name: str) -> Cluster:
    return next(each for each in report.clusters if each.name == name)


def path(report: Report, source: str, target: str) -> Path | None:
    names = [region.name for region in report.regions]
    return report.paths[names.index(source)][names.index(target)]


def test_a_healthy_fleet_is_up_as_a_whole() -> None:
    fleet = sample_fleet(4)
    report = read(fleet, answers(fleet))
    assert report.problems == ()
    assert set(hosts(report)) == set(fleet.regions_of)
    assert {host.state for host in hosts(report).values()} == {"up"}
    assert {each.state for row in report.paths for each in row if each} == {"up"}


def test_a_program_has_its_version_and_start() -> None:
    fleet = sample_fleet(4)
    host = hosts(read(fleet, answers(fleet)))["eu-west-1-receiver-1"]
    assert [(each.job, each.version) for each in host.programs] == [
        ("node_exporter", "1.9.1"),
        ("prometheus", "3.5.0"),
        ("prometheus_receiver", "1.149.0"),
    ]
    assert all(each.started and each.started < NOW for each in host.programs)


def test_a_host_belongs_to_the_cluster_of_the_agent_that_scrapes_it() -> None:
    fleet = sample_fleet(4)
    host = hosts(read(fleet, answers(fleet)))["eu-west-1-legacy-1"]
    assert (host.cluster, host.env) == ("eu-west-1-eks-01-prod", "prod")


def test_after_an_upgrade_the_newest_version_counts() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    program = {"job": "vmagent", "instance": "eu-west-1-agent-1"}
    given["versions"] = vector(
        [
            (program | {"short_version": "v1.149.0"}, NOW - 3),
            (program | {"short_version": "v1.148.0"}, NOW - 90),
        ]
    )
    programs = hosts(read(fleet, given))["eu-west-1-agent-1"].programs
    assert [each.version for each in programs if each.job == "vmagent"] == ["1.149.0"]


def test_a_program_that_refuses_scrapes_is_down_and_so_is_its_host() -> None:
    report = with_faults(down=[("blackbox", "eu-west-1-agent-1")])
    host = hosts(report)["eu-west-1-agent-1"]
    assert {each.job: each.state for each in host.programs} == {
        "blackbox": "down",
        "node_exporter": "up",
        "vmagent": "up",
    }
    assert host.state == "down"


def test_a_host_of_which_nothing_is_known_stays_in_the_table() -> None:
    host = hosts(with_faults(silent=["eu-west-1-agent-1"]))["eu-west-1-agent-1"]
    assert host.state == "unknown"
    assert [each.job for each in host.programs] == ["blackbox", "node_exporter", "vmagent"]


def test_programs_that_stand_in_no_inventory_are_left_out() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    given["up"] = vector([({"job": "prometheus", "instance": "localhost:9090"}, 1.0)])
    assert "localhost:9090" not in hosts(read(fleet, given))


@pytest.mark.parametrize(
    ("success", "state"), [(1.0, "up"), (0.999, "partial"), (0.01, "partial"), (0.0, "down")]
)
def test_a_path_is_up_only_without_any_loss(success: float, state: str) -> None:
    report = with_faults(success={("eu-west-1", "us-east-1"): success})
    found = path(report, "eu-west-1", "us-east-1")
    assert found
    assert found.state == state


def test_a_path_that_should_be_probed_and_is_not_is_unknown() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    given["success"] = given["seconds"] = vector([])
    report = read(fleet, given)
    assert path(report, "eu-west-1", "us-east-1") == Path("eu-west-1", "us-east-1", None, None)
    assert path(report, "eu-west-1", "eu-west-1") is None


def test_a_region_without_an_exporter_probes_nothing() -> None:
    plain = {"us-east-1": {"a": "vmsingle vmauth vmagent"}, "eu-west-1": {"b": "vmagent"}}
    fleet = inventory(plain).fleet()
    given = {name: vector([]) for name in answers(fleet)}
    assert [each for row in read(fleet, given).paths for each in row] == [None] * 4


def test_a_cluster_has_what_it_writes_and_what_waits_at_its_sender() -> None:
    found = cluster(with_faults(backlog={"eu-west-1-agent-1": 7e6}), "eu-west-1-eks-01-prod")
    assert (found.sender, found.legacy, found.backlog) == ("eu-west-1-agent-1", False, 7e6)
    assert found.samples
    assert found.series
    assert len(found.history) == 30


def test_a_legacy_cluster_is_sent_by_its_receiver() -> None:
    found = cluster(
        with_faults(backlog={"eu-west-1-receiver-1": 5.0}), "eu-west-1-eks-01-prod-legacy"
    )
    assert (found.sender, found.legacy, found.backlog) == ("eu-west-1-receiver-1", True, 5.0)


def test_a_cluster_that_is_silent_stays_and_one_that_is_not_declared_is_shown() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    stray = {"cluster": "eu-west-1-eks-77-dev", "env": "dev", "region": "eu-west-1"}
    given["samples"] = vector([(stray, 12.0)])
    report = read(fleet, given)
    assert cluster(report, "us-east-1-eks-09-prod").samples is None
    found = cluster(report, "eu-west-1-eks-77-dev")
    assert (found.env, found.sender, found.samples) == ("dev", "", 12.0)


def test_alerts_come_with_their_start_the_most_severe_first_and_the_watchdog_apart() -> None:
    report = with_faults(alerts=[ALERTS[1], ALERTS[0]])
    assert [(each.name, each.severity, each.since, each.runbook) for each in report.alerts] == [
        ("RegionUnreachable", "critical", NOW - 1500, "https://w/p"),
        ("AgentBacklogGrows", "warning", NOW - 1500, ""),
    ]
    assert dict(report.alerts[0].labels) == {
        "source_region": "us-west-2",
        "target_region": "ap-southeast-2",
    }
    assert report.watchdog


def test_alerts_that_have_a_page_are_linked_to_it(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "RegionUnreachable.md").touch()
    monkeypatch.setattr(report_data, "RUNBOOKS", tmp_path)
    expected = {"RegionUnreachable": "https://wiki.example/r/RegionUnreachable.md"}
    assert runbooks("https://wiki.example/r/") == runbooks("https://wiki.example/r") == expected


def test_without_an_answer_all_is_unknown_and_the_reason_stands_there() -> None:
    fleet = sample_fleet(4)
    report = read(fleet, None)
    failed = "says: Failed to connect to the host via ssh"
    tried = ("us-east-1-agent-1", "ap-northeast-1-agent-1", "ap-southeast-1-agent-1")
    assert report.problems == (
        "The metrics that are stored in us-east-1 could not be asked for: "
        + "; ".join(f"{host} {failed}" for host in tried),
    )
    assert {host.state for host in hosts(report).values()} == {"unknown"}
    assert len(report.clusters) == 7
    assert report.answered == ()


def test_a_region_that_no_host_of_the_run_writes_to_is_named() -> None:
    stores = "vmagent blackbox vmsingle vmauth"
    regions = {"us-east-1": {"a": stores}, "eu-west-1": {"b": stores}}
    fleet = inventory(regions, "federated").fleet()
    tried, asked = results(fleet, {STORAGE: answers(fleet)})
    report = read_report(fleet, "a", [each for each in tried if each["item"]["host"] == "a"], asked)
    assert report.answered == (STORAGE,)
    assert report.problems == (
        "The metrics that are stored in eu-west-1 could not be asked for: no agent's host of this "
        "run writes to it",
    )


def test_a_query_that_fails_is_named_and_the_rest_is_shown() -> None:
    fleet = sample_fleet(4)
    given = answers(fleet)
    given["samples"] = {"status": 422, "body": "too many series\n", "error": ""}
    report = read(fleet, given)
    assert report.problems == (
        "The storage of us-east-1 did not answer the query 'samples': status 422: too many series",
    )
    assert {host.state for host in hosts(report).values()} == {"up"}
