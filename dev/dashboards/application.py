"""Application performance: rate, errors and duration of HTTP requests."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards import look
from dashboards.assembly import Section, Variable, assemble
from dashboards.panels import dial, heat, lines, number
from dashboards.tables import Column, Key, rows

HERE = 'env=~"$env",cluster=~"$cluster",service=~"$service"'
RATE = f"cluster:http_requests:rate5m{{{HERE}}}"
FAILED = f'cluster:http_requests:rate5m{{{HERE},status=~"5.."}}'
BUCKETS = f"cluster:http_request_duration_seconds_bucket:rate5m{{{HERE}}}"
ENDPOINT = "cluster, service, method"

VARIABLES = [
    Variable("env", "Environment", "cluster:http_requests:rate5m", "env"),
    Variable("cluster", "Cluster", 'cluster:http_requests:rate5m{env=~"$env"}', "cluster"),
    Variable(
        "service",
        "Service",
        'cluster:http_requests:rate5m{env=~"$env",cluster=~"$cluster"}',
        "service",
    ),
]


def quantile(share: float, *labels: str) -> str:
    """Return the query of a latency quantile by some labels."""
    return f"histogram_quantile({share}, sum by ({', '.join(['le', *labels])}) ({BUCKETS}))"


def glance() -> Section:
    """Return the state in a few numbers."""
    return Section(
        "At a glance",
        [
            dial(
                "Error rate",
                "Share of requests that were answered with a status of 500 or above, over the last "
                "5 minutes. The dial ends at 10 %.",
                look.now(f"(sum({FAILED}) or vector(0)) / sum({RATE})"),
                base=look.GOOD,
                steps=((0.01, look.NOTICE), (0.05, look.BAD)),
                highest=0.1,
                height=6,
                empty="no requests",
            ),
            number(
                "Requests per second",
                "Requests answered each second, all services together.",
                look.REQUESTS_A_SECOND,
                look.over_time(f"sum({RATE})", "requests"),
                width=5,
                height=6,
                decimals=1,
                empty="no requests",
            ),
            *(
                number(
                    f"{name} latency",
                    f"{int(share * 100)} % of requests are answered faster than this. Buckets "
                    "bound its precision.",
                    look.SECONDS,
                    look.over_time(quantile(share), name),
                    width=5,
                    height=6,
                    base=look.GOOD,
                    steps=((0.5, look.NOTICE), (1, look.BAD)),
                    empty="no requests",
                )
                for name, share in (("p95", 0.95), ("p99", 0.99))
            ),
            number(
                "Services",
                "Services that answered requests in the last 5 minutes.",
                look.COUNT,
                look.now(f"count(sum by (service) ({RATE}) > 0)"),
                width=3,
                height=6,
                empty="0",
            ),
        ],
    )


def requests() -> Section:
    """Return the request rates."""
    return Section(
        "Requests",
        [
            lines(
                f"Request rate by {label}",
                f"Requests answered each second, by {label}, on top of each other.",
                look.REQUESTS_A_SECOND,
                look.over_time(f"sum by ({label}) ({RATE})", f"{{{{{label}}}}}"),
                width=8,
                stacked=True,
            )
            for label in ("service", "method", "status")
        ],
    )


def errors() -> Section:
    """Return the errors over time."""
    return Section(
        "Errors",
        [
            lines(
                "Error rate by service",
                "Share of a service's requests that were answered with a status of 500 or above. "
                "A service that fails for a while stands out here first.",
                look.RATIO,
                look.over_time(
                    f"sum by (service) ({FAILED}) / sum by (service) ({RATE})", "{{service}}"
                ),
                steps=((0.05, look.BAD),),
            ),
            lines(
                "Errors per second by cluster",
                "Requests that were answered with a status of 500 or above, each second. One "
                "cluster alone points at the place, all at once point at a release.",
                look.REQUESTS_A_SECOND,
                look.over_time(f"sum by (cluster) ({FAILED})", "{{cluster}}"),
                stacked=True,
            ),
        ],
    )


def latency() -> Section:
    """Return the durations over time."""
    return Section(
        "Latency",
        [
            heat(
                "Latency heat map",
                "Requests per second by duration: the darker a cell, the more requests took so "
                "long. Two bands are two kinds of requests.",
                f"sum by (le) ({BUCKETS})",
            ),
            lines(
                "Latency p50, p95, p99",
                "Half, 95 % and 99 % of requests are answered faster than this.",
                look.SECONDS,
                *(
                    look.over_time(quantile(share), name)
                    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
                ),
                colors=look.QUANTILES,
            ),
            lines(
                "Latency p95 by service",
                "95 % of a service's requests are answered faster than this.",
                look.SECONDS,
                look.over_time(quantile(0.95, "service"), "{{service}}"),
                steps=((1, look.BAD),),
            ),
            lines(
                "Latency p95 by cluster",
                "95 % of a cluster's requests are answered faster than this.",
                look.SECONDS,
                look.over_time(quantile(0.95, "cluster"), "{{cluster}}"),
                steps=((1, look.BAD),),
            ),
        ],
    )


def endpoints() -> Section:
    """Return the slowest endpoints."""
    return Section(
        "Endpoints",
        [
            rows(
                "Ten slowest endpoints",
                "The methods of services with the highest p95 latency over the last 5 minutes, "
                "with how much they are used and how often they fail.",
                [Key("cluster", "Cluster"), Key("service", "Service"), Key("method", "Method")],
                [
                    Column(
                        "p95",
                        look.SECONDS,
                        f"topk(10, {quantile(0.95, ENDPOINT)})",
                        steps=((0.5, look.NOTICE), (1, look.BAD)),
                    ),
                    Column("p50", look.SECONDS, quantile(0.5, ENDPOINT)),
                    Column(
                        "Requests/s",
                        look.REQUESTS_A_SECOND,
                        f"sum by ({ENDPOINT}) ({RATE})",
                        decimals=2,
                    ),
                    Column(
                        "Errors",
                        look.RATIO,
                        f"sum by ({ENDPOINT}) ({FAILED}) / sum by ({ENDPOINT}) ({RATE})",
                        steps=((0.01, look.NOTICE), (0.05, look.BAD)),
                        decimals=2,
                        empty="0",
                    ),
                ],
                order="p95",
                limit=10,
                empty="no requests",
            )
        ],
    )


def made() -> dashboard.Dashboard:
    """Return the dashboard."""
    return assemble(
        "meridian-application",
        "Rate, errors and duration of HTTP requests, by service, method and cluster.",
        VARIABLES,
        [glance(), requests(), errors(), latency(), endpoints()],
    )
