from __future__ import annotations

import re
from itertools import combinations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_data import read_report
from ansible_collections.meridian.metrics.plugins.plugin_utils.report_drawing import (
    CHARACTERS,
    WIDTH,
    Box,
    Drawing,
    draw,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import Fleet
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.fleets import (
    Inventory,
    inventories,
    inventory,
)
from ansible_collections.meridian.metrics.tests.unit.plugin_utils.report_samples import (
    FAULTS,
    REGIONS,
    answers,
    results,
    sample_fleet,
)
from hypothesis import given, settings


def drawn(fleet: Fleet, *, faulty: bool = False) -> Drawing:
    answered = {"us-east-1": answers(fleet, FAULTS)} if faulty else {}
    host = fleet.all_hosts("vmagent")[0]
    return draw(read_report(fleet, host, *results(fleet, answered)))


def apart(one: Box, other: Box) -> bool:
    return abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= (one.height + other.height) / 2


def assert_readable(drawing: Drawing) -> None:
    assert all(apart(one, other) for one, other in combinations(drawing.boxes, 2))
    for box in drawing.boxes:
        assert drawing.left <= box.left
        assert drawing.top <= box.top
        assert box.left + WIDTH <= drawing.left + drawing.width
        assert box.top + box.height <= drawing.top + drawing.height
        assert all(len(line) <= CHARACTERS for line in box.lines)


@given(inventories())
@settings(max_examples=30)
def test_no_box_covers_another_or_leaves_the_drawing(made: Inventory) -> None:
    drawing = drawn(made.fleet())
    assert_readable(drawing)
    assert {box.region.name for box in drawing.boxes} == set(made.fleet().settings.regions)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 12, 40])
def test_any_number_of_regions_can_be_drawn(count: int) -> None:
    hosts = {f"r-{n}": {f"host-{n}": "vmagent blackbox vmauth vmsingle"} for n in range(count)}
    assert_readable(drawn(inventory(hosts).fleet()))


def test_a_drawing_of_twelve_regions_still_fits_a_screen() -> None:
    drawing = drawn(sample_fleet(12))
    assert drawing.width < 1600
    assert drawing.height < 1000


def test_the_storage_region_is_the_middle_and_all_others_write_to_it() -> None:
    drawing = drawn(sample_fleet(4))
    assert [(b.region.name, b.x, b.y) for b in drawing.boxes if b.stores] == [("us-east-1", 0, 0)]
    assert {line.title for line in drawing.writes} == {
        f"{region} writes to us-east-1" for region in list(REGIONS)[1:4]
    }


def test_an_arrow_ends_just_outside_the_box_it_points_to() -> None:
    drawing = drawn(sample_fleet(12))
    middle = next(box for box in drawing.boxes if box.stores)
    for line in drawing.writes:
        x, y = map(float, re.findall(r"L(\S+) (\S+)$", line.data)[0])
        assert abs(x) > WIDTH / 2 or abs(y) > middle.height / 2
        assert abs(x) < WIDTH / 2 + 12
        assert abs(y) < middle.height / 2 + 12


def test_each_pair_of_regions_has_one_line_with_its_worse_way_on_top() -> None:
    drawing = drawn(sample_fleet(12), faulty=True)
    assert len(drawing.probes) == 12 * 11 / 2
    assert [(line.state, line.title) for line in drawing.probes][-3:] == [
        ("partial", "probes between ap-south-1 and eu-north-1 fail in part"),
        ("partial", "probes between sa-east-1 and us-east-1 fail in part"),
        ("down", "probes between ap-southeast-2 and us-west-2 fail"),
    ]
    assert {line.state for line in drawing.probes[:-3]} == {"up"}


def test_in_a_federated_fleet_nothing_is_in_the_middle_and_nothing_is_sent_away() -> None:
    stores = "vmagent blackbox vmsingle vmauth"
    regions = {f"region-{n}": {f"host-{n}": stores} for n in range(3)}
    drawing = drawn(inventory(regions, "federated").fleet())
    assert drawing.writes == ()
    assert all(box.stores for box in drawing.boxes)
    assert not any((box.x, box.y) == (0, 0) for box in drawing.boxes)
