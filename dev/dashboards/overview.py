"""Global infrastructure overview: is every region writing, and what needs attention?"""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards import look
from dashboards.assembly import Section, Variable, assemble
from dashboards.panels import bars, lines, number
from dashboards.tables import Column, Key, rows

HERE = 'region=~"$region",env=~"$env"'
FIRING = f'ALERTS{{alertstate="firing",alertname!="Watchdog",{HERE}}}'
# What receivers pass on to the gateway; further URLs get the same samples.
LEGACY = (
    "rate(vmagent_remotewrite_rows_pushed_after_relabel_total"
    f'{{job="prometheus_receiver",url=~"1:.*",{HERE}}}[5m])'
)
CLUSTER = "sum by (env, region, cluster)"
STORAGES = "Of all storage that this data source reads: the variables do not apply."
# Share of the space open to the storage; what else is on the disk counts neither way.
DISK_USED = """
    sum by (instance) (vm_data_size_bytes{job=~"vmsingle|vmstorage"})
    / (sum by (instance) (vm_data_size_bytes{job=~"vmsingle|vmstorage"})
       + min by (instance) (vm_free_disk_space_bytes{job=~"vmsingle|vmstorage"}))
"""
TO_CLUSTER = (
    "/d/meridian-stack?${datasource:queryparam}&var-cluster=${__value.raw}&${__url_time_range}"
)

VARIABLES = [
    Variable("region", "Region", "up", "region"),
    Variable("env", "Environment", 'up{region=~"$region"}', "env"),
]


def glance() -> Section:
    """Return the numbers at the top."""
    return Section(
        "At a glance",
        [
            number(
                "Samples per second",
                "Samples that agents hand to remote write each second, without those that legacy "
                "senders push. The number and its curve cover what is chosen above.",
                look.NUMBER,
                look.over_time(f"sum(cluster:vmagent_rows_pushed:rate5m{{{HERE}}})", "samples/s"),
                decimals=1,
            ),
            number(
                "Regions reporting",
                "Regions with at least one target that was scraped in the last minutes.",
                look.COUNT,
                look.now(f"count(count by (region) (up{{{HERE}}}))"),
                width=3,
            ),
            number(
                "Agents alive",
                "Agents that scraped themselves in the last minutes.",
                look.COUNT,
                look.now(f'count(max by (instance) (up{{job="vmagent",{HERE}}}) == 1)'),
                width=3,
                base=look.GOOD,
            ),
            number(
                "Agents silent",
                "Agents that were seen in the last day, but not in the last 90 seconds. An agent "
                "scrapes itself, so a dead one falls silent: its up never becomes 0.",
                look.COUNT,
                look.now(
                    f'count(lag(vm_app_uptime_seconds{{job="vmagent",{HERE}}}[1d]) > 90)'
                    " or vector(0)"
                ),
                width=3,
                base=look.GOOD,
                steps=((1, look.BAD),),
            ),
            number(
                "Targets down",
                "Scrape targets that do not answer their agent. The stack dashboard names them.",
                look.COUNT,
                look.now(f"count(up{{{HERE}}} == 0) or vector(0)"),
                width=3,
                base=look.GOOD,
                steps=((1, look.NOTICE), (3, look.BAD)),
            ),
            number(
                "Storage used",
                f"The fullest storage host: data as a share of data and free space. {STORAGES}",
                look.RATIO,
                look.now(f"max({DISK_USED})"),
                base=look.GOOD,
                steps=((0.7, look.NOTICE), (0.85, look.BAD)),
                decimals=1,
            ),
            number(
                "Alerts firing",
                "Alerts that fire now, without the watchdog, which always does.",
                look.COUNT,
                look.now(f"count({FIRING}) or vector(0)"),
                base=look.GOOD,
                steps=((1, look.NOTICE), (5, look.BAD)),
            ),
        ],
    )


def ingestion() -> Section:
    """Return what comes in from where."""
    return Section(
        "Ingestion",
        [
            lines(
                f"Samples per second by {title}",
                f"Samples that agents hand to remote write, by {title}, on top of each other, and "
                "those that legacy senders push. A step down is a cluster that stopped; a step up "
                "is new series.",
                look.SAMPLES_A_SECOND,
                look.over_time(
                    f"sum by ({label}) (cluster:vmagent_rows_pushed:rate5m{{{HERE}}})",
                    f"{{{{{label}}}}}",
                ),
                look.over_time(f"sum by ({label}) ({LEGACY})", f"{{{{{label}}}}} legacy"),
                stacked=True,
            )
            for title, label in (("region", "region"), ("environment", "env"))
        ],
    )


def freshness() -> Section:
    """Return how old the newest samples of each region are."""
    return Section(
        "Freshness",
        [
            lines(
                "Age of the newest sample by region",
                "How old the newest sample of any target of a region is, as this data source reads "
                "it. Below a minute all is well. One region that grows cannot write, or cannot be "
                "read: ask its own data source. All that grow are this data source itself.",
                look.SECONDS,
                look.over_time(
                    f"time() - max by (region) (tlast_over_time(up{{{HERE}}}[1h]))", "{{region}}"
                ),
                width=24,
                height=6,
                steps=((60, look.NOTICE), (300, look.BAD)),
            )
        ],
    )


