"""What a load sends follows from tick numbers."""

from __future__ import annotations

import pytest
from plan import SERIES_PER_REQUEST, Plan


@pytest.mark.parametrize(
    ("rate", "agents", "interval", "series"),
    [(20000, 4, 1000, 5000), (20000, 1, 1000, 20000), (1000, 2, 500, 250), (1, 3, 1000, 1)],
)
def test_a_rate_is_spread_evenly_over_the_agents(
    rate: float, agents: int, interval: int, series: int
) -> None:
    urls = {f"agent-{number}": "http://x" for number in range(agents)}
    assert Plan.for_rate(rate, urls, start=0, interval=interval).series == series


def test_a_tick_is_one_sample_of_each_series_with_the_ticks_number_and_time() -> None:
    plan = Plan(start=5000, interval=1000, series=2, agents={})
    (names,) = plan.requests()
    assert plan.body(names, 7) == (
        b'meridian_load{series="0"} 7 12000\nmeridian_load{series="1"} 7 12000\n'
    )


def test_many_series_are_pushed_in_several_requests_without_a_gap() -> None:
    plan = Plan(start=0, interval=1000, series=2 * SERIES_PER_REQUEST + 1, agents={})
    requests = plan.requests()
    assert [len(names) for names in requests] == [SERIES_PER_REQUEST, SERIES_PER_REQUEST, 1]
    assert len({name for names in requests for name in names}) == plan.series


@pytest.mark.parametrize(("now", "due"), [(9999, 0), (10000, 1), (10999, 1), (12000, 3)])
def test_ticks_are_due_from_the_start_on(now: float, due: int) -> None:
    assert Plan(start=10000, interval=1000, series=1, agents={}).ticks_until(now) == due


def test_a_plan_survives_the_way_to_another_process() -> None:
    plan = Plan(start=1, interval=2, series=3, agents={"a": "http://x"})
    assert Plan.from_dict(plan.as_dict()) == plan
