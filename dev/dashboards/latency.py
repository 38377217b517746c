"""Cross-region latency: how long the way from each region to each other one takes."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards import look
from dashboards.assembly import Section, Variable, assemble
from dashboards.panels import bars, dial, heat, lines, number
from dashboards.tables import Column, Key, matrix, rows

PATHS = 'source_region=~"$source_region",target_region=~"$target_region"'
DURATION = f"path:probe_duration_seconds:avg5m{{{PATHS}}}"
SUCCESS = f"path:probe_success:avg5m{{{PATHS}}}"
WRITE_P95 = 'cluster:vmagent_remotewrite_duration_seconds:p95{region=~"$source_region"}'
WRITE = f"max by (region) ({WRITE_P95})"
BY_SOURCE = f"avg by (source_region) ({DURATION})"
SUCCESS_BY_SOURCE = f"avg by (source_region) ({SUCCESS})"
SLOW: look.Steps = ((0.25, look.NOTICE), (0.5, look.BAD))
LOSSY: look.Steps = ((0.95, look.NOTICE), (0.99, look.GOOD))

VARIABLES = [
    Variable("source_region", "From", "path:probe_success:avg5m", "source_region"),
    Variable(
        "target_region",
        "To",
        'path:probe_success:avg5m{source_region=~"$source_region"}',
        "target_region",
    ),
]


def glance() -> Section:
    """Return the state in a few numbers."""
    return Section(
        "At a glance",
        [
            dial(
                "Probe success",
                "Share of probes that got an answer in the last 5 minutes, over the chosen paths. "
                "The dial begins at 90 %.",
                look.now(f"avg({SUCCESS})"),
                base=look.BAD,
                steps=LOSSY,
                lowest=0.9,
                height=6,
                empty="no probes",
            ),
            bars(
                "Probe success by source",
                "Share of probes from a region that got an answer. One low bar is that region's "
                "way out; all low bars are one region that nobody reaches: see the matrix.",
                look.RATIO,
                look.now(SUCCESS_BY_SOURCE, "{{source_region}}"),
                base=look.BAD,
                steps=LOSSY,
                highest=1,
                height=6,
                empty="no probes",
            ),
            number(
                "Active probes",
                "Targets that are probed now: each gateway, or where a region has none each "
                "exporter, from every other region.",
                look.COUNT,
                look.now(f"count(probe_success{{{PATHS}}})"),
                height=6,
                width=3,
                empty="0",
            ),
            number(
                "Paths",
                "Pairs of a source and a target region with probes between them.",
                look.COUNT,
                look.now(f"count({SUCCESS})"),
                height=6,
                width=3,
                empty="0",
            ),
            number(
                "Slowest path",
                "Mean probe duration of the slowest path over the last 5 minutes.",
                look.SECONDS,
                look.over_time(f"max({DURATION})", "slowest"),
                height=6,
                width=6,
                base=look.GOOD,
                steps=SLOW,
                empty="no probes",
            ),
        ],
    )


def over_time() -> Section:
    """Return latency over time, measured in two ways."""
    return Section(
        "Latency over time",
        [
            lines(
                "Probe duration by source",
                "Mean time of an HTTP probe from a region to the others: name look-up, connection "
                "and answer, without any load.",
                look.SECONDS,
                look.over_time(BY_SOURCE, "{{source_region}}"),
            ),
            lines(
                "Remote write p95 by region",
                "95 % of a region's write requests take less than this: the network and the work "
                "of the storage. The slowest cluster of the region counts.",
                look.SECONDS,
                look.over_time(WRITE, "{{region}}"),
            ),
            lines(
                "Probes and remote write compared",
                "Dashed: mean probe duration. Solid: remote write p95. Where both rise it is the "
                "network; where only remote write does, it is the gateway or the storage.",
                look.SECONDS,
                look.over_time(BY_SOURCE, "probe {{source_region}}"),
                look.over_time(WRITE, "write {{region}}"),
                width=24,
                dashed="/^probe /",
            ),
        ],
    )


def paths() -> Section:
    """Return every path, and the worst ones."""
    return Section(
        "From region to region",
        [
            matrix(
                "Latency from region to region",
                "Mean probe duration over 5 minutes; rows are where the probe starts.",
                look.SECONDS,
                DURATION,
                row="source_region",
                column="target_region",
                base=look.GOOD,
                steps=SLOW,
                decimals=1,
            ),
            matrix(
                "Success from region to region",
                "Share of probes that got an answer over 5 minutes; rows are where the probe "
                "starts. A red column is a region that nobody reaches.",
                look.RATIO,
                SUCCESS,
                row="source_region",
                column="target_region",
                base=look.BAD,
                steps=LOSSY,
                decimals=1,
            ),
            heat(
                "Probe heat map",
                "Probes by duration: the darker a cell, the more probes took so long. Each "
                "distance is a band; a band that widens is jitter.",
                "prometheus_buckets(sum by (vmrange) "
                f"(histogram_over_time(probe_duration_seconds{{{PATHS}}}[$__rate_interval])))",
            ),
            rows(
                "Ten slowest paths",
                "The probed addresses with the highest mean duration over 5 minutes, and how much "
                "of it is the TCP handshake: one round trip of the network alone.",
                [
                    Key("source_region", "From"),
                    Key("target_region", "To"),
                    Key("instance", "Target"),
                ],
                [
                    Column(
                        "Duration",
                        look.SECONDS,
                        "topk(10, max by (source_region, target_region, instance) "
                        f"(avg_over_time(probe_duration_seconds{{{PATHS}}}[5m])))",
                        base=look.GOOD,
                        steps=SLOW,
                    ),
                    Column(
                        "Handshake",
                        look.SECONDS,
                        "max by (source_region, target_region, instance) (avg_over_time("
                        f'probe_http_duration_seconds{{phase="connect",{PATHS}}}[5m]))',
                    ),
                ],
                order="Duration",
                width=12,
                height=8,
                limit=10,
                empty="no probes",
            ),
        ],
    )


def success() -> Section:
    """Return success and the network's own part over time."""
    return Section(
        "Success over time",
        [
            lines(
                "Success by source",
                "Share of probes from a region that got an answer, over 5 minutes.",
                look.RATIO,
                look.over_time(SUCCESS_BY_SOURCE, "{{source_region}}"),
                lowest=None,
                highest=1,
            ),
            lines(
                "TCP handshake by source",
                "Mean time of the TCP handshake of probes from a region: one round trip, whatever "
                "the servers do.",
                look.SECONDS,
                look.over_time(
                    "avg by (source_region) (avg_over_time("
                    f'probe_http_duration_seconds{{phase="connect",{PATHS}}}[5m]))',
                    "{{source_region}}",
                ),
            ),
        ],
    )


def trends() -> Section:
    """Return the last day, whatever the dashboard's range is."""
    return Section(
        "Trends of 24 hours",
        [
            lines(
                "Probe duration by source, 24 h",
                "As above, always over the last 24 hours: compare now with the same time of other "
                "hours before you call it slow.",
                look.SECONDS,
                look.over_time(BY_SOURCE, "{{source_region}}"),
                width=8,
                last="24h",
            ),
            lines(
                "Remote write p95 by region, 24 h",
                "As above, always over the last 24 hours.",
                look.SECONDS,
                look.over_time(WRITE, "{{region}}"),
                width=8,
                last="24h",
            ),
            lines(
                "Success by source, 24 h",
                "As above, always over the last 24 hours.",
                look.RATIO,
                look.over_time(SUCCESS_BY_SOURCE, "{{source_region}}"),
                width=8,
                lowest=None,
                highest=1,
                last="24h",
            ),
        ],
    )


def made() -> dashboard.Dashboard:
    """Return the dashboard."""
    return assemble(
        "meridian-latency",
        "How long the way from each region to each other one takes, and whether it is open.",
        VARIABLES,
        [glance(), over_time(), paths(), success(), trends()],
    )
