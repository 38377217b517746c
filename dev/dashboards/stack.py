"""Monitoring stack health: agents, gateways, storage and alerting themselves."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards import look
from dashboards.assembly import Section, Variable, assemble
from dashboards.panels import lines
from dashboards.services import alerting, gateway
from dashboards.storage import global_view, replication, storage
from dashboards.tables import Column, Key, rows

HERE = 'region=~"$region",cluster=~"$cluster"'
PROGRAMS = f'job!~"probe|mock_exporter",{HERE}'
PROGRAM = "region, job, instance"

VARIABLES = [
    Variable("region", "Region", 'up{job="vmagent"}', "region"),
    Variable("cluster", "Cluster", 'up{job="vmagent",region=~"$region"}', "cluster"),
]


def rate(metric: str, labels: str = HERE) -> str:
    """Return the increase of a counter each second."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def remote_write() -> Section:
    """Return how well samples leave the agents."""
    quantiles = [
        lines(
            f"Remote write {name}",
            f"{name[1:]} % of a cluster's write requests take less than this, from sending to the "
            "gateway's answer. Above a few seconds the queues grow.",
            look.SECONDS,
            look.over_time(
                f"cluster:vmagent_remotewrite_duration_seconds:{name}{{{HERE}}}", "{{cluster}}"
            ),
            width=8,
            steps=((5, look.BAD),),
        )
        for name in ("p90", "p95", "p99")
    ]
    return Section(
        "Remote write",
        [
            *quantiles,
            lines(
                "Pending bytes",
                "Samples that wait in the queues of agents and receivers, in memory and on disk. "
                "It grows while the storage region is away and must shrink afterwards.",
                look.BYTES,
                look.over_time(
                    f"sum by (cluster) (vmagent_remotewrite_pending_data_bytes{{{HERE}}})",
                    "{{cluster}}",
                ),
                width=8,
            ),
            lines(
                "Write success",
                "Share of write requests that the gateway accepted, over 5 minutes; refused "
                "connections count as failures. Failed requests are repeated: this alone loses "
                "nothing.",
                look.RATIO,
                look.over_time(
                    f"cluster:vmagent_remotewrite_requests_success:ratio5m{{{HERE}}}",
                    "{{cluster}}",
                ),
                width=8,
                lowest=None,
                highest=1,
            ),
            lines(
                "Saturation of the senders",
                "Share of time in which the senders of the busiest agent are busy. At 100 % it "
                "cannot send faster, and the queue grows.",
                look.RATIO,
                look.over_time(
                    "max by (cluster) ("
                    f"{rate('vmagent_remotewrite_send_duration_seconds_total')}"
                    f" / vmagent_remotewrite_queues{{{HERE}}})",
                    "{{cluster}}",
                ),
                width=8,
                steps=((0.9, look.BAD),),
            ),
            lines(
                "Queue drops",
                "Blocks of samples that were lost: because the queue on disk was full, or because "
                "the gateway refused them for good (status 400 or 409). Anything but 0 is a loss.",
                look.NUMBER,
                look.over_time(
                    f"sum by (cluster) ({rate('vm_persistentqueue_blocks_dropped_total')})",
                    "{{cluster}} queue full",
                ),
                look.over_time(
                    f"sum by (cluster) ({rate('vmagent_remotewrite_packets_dropped_total')})",
                    "{{cluster}} refused",
                ),
                width=24,
                height=6,
            ),
        ],
    )


def scraping() -> Section:
    """Return how well targets are scraped."""
    return Section(
        "Scraping",
        [
            lines(
                "Scrape duration p99",
                "99 % of a cluster's scrapes take less than this. Near the timeout of 10 s targets "
                "begin to fail.",
                look.SECONDS,
                look.over_time(
                    "histogram_quantile(0.99, sum by (vmrange, cluster) "
                    f"({rate('vm_promscrape_scrape_duration_seconds_bucket')}))",
                    "{{cluster}}",
                ),
                width=8,
                steps=((10, look.BAD),),
            ),
            lines(
                "Targets by state",
                "Targets that answer and targets that do not, by cluster.",
                look.COUNT,
                look.over_time(
                    f"sum by (cluster, status) (vm_promscrape_targets{{{HERE}}})",
                    "{{cluster}} {{status}}",
                ),
                width=8,
            ),
            rows(
                "Targets that do not answer",
                "Every target whose last scrape failed. Empty while all is well.",
                [
                    Key("cluster", "Cluster"),
                    Key("job", "Job"),
                    Key("instance", "Instance"),
                ],
                [
                    Column(
                        "Up",
                        look.COUNT,
                        f"max by (cluster, job, instance) (up{{{HERE}}}) == 0",
                        texts={"0": "down"},
                        steps=((1, look.GOOD),),
                        base=look.BAD,
                    )
                ],
                order="Cluster",
                descending=False,
                width=8,
                height=8,
                empty="every target answers",
            ),
        ],
    )


def components() -> Section:
    """Return every program of the stack."""
    return Section(
        "Components",
        [
            rows(
                "Component health",
                "Every program of the stack that is scraped. A short uptime that comes back is a "
                "program that restarts. Packages of distributions may not state their version.",
                [
                    Key("region", "Region"),
                    Key("job", "Component"),
                    Key("instance", "Host"),
                    Key("version", "Version"),
                ],
                [
                    Column(
                        "State",
                        look.COUNT,
                        f"max by ({PROGRAM}) (up{{{PROGRAMS}}})",
                        base=look.BAD,
                        steps=((1, look.GOOD),),
                        texts={"0": "down", "1": "up"},
                    ),
                    Column(
                        "Uptime",
                        look.DURATION,
                        f"min by ({PROGRAM}) (time() - process_start_time_seconds{{{PROGRAMS}}})",
                        decimals=0,
                    ),
                    Column(
                        "CPU",
                        look.CORES,
                        f"sum by ({PROGRAM}) ({rate('process_cpu_seconds_total', PROGRAMS)})",
                        decimals=3,
                    ),
                    Column(
                        "Memory",
                        look.BYTES,
                        f"sum by ({PROGRAM}) (process_resident_memory_bytes{{{PROGRAMS}}})",
                    ),
                    Column(
                        "Build",
                        look.COUNT,
                        f"max by ({PROGRAM}, version) ("
                        f'label_move(vm_app_version{{{PROGRAMS}}}, "short_version", "version")'
                        f' or {{__name__=~".+_build_info",{PROGRAMS}}})',
                        hidden=True,
                    ),
                ],
                order="Component",
                descending=False,
                height=12,
            ),
            lines(
                "CPU by component",
                "CPU cores that each kind of program uses, on all hosts together.",
                look.CORES,
                look.over_time(
                    f"sum by (job) ({rate('process_cpu_seconds_total', PROGRAMS)})", "{{job}}"
                ),
                stacked=True,
            ),
            lines(
                "Memory by component",
                "Resident memory of each kind of program, the largest of its hosts.",
                look.BYTES,
                look.over_time(
                    f"max by (job) (process_resident_memory_bytes{{{PROGRAMS}}})", "{{job}}"
                ),
            ),
        ],
    )


def made() -> dashboard.Dashboard:
    """Return the dashboard."""
    return assemble(
        "meridian-stack",
        "Whether samples get from the targets into the storage, and the programs on their way.",
        VARIABLES,
        [
            remote_write(),
            scraping(),
            components(),
            storage(),
            replication(),
            global_view(),
            gateway(),
            alerting(),
        ],
    )
