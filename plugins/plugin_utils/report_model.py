# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report shows, as plain values: programs, hosts, regions, paths, clusters, alerts."""

from __future__ import annotations

from dataclasses import dataclass

UP, DOWN, PARTIAL, UNKNOWN = "up", "down", "partial", "unknown"


@dataclass(frozen=True, slots=True)
class Program:
    """A program on a host, by the job that scrapes it. Times are seconds of the Unix epoch."""

    job: str
    state: str
    version: str
    """Empty when the program does not tell it."""
    started: float | None
    seen: float | None
    """When it last answered or refused a scrape; None when that is over six hours ago."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the inventory; `cluster` and `env` are those of the agent that scrapes it."""

    name: str
    cluster: str
    env: str
    programs: tuple[Program, ...]

    @property
    def state(self) -> str:
        """Down when a program is, else unknown when one is or none is known, else up."""
        states = [program.state for program in self.programs] or [UNKNOWN]
        return next((each for each in (DOWN, UNKNOWN) if each in states), UP)


@dataclass(frozen=True, slots=True)
class Region:
    """A region: its hosts, its components with how many hosts carry each, who stores for it."""

    name: str
    stored_in: str
    components: tuple[tuple[str, int], ...]
    hosts: tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """The probes from a region to another one; None where there was no answer."""

    source: str
    target: str
    success: float | None
    """0 to 1, over five minutes."""
    seconds: float | None

    @property
    def state(self) -> str:
        """Up when no probe failed, down when all did, 'partial' between."""
        if self.success is None:
            return UNKNOWN
        return UP if self.success >= 1 else DOWN if self.success <= 0 else PARTIAL


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster writes; None where there was no answer."""

    name: str
    env: str
    region: str
    storage_region: str
    legacy: bool
    sender: str
    """The host that ships its samples; empty when that is in another inventory."""
    samples: float | None
    """Samples a second."""
    series: float | None
    backlog: float | None
    """Bytes that wait on the sender's disk."""
    history: tuple[float, ...]
    """Samples a second over the last hour, oldest first."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A firing alert, and since when it is active."""

    name: str
    severity: str
    labels: tuple[tuple[str, str], ...]
    since: float | None
    runbook: str
    """Address of its page; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report shows."""

    problems: tuple[str, ...]
    """What was asked and not answered, a sentence each."""
    regions: tuple[Region, ...]
    paths: tuple[tuple[Path | None, ...], ...]
    """Rows by source, columns by target region; None where nothing is probed."""
    clusters: tuple[Cluster, ...]
    alerts: tuple[Alert, ...]
    watchdog: bool
    """Whether the alert that always fires does."""
    has_vmalert: bool
    answered: tuple[str, ...]
    """The storage regions that answered."""
