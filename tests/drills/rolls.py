"""What a roll did to a fleet's processes: who was down when, in which order, and what it cost.

Times are seconds of the machine's monotonic clock, which all test hosts share.
"""

from __future__ import annotations

import platform
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from archives import FOLDER
from drill_fleet import PORTS, DrillFleet
from load import Report

# The other version of an upgrade: newer archives of a cluster, archives instead of packages else.
NEXT = "1.150.0"
FIRST = "1.149.0"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
# The order of site.yml.
ORDER = ("vmstorage", "vmselect", "vminsert", "vmsingle", "vmauth", "vmagent")
EVERY_SECONDS = 0.1
# Gateways try a backend that refused a connection again after 3 seconds (-failTimeout), and notice
# a little later on a busy machine.
TRIED_AGAIN_SECONDS = 5.0
# A program that is away refuses at once; one that is slow to accept is not away.
CONNECT_SECONDS = 5.0
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Restart:
    """The last restart of a program on a host: when it began to stop, when it was started again."""

    component: str
    host: str
    stopped: float
    started: float


@dataclass
class Watch:
    """Tries to connect to programs several times a second, from `began` to `ended`."""

    fleet: DrillFleet
    components: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    # Spans in which a program took no connections, by component and host.
    down: dict[tuple[str, str], list[Span]] = field(default_factory=dict)
    # The longest time from a connection to the next attempt, when that failed: a program may have
    # stopped so much earlier than its span begins.
    late: float = 0.0
    _end: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """How long it watched."""
        return self.ended - self.began

    def longest_down(self) -> dict[str, float]:
        """The longest span without connections that a host had, in seconds, by component."""
        found: dict[str, float] = {}
        for (component, _), spans in self.down.items():
            longest = max(end - began for began, end in spans)
            found[component] = max(found.get(component, 0), round(longest, 1))
        return found

    def together(self) -> list[tuple[str, str, str]]:
        """Component and two hosts on which it was down at one time."""
        return [
            (one[0], one[1], other[1])
            for one, other in combinations(sorted(self.down), 2)
            if one[0] == other[0]
            and any(
                began < other_end and other_began < end
                for began, end in self.down[one]
                for other_began, other_end in self.down[other]
            )
        ]

    def restarts(self, component: str) -> list[Restart]:
        """The restarts of a component since the watch began, as systemd has them, in order."""
        found = []
        for host in self.fleet.hosts(component):
            names = ("ActiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
            command = f"systemctl show -p {','.join(names)} meridian-{component}"
            shown = dict(line.split("=", 1) for line in self.fleet.shell(host, command).split())
            stopped, started = (int(shown[name]) / 1_000_000 for name in names)
            if stopped > self.began:
                found.append(Restart(component, host, stopped, started))
        return sorted(found, key=lambda each: each.stopped)

    def run(self) -> None:
        """Watch until told to end."""
        places = {
            (component, host): (self.fleet.addresses[host], PORTS[component])
            for component in self.components
            for host in self.fleet.hosts(component)
        }
        since: dict[tuple[str, str], float] = {}
        connected = dict.fromkeys(places, self.began)
        while not self._end.wait(EVERY_SECONDS):
            for who, place in places.items():
                now = time.monotonic()
                if _connects(place):
                    connected[who] = now
                    if who in since:
                        self.down.setdefault(who, []).append((since.pop(who), now))
                elif who not in since:
                    since[who] = now
                    self.late = max(self.late, now - connected[who])
        self.ended = time.monotonic()
        for who, began in since.items():
            self.down.setdefault(who, []).append((began, self.ended))

    def end(self) -> None:
        """Tell it to end."""
        self._end.set()


def _connects(place: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(place, timeout=CONNECT_SECONDS):
        return True
    return False


@contextmanager
def watched(fleet: DrillFleet, components: Iterable[str] = ORDER) -> Iterator[Watch]:
    """Watch programs for as long as the block runs; read the watch after it."""
    watch = Watch(fleet, tuple(components))
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def missing_archives(fleet: DrillFleet, version: str = "") -> list[str]:
    """Names of the archives that the fleet needs for a version and that are not there.

    Without a version it is the one that an upgrade goes to.
    """
    version = version or (NEXT if fleet.is_cluster else FIRST)
    return archives_away(version, cluster=fleet.is_cluster)


def archives_away(version: str, *, cluster: bool) -> list[str]:
    """Names of the archives of a version, of a cluster or of single nodes, that are not there."""
    suffix = "-cluster" if cluster else ""
    release = f"linux-{MACHINE}-v{version}"
    names = [f"victoria-metrics-{release}{suffix}.tar.gz", f"vmutils-{release}.tar.gz"]
    return [name for name in names if not (FOLDER / name).exists()]


def new_flag() -> dict[str, int]:
    """A flag that every program has, in every version; another value at every call."""
    return {"loggerWarnsPerSecondLimit": time.time_ns() // 1000 % 1_000_000 + 10}


def went_in_turn(watch: Watch) -> None:
    """All hosts restarted: component after component, host after host, never two at a time."""
    rolls = {component: watch.restarts(component) for component in watch.components}
    for component, roll in rolls.items():
        assert sorted(each.host for each in roll) == watch.fleet.hosts(component)
    whole = [each for roll in rolls.values() for each in roll]
    assert [(a, b) for a, b in pairwise(whole) if b.stopped < a.started] == []
    assert watch.together() == []


def cost_nothing(report: Report, watch: Watch, *, unless_down: str = "vmsingle") -> None:
    """No sample is lost or twice; no query failed but while the only one to answer was away."""
    assert (report.missing, report.duplicated, report.wrong) == (0, 0, 0), report.missing_spans
    assert report.queries_partial == 0
    assert report.queries > 0
    apart = time.time() - time.monotonic()
    alone = [
        (began + apart - watch.late - report.slowest_query, end + apart + TRIED_AGAIN_SECONDS)
        for (component, _), spans in watch.down.items()
        if component == unless_down
        for began, end in spans
    ]
    failed = [
        failure
        for failure in report.query_failures
        if not any(began <= failure["at"] <= end for began, end in alone)
    ]
    assert not failed, failed
