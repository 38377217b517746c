"""The estimate of what a fleet needs, from the series that its inventory states."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils.estimate import (
    ROLE_DEFAULTS,
    estimate_lines,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.plan import fleet_plan
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import TopologyError
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    CLUSTER,
    PLAIN,
    Inventory,
    inventory,
)

ROLES = Path(__file__).parents[3] / "roles"
FEDERATED = {
    "us-east-1": CLUSTER["us-east-1"],
    "eu-west-1": PLAIN["eu-west-1"] | {"eu-single": "vmsingle", "eu-gate": "vmauth"},
}


def cells(made: Inventory) -> dict[str, list[str]]:
    """The cells of the rows of both tables, by region and title of the first column."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in estimate_lines(made.fleet())[2:]:
        row = [cell.strip() for cell in line.strip().split("  ") if cell]
        if row and row[0] in ("region", "stored in"):
            title = row[0]
        elif row and not row[0].startswith("-"):
            found[f"{title} {row[0]}"] = row[1:]
    return found


def test_nothing_is_estimated_where_no_series_are_stated() -> None:
    made = inventory(CLUSTER)
    assert estimate_lines(made.fleet()) == []
    assert "estimate" not in "".join(fleet_plan(made.fleet(), made.any_host)["lines"])  # type: ignore[arg-type]


def test_the_plan_ends_with_both_tables() -> None:
    made = inventory(CLUSTER, meridian_series=150_000)
    planned = fleet_plan(made.fleet(), made.any_host)["lines"]
    assert isinstance(planned, list)
    queue = "5.2 GB for 24 h without us-east-1, 1 agent may take 5.5 GB"
    assert planned[planned.index("estimate from the stated series (docs/estimate.md)") :] == [
        "estimate from the stated series (docs/estimate.md)",
        "  region     series   samples/s  to other regions      queue",
        "  ------     ------   ---------  ----------------      -----",
        f"  eu-west-1  150,000  10,000     60 kB/s (480 kbit/s)  {queue}",
        f"  us-east-1  150,000  10,000     nothing               {queue}",
        "",
        "  stored in  series   samples/s  kept for  copies  disk              memory",
        "  ---------  ------   ---------  --------  ------  ----              ------",
        "  us-east-1  300,000  20,000     365 d     2       1.6 TB to 6.6 TB  1.2 GB",
    ]


def test_a_regions_series_win_over_the_fleets_and_one_without_is_left_out() -> None:
    made = inventory(FEDERATED, "federated")
    made.set_region("eu-west-1", series=30_000)
    assert list(cells(made)) == ["region eu-west-1", "stored in eu-west-1"]
    made.set_all(meridian_series=60_000)
    assert cells(made)["region eu-west-1"][:2] == ["30,000", "2,000"]
    assert cells(made)["region us-east-1"][:2] == ["60,000", "4,000"]


def test_the_fleets_series_can_be_tried_on_the_command_line() -> None:
    made = inventory(FEDERATED, "federated", meridian_series="30000")
    assert cells(made)["region us-east-1"][0] == "30,000"


def test_samples_a_second_follow_from_the_interval_of_the_regions_agents() -> None:
    made = inventory(FEDERATED, "federated", meridian_series=60_000)
    made.hostvars["us-agent"]["vmagent_scrape_interval"] = "1m"
    assert cells(made)["region us-east-1"][1] == "1,000"
    assert cells(made)["region eu-west-1"][1] == "4,000"


def test_a_federated_region_sends_nothing_abroad_and_stores_its_own() -> None:
    made = inventory(FEDERATED, "federated", meridian_series=60_000)
    found = cells(made)
    assert found["region us-east-1"][2] == "nothing"
    assert found["stored in us-east-1"] == [
        *("60,000", "4,000", "365 d", "2"),
        *("330 GB to 1.3 TB", "240 MB"),
    ]
    assert found["stored in eu-west-1"] == [
        *("60,000", "4,000", "365 d", "1"),
        *("160 GB to 660 GB", "120 MB"),
    ]


def test_a_full_copy_takes_the_line_the_queue_and_the_other_regions_disk() -> None:
    made = inventory(FEDERATED, "federated")
    made.set_region(
        "us-east-1",
        series=60_000,
        replication={"mode": "full", "to": "eu-west-1", "queue_hours": 48},
    )
    found = cells(made)
    assert found["region us-east-1"] == [
        *("60,000", "4,000", "24 kB/s (190 kbit/s)"),
        "6.2 GB for 24 h without us-east-1 and 48 h without eu-west-1, 1 agent may take 16 GB",
    ]
    assert found["stored in eu-west-1"][:2] == found["stored in us-east-1"][:2]


def test_a_selection_is_counted_as_the_whole_and_says_so() -> None:
    made = inventory(FEDERATED, "federated")
    made.set_region(
        "us-east-1",
        series=60_000,
        replication={"mode": "selective", "to": "eu-west-1", "keep": ["slo_.*"]},
    )
    found = cells(made)
    assert found["region us-east-1"][2] == "at most 24 kB/s (190 kbit/s)"
    assert found["stored in eu-west-1"][0] == "at most 60,000"
    assert found["stored in eu-west-1"][-1] == "at most 120 MB"
    assert found["stored in us-east-1"][0] == "60,000"


def test_a_queue_that_is_too_small_says_what_to_raise() -> None:
    made = inventory(FEDERATED, "federated")
    made.set_region("us-east-1", series=1_500_000)
    assert cells(made)["region us-east-1"][3] == (
        "52 GB for 24 h without us-east-1, 1 agent may take 5.5 GB: raise "
        "vmagent_samples_per_second"
    )


@pytest.mark.parametrize(
    ("stated", "days", "disk"),
    [
        ("90d", "90 d", "100 GB to 400 GB"),
        ("3", "93 d", "100 GB to 410 GB"),
        ("1w", "7 d", "6.6 GB to 27 GB"),
        ("1d12h", "1.5 d", "2.1 GB to 8.3 GB"),
    ],
)
def test_disk_follows_from_the_retention_and_one_part_of_the_data_more(
    stated: str, days: str, disk: str
) -> None:
    made = inventory(FEDERATED, "federated")
    made.set_region("us-east-1", series=60_000)
    for host in ("us-store-1", "us-store-2", "us-store-3"):
        made.hostvars[host]["vmstorage_retention"] = stated
    found = cells(made)["stored in us-east-1"]
    assert [found[2], found[4]] == [days, disk]


@pytest.mark.parametrize(
    ("host", "name", "value", "message"),
    [
        (
            "us-agent",
            "vmagent_scrape_interval",
            "15",
            "vmagent_scrape_interval of host 'us-agent' is '15'; write a duration with its unit, "
            "such as 15s",
        ),
        (
            "us-store-1",
            "vmstorage_retention",
            "long",
            "vmstorage_retention of host 'us-store-1' is 'long'; write a duration with its unit, "
            "such as 1y",
        ),
        (
            "us-agent",
            "vmagent_outage_hours",
            "a day",
            "vmagent_outage_hours of host 'us-agent' is 'a day'; write a number above 0",
        ),
    ],
)
def test_what_cannot_be_read_is_named(host: str, name: str, value: str, message: str) -> None:
    made = inventory(FEDERATED, "federated", meridian_series=60_000)
    made.hostvars[host][name] = value
    with pytest.raises(TopologyError) as error:
        estimate_lines(made.fleet())
    assert f"{error.value}" == message


def test_what_is_assumed_is_what_the_roles_have() -> None:
    for name, value in ROLE_DEFAULTS.items():
        role = name.partition("_")[0]
        defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())
        assert f"{defaults[name]}" == value
