from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.filter.queue_size import FilterModule
from ansible_collections.meridian.metrics.plugins.plugin_utils.queue_size import queue_size


@pytest.mark.parametrize(
    ("outage_hours", "samples_per_second", "expected"),
    [
        pytest.param(24, 10_000, "5500MB", id="rounded up to whole chunks"),
        pytest.param(1, 100, "1000MB", id="never below two chunks"),
        pytest.param(50, 10_000 / 10.8, "1000MB", id="exactly two chunks stay two"),
        pytest.param(0.5, 1_000_000, "11000MB", id="half an hour"),
    ],
)
def test_size_holds_the_outage(
    outage_hours: float, samples_per_second: float, expected: str
) -> None:
    assert queue_size(outage_hours, samples_per_second) == expected


def test_bytes_per_sample_can_be_measured_anew() -> None:
    assert queue_size(24, 10_000, bytes_per_sample=12) == "10500MB"


@pytest.mark.parametrize(
    ("outage_hours", "samples_per_second", "message"),
    [
        (0, 10, "outage hours is 0; write a number above 0"),
        (24, -1, "samples per second is -1; write a number above 0"),
        ("24", 10, "outage hours is '24'; write a number above 0"),
        (True, 10, "outage hours is True; write a number above 0"),
        (24, float("inf"), "samples per second is inf; write a number above 0"),
        (float("nan"), 10, "outage hours is nan; write a number above 0"),
    ],
)
def test_impossible_value_is_named(
    outage_hours: float, samples_per_second: float, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        queue_size(outage_hours, samples_per_second)


def test_filter_speaks_ansible() -> None:
    apply = FilterModule().filters()["queue_size"]
    assert apply(24, 10_000) == "5500MB"
    with pytest.raises(AnsibleFilterError, match=r"^queue_size: outage hours is 0; "):
        apply(0, 10)
