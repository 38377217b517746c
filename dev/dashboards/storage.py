"""The rows of the stack dashboard about storage: vmsingle, or vmstorage, vminsert and vmselect."""

from __future__ import annotations

from dashboards import look
from dashboards.assembly import Section
from dashboards.overview import DISK_USED, STORAGES
from dashboards.panels import bars, lines, number

STORAGE = 'job=~"vmsingle|vmstorage"'
GLOBAL = 'job="vmselect_global"'
LINKS = 'job="vmselect_global_links",state="UP"'
BYTES_A_SAMPLE = (
    f'sum by (instance) (vm_data_size_bytes{{{STORAGE},type=~"storage/.*"}})'
    f' / sum by (instance) (vm_rows{{{STORAGE},type=~"storage/.*"}})'
)
TIME_TO_FULL = f"""
    min by (instance) (vm_free_disk_space_bytes{{{STORAGE}}} - vm_free_disk_space_limit_bytes)
    / (sum by (instance) (rate(vm_rows_added_to_storage_total{{{STORAGE}}}[1h])) * {BYTES_A_SAMPLE})
"""


def _rate(metric: str) -> str:
    return f"sum by (instance) (rate({metric}[$__rate_interval]))"


def _p99(metric: str) -> str:
    return (
        f"histogram_quantile(0.99, sum by (vmrange, instance) (rate({metric}[$__rate_interval])))"
    )


def storage() -> Section:
    """Return disks, durations and what the storage takes in."""
    return Section(
        "Storage",
        [
            bars(
                "Disk usage",
                f"Data as a share of data and free space, by storage host. {STORAGES}",
                look.RATIO,
                look.now(DISK_USED, "{{instance}}"),
                base=look.GOOD,
                steps=((0.7, look.NOTICE), (0.85, look.BAD)),
                highest=1,
            ),
            bars(
                "Time to full",
                "When the storage would turn read-only, at the last hour's ingestion and the bytes "
                "a sample takes now. Deletion at the end of the retention is not counted, so it "
                f"is the earliest time. {STORAGES}",
                look.DURATION,
                look.now(TIME_TO_FULL, "{{instance}}"),
                base=look.BAD,
                steps=((7 * 86_400, look.NOTICE), (30 * 86_400, look.GOOD)),
            ),
            lines(
                "Rows added",
                f"Samples that the storage took in each second, by host. {STORAGES}",
                look.ROWS_A_SECOND,
                look.over_time(_rate("vm_rows_added_to_storage_total"), "{{instance}}"),
            ),
            lines(
                "Insert duration p99",
                "99 % of write requests are answered by vminsert (or vmsingle) faster than this. "
                f"{STORAGES}",
                look.SECONDS,
                look.over_time(_p99("vminsert_request_duration_seconds_bucket"), "{{instance}}"),
                width=8,
            ),
            lines(
                "Query duration p99",
                "99 % of queries are answered by vmselect (or vmsingle) faster than this. "
                f"{STORAGES}",
                look.SECONDS,
                look.over_time(
                    _p99('vmselect_request_duration_seconds_bucket{job!="vmselect_global"}'),
                    "{{instance}}",
                ),
                width=8,
            ),
            lines(
                "Slow inserts",
                "Share of samples whose series was not in the cache. New series count too; above "
                f"5 % for long, the host lacks memory or series come and go. {STORAGES}",
                look.RATIO,
                look.over_time(
                    f"{_rate('vm_slow_row_inserts_total')}"
                    f" / {_rate('vm_rows_added_to_storage_total')}",
                    "{{instance}}",
                ),
                width=8,
                steps=((0.05, look.BAD),),
            ),
            lines(
                "New series",
                f"Series that were never seen before, each second, by host. {STORAGES}",
                look.NUMBER,
                look.over_time(_rate("vm_new_timeseries_created_total"), "{{instance}}"),
                width=8,
            ),
            lines(
                "Ignored samples",
                "Samples that the storage dropped each second, by reason: too old, too far in the "
                f"future, broken names. Their senders got no error. {STORAGES}",
                look.ROWS_A_SECOND,
                look.over_time(
                    "sum by (instance, reason) "
                    f"(rate(vm_rows_ignored_total{{{STORAGE}}}[$__rate_interval]))",
                    "{{instance}} {{reason}}",
                ),
                width=8,
            ),
            number(
                "Read-only storage hosts",
                f"Storage hosts that take in nothing more, because their disk is full. {STORAGES}",
                look.COUNT,
                look.now("sum(vm_storage_is_read_only)"),
                width=8,
                height=8,
                base=look.GOOD,
                steps=((1, look.BAD),),
            ),
        ],
    )


