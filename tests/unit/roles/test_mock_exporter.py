"""The model behind the mock exporter: families, movement, and differences between places."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, disable_created_metrics

PROGRAM = Path(__file__).parents[3] / "roles" / "mock_exporter" / "files" / "mock_exporter.py"
SPEC = importlib.util.spec_from_file_location("mock_exporter", PROGRAM)
assert SPEC
assert SPEC.loader
mock_exporter = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mock_exporter)
disable_created_metrics()  # as the role's unit does

NOON_UTC = 1_800_014_400.0
NAMES = {
    "http_request_duration_seconds",
    "http_requests_total",
    "http_request_size_bytes",
    "http_response_size_bytes",
    "node_cpu_seconds_total",
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_disk_io_time_seconds_total",
    "node_network_transmit_bytes_total",
    "node_network_receive_bytes_total",
    "node_filesystem_size_bytes",
    "node_filesystem_avail_bytes",
    "app_errors_total",
    "app_database_queries_duration_seconds",
    "app_database_connections_active",
    "app_cache_requests_total",
    "app_queue_size",
    "app_worker_tasks_duration_seconds",
    "app_business_transactions_total",
}


class Place:
    """A shop somewhere, and what it exposes."""

    def __init__(self, region: str = "us-east-1", env: str = "prod") -> None:
        self.registry = CollectorRegistry()
        self.shop = mock_exporter.Shop(
            mock_exporter.Metrics(self.registry),
            region=region,
            cluster=f"{region}-eks-01-{env}",
            env=env,
        )
        self.shop.chance.seed(1)

    def after(self, seconds: int, *, start: float = NOON_UTC) -> dict[tuple[str, Any], float]:
        for second in range(seconds):
            self.shop.step(start + second, 1)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.registry.collect()
            for sample in family.samples
        }


def total(samples: dict[tuple[str, Any], float], name: str, **labels: str) -> float:
    return sum(
        value
        for (found, having), value in samples.items()
        if found == name and labels.items() <= dict(having).items()
    )


@pytest.fixture
def place() -> Callable[..., Place]:
    return Place


def test_it_has_exactly_the_agreed_families(place: Callable[..., Place]) -> None:
    families = place().registry.collect()
    exposed = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    assert exposed == NAMES


def test_all_its_series_are_there_from_the_first_second(place: Callable[..., Place]) -> None:
    shop = place()
    first = set(shop.after(1))
    assert len(first) >= 340
    assert set(shop.after(1800)) == first


def test_counters_and_histograms_never_fall(place: Callable[..., Place]) -> None:
    shop = place()
    before = shop.after(60)
    after = shop.after(600)
    cumulative = ("_total", "_bucket", "_sum", "_count")
    fell = [key for key in before if key[0].endswith(cumulative) and after[key] < before[key]]
    assert fell == []


def test_the_time_of_each_cpu_adds_up_to_the_time_that_passed(place: Callable[..., Place]) -> None:
    samples = place().after(300)
    for cpu in range(mock_exporter.CPUS):
        assert total(samples, "node_cpu_seconds_total", cpu=str(cpu)) == pytest.approx(300)


def test_a_disk_is_never_busier_than_the_time_that_passed(place: Callable[..., Place]) -> None:
    assert 0 < total(place().after(300), "node_disk_io_time_seconds_total", device="sda") <= 300


def test_every_request_is_counted_with_its_duration_and_size(place: Callable[..., Place]) -> None:
    samples = place().after(300)
    requests = total(samples, "http_requests_total")
    assert requests > 300
    assert total(samples, "http_request_duration_seconds_count") == requests
    assert total(samples, "http_response_size_bytes_count") == requests


def test_what_is_free_is_less_than_what_there_is(place: Callable[..., Place]) -> None:
    samples = place().after(300)
    for part, whole in (
        ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
        ("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    ):
        assert 0 < total(samples, part) < total(samples, whole)


def test_traffic_follows_the_regions_day(place: Callable[..., Place]) -> None:
    noon_in_new_york, midnight_in_new_york = NOON_UTC + 5 * 3600, NOON_UTC - 7 * 3600
    day = total(place().after(600, start=noon_in_new_york), "http_requests_total")
    night = total(place().after(600, start=midnight_in_new_york), "http_requests_total")
    assert night < 0.5 * day


def test_regions_differ(place: Callable[..., Place]) -> None:
    def memory_and_disks(region: str) -> list[float]:
        samples = place(region).after(1)
        names = ("node_memory_MemTotal_bytes", "node_filesystem_size_bytes")
        return [value for (name, _labels), value in sorted(samples.items()) if name in names]

    regions = ("us-east-1", "eu-west-1", "ap-southeast-1", "ap-northeast-1")
    scales = {place(region).shop.scale for region in regions}
    assert len(scales) == len(regions)
    assert len({tuple(memory_and_disks(region)) for region in regions}) > 1


def test_development_has_less_traffic_than_production(place: Callable[..., Place]) -> None:
    production = total(place(env="prod").after(300), "http_requests_total")
    development = total(place(env="dev").after(300), "http_requests_total")
    assert development < 0.5 * production


def test_a_failing_service_shows_in_errors_durations_and_queues(
    place: Callable[..., Place],
) -> None:
    def error_ratio_and_duration(failing: bool) -> tuple[float, float, float]:
        shop = place()
        if failing:
            shop.shop.failing["search"] = 1e9
        samples = shop.after(300)
        requests = total(samples, "http_requests_total", service="search")
        errors = total(samples, "http_requests_total", service="search", status="500")
        seconds = total(samples, "http_request_duration_seconds_sum", service="search")
        return errors / requests, seconds / requests, total(samples, "app_queue_size")

    ratio, duration, queued = error_ratio_and_duration(False)
    failing_ratio, failing_duration, failing_queued = error_ratio_and_duration(True)
    assert ratio < 0.02
    assert failing_ratio > 0.1
    assert failing_duration > 2 * duration
    assert failing_queued > queued + 20


def test_services_fail_now_and_then(place: Callable[..., Place]) -> None:
    assert total(place(env="dev").after(3600), "app_errors_total", type="timeout") > 0


@pytest.mark.parametrize(
    ("region", "hours"),
    [("us-east-1", -5), ("eu-west-1", 1), ("ap-southeast-1", 8), ("ap-northeast-1", 9), ("x", 0)],
)
def test_the_day_of_a_region_is_guessed_from_its_name(region: str, hours: int) -> None:
    assert mock_exporter.hours_from_utc(region) == hours
