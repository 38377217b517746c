# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much disk an agent's queue may take, from the outage it has to survive."""

from __future__ import annotations

import math

# Measured on the wire and in the queue: a compressed sample of the VictoriaMetrics protocol.
BYTES_PER_SAMPLE = 6.0
# vmagent drops and counts whole chunks of about 500 MB, and takes less than 512 MiB for a mistake.
CHUNK_MEGABYTES = 500
MINIMUM_MEGABYTES = 2 * CHUNK_MEGABYTES


def queue_size(
    outage_hours: float,
    samples_per_second: float,
    *,
    bytes_per_sample: float = BYTES_PER_SAMPLE,
) -> str:
    """Return the size for ``-remoteWrite.maxDiskUsagePerURL``, in MB (10^6 bytes) with its unit.

    It holds what ``samples_per_second`` produce in ``outage_hours``, rounded up to chunks of
    500 MB, and is never below 1000 MB. Raises ValueError for a value that is not above zero.
    """
    for name, value in (
        ("outage hours", outage_hours),
        ("samples per second", samples_per_second),
        ("bytes per sample", bytes_per_sample),
    ):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= 0:
            raise ValueError(f"{name} is {value!r}; write a number above 0")
    megabytes = outage_hours * 3600 * samples_per_second * bytes_per_sample / 1e6
    chunks = math.ceil(megabytes / CHUNK_MEGABYTES)
    return f"{max(chunks * CHUNK_MEGABYTES, MINIMUM_MEGABYTES)}MB"