def clusters() -> Section:
    """Return the state of every cluster."""
    return Section(
        "Clusters",
        [
            rows(
                "Cluster status",
                "One row a cluster. Age is that of the newest sample of any target: it is the "
                "first to grow when a cluster cannot write. A cluster of legacy senders has no "
                "agent, so its last columns stay empty. Click a cluster for its remote write.",
                [
                    Key("env", "Environment"),
                    Key("region", "Region"),
                    Key("cluster", "Cluster", TO_CLUSTER),
                ],
                [
                    Column(
                        "Age",
                        look.SECONDS,
                        "time() - max by (env, region, cluster) "
                        f"(tlast_over_time(up{{{HERE}}}[1h]))",
                        steps=((60, look.NOTICE), (300, look.BAD)),
                        decimals=0,
                    ),
                    Column("Targets up", look.COUNT, f"{CLUSTER} (up{{{HERE}}} == bool 1)"),
                    Column(
                        "Targets down",
                        look.COUNT,
                        f"{CLUSTER} (up{{{HERE}}} == bool 0)",
                        steps=((1, look.BAD),),
                    ),
                    Column(
                        "Samples/s",
                        look.NUMBER,
                        f"{CLUSTER} (cluster:vmagent_rows_pushed:rate5m{{{HERE}}})",
                        decimals=1,
                    ),
                    Column(
                        "Write success",
                        look.RATIO,
                        "min by (env, region, cluster) "
                        f"(cluster:vmagent_remotewrite_requests_success:ratio5m{{{HERE}}})",
                        base=look.BAD,
                        steps=((0.95, look.NOTICE), (0.999, look.GOOD)),
                        decimals=2,
                    ),
                    Column(
                        "Backlog",
                        look.BYTES,
                        f"{CLUSTER} (vmagent_remotewrite_pending_data_bytes{{{HERE}}})",
                        steps=((10_000_000, look.NOTICE), (1_000_000_000, look.BAD)),
                    ),
                ],
                order="Cluster",
                descending=False,
                empty="no cluster has written in the last hour",
            )
        ],
    )


def storage() -> Section:
    """Return how full the storage is."""
    return Section(
        "Storage",
        [
            bars(
                "Disk used by data",
                f"Data as a share of data and free space, by storage host. {STORAGES}",
                look.RATIO,
                look.now(DISK_USED, "{{instance}}"),
                base=look.GOOD,
                steps=((0.7, look.NOTICE), (0.85, look.BAD)),
                highest=1,
                width=6,
            ),
            lines(
                "Size of the data",
                "Bytes of samples and of the index on disk, by storage host. It levels off when "
                f"the retention is reached. {STORAGES}",
                look.BYTES,
                look.over_time(
                    'sum by (instance) (vm_data_size_bytes{job=~"vmsingle|vmstorage"})',
                    "{{instance}}",
                ),
                width=9,
            ),
            lines(
                "Active series",
                "Series that got a sample in the last hour, by storage host; with replication each "
                f"is counted on several. {STORAGES}",
                look.NUMBER,
                look.over_time(
                    'max by (instance) (vm_cache_entries{type="storage/hour_metric_ids"})',
                    "{{instance}}",
                ),
                width=9,
            ),
        ],
    )


def hosts() -> Section:
    """Return the busiest hosts."""
    kinds = (
        ("CPU", "instance:node_cpu_busy:ratio5m", "Share of CPU time that was not idle"),
        ("Memory", "instance:node_memory_used:ratio", "Share of memory that is not available"),
        ("File system", "instance:node_filesystem_used:ratio", "Fill of the fullest file system"),
    )
    return Section(
        "Hosts",
        [
            lines(
                f"{title}: the ten highest",
                f"{text}, from the node exporters: the ten hosts that are highest on average.",
                look.RATIO,
                look.over_time(f"topk_avg(10, {metric}{{{HERE}}})", "{{instance}}"),
                width=8,
                highest=1,
                steps=((0.9, look.BAD),),
            )
            for title, metric, text in kinds
        ],
    )


def alerts() -> Section:
    """Return what fires now, and what did."""
    return Section(
        "Alerts",
        [
            rows(
                "Alerts firing now",
                "Every alert that fires, and for how long it has been seen. The watchdog, which "
                "always fires, is left out. Each alert carries the link to its runbook.",
                [
                    Key("severity", "Severity"),
                    Key("alertname", "Alert"),
                    Key("env", "Environment"),
                    Key("region", "Region"),
                    Key("cluster", "Cluster"),
                    Key("instance", "Instance"),
                ],
                [
                    Column(
                        "Seen for",
                        look.DURATION,
                        "max by (severity, alertname, env, region, cluster, instance) "
                        f"((time() - ALERTS_FOR_STATE) and ignoring (alertstate) {FIRING})",
                    )
                ],
                order="Seen for",
                width=14,
                height=8,
                empty="no alert is firing",
            ),
            lines(
                "Alerts firing over time",
                "Number of alerts that fire, by severity, without the watchdog.",
                look.COUNT,
                *(
                    look.over_time(
                        f"count({FIRING.replace('{', '{' + selector, 1)}) or vector(0)", title
                    )
                    for title, selector in (
                        ("critical", 'severity="critical",'),
                        ("other", 'severity!="critical",'),
                    )
                ),
                width=10,
                colors={"critical": look.BAD, "other": look.NOTICE},
            ),
        ],
    )


def made() -> dashboard.Dashboard:
    """Return the dashboard."""
    return assemble(
        "meridian-overview",
        "Is every region writing, is there room to store it, and what needs attention?",
        VARIABLES,
        [glance(), ingestion(), freshness(), clusters(), alerts(), storage(), hosts()],
    )