def replication() -> Section:
    """Return what only a storage cluster has: a vmsingle keeps one copy."""
    only = "Only where the storage is a cluster: a vmsingle keeps one copy and leaves this empty."
    empty = "no storage cluster"
    return Section(
        "Replication",
        [
            lines(
                "Storage nodes reachable",
                f"1 where a vminsert reaches a vmstorage, else 0. {only}",
                look.COUNT,
                look.over_time(
                    "min by (instance, addr) (vm_rpc_vmstorage_is_reachable)",
                    "{{instance}} to {{addr}}",
                ),
                width=6,
                highest=1,
                empty=empty,
            ),
            lines(
                "Incompletely replicated",
                "Rows each second that were kept in fewer copies than wanted, for too few nodes "
                f"were there. Nothing copies them later. {only}",
                look.ROWS_A_SECOND,
                look.over_time(_rate("vm_rpc_rows_incompletely_replicated_total"), "{{instance}}"),
                width=6,
                empty=empty,
            ),
            lines(
                "Rerouted rows",
                "Rows each second that went to another vmstorage than their own, for that was slow "
                f"or away. {only}",
                look.ROWS_A_SECOND,
                look.over_time(_rate("vm_rpc_rows_rerouted_from_here_total"), "{{instance}}"),
                width=6,
                empty=empty,
            ),
            lines(
                "Partial results",
                "Queries each second that were answered without all storage nodes that they "
                f"needed. {only}",
                look.REQUESTS_A_SECOND,
                look.over_time(
                    _rate('vm_partial_results_total{job!="vmselect_global"}'), "{{instance}}"
                ),
                width=6,
                empty=empty,
            ),
        ],
    )


def global_view() -> Section:
    """Return how the view of all regions answers; only the fleet's global vmselects have it."""
    only = "Only in the region of the global vmselect, and in the data source of all regions."
    empty = "no global vmselect here"
    return Section(
        "View of all regions",
        [
            lines(
                "Global query duration",
                "Half, and 99 %, of the queries for all regions are answered faster than this. The "
                f"farthest region sets it, and one that hangs. {only}",
                look.SECONDS,
                *(
                    look.over_time(
                        f"histogram_quantile({quantile}, sum by (vmrange, instance) "
                        "(rate(vmselect_request_duration_seconds_bucket"
                        f"{{{GLOBAL}}}[$__rate_interval])))",
                        f"{{{{instance}}}} {name}",
                    )
                    for name, quantile in (("p50", 0.5), ("p99", 0.99))
                ),
                width=8,
                empty="no queries for all regions",
            ),
            lines(
                "Partial answers for all regions",
                "Queries for all regions each second that were answered without a region, and said "
                f"so. {only}",
                look.REQUESTS_A_SECOND,
                look.over_time(_rate(f"vm_partial_results_total{{{GLOBAL}}}"), "{{instance}}"),
                width=8,
                empty=empty,
            ),
            lines(
                "Regions that answer",
                "1 where a vmselect of the region greets the global one, else 0. It is asked every "
                f"second; at 0 answers for all regions lack it. {only}",
                look.COUNT,
                look.over_time(
                    f"min by (instance, proxy) (haproxy_backend_status{{{LINKS}}})",
                    "{{instance}} to {{proxy}}",
                ),
                width=8,
                highest=1,
                empty=empty,
            ),
        ],
    )
