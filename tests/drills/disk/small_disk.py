"""A small file system below the data of a storage, which other files can fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drill_fleet import DrillFleet

# Below the data: the size of a file system beside what the storage holds already.
ROOM_MEGABYTES = 256
MOUNT = "/srv/small"


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The file system that holds the data of a storage, and a folder that is not the storage's."""

    fleet: DrillFleet
    host: str
    component: str

    def fill(self, *, bytes_left: float) -> None:
        """Let a foreign file take everything but so much, at once."""
        self.fleet.shell(
            self.host,
            f"free=$(df --output=avail --block-size=1 {MOUNT} | tail -1)"
            f" && fallocate --length $((free - {int(bytes_left)})) {MOUNT}/foreign",
        )

    def fill_up(self) -> None:
        """Let a foreign file take every byte, and whatever else is given back meanwhile."""
        self.fleet.shell(self.host, f"cat /dev/zero > {MOUNT}/foreign || true")

    def clear(self) -> None:
        """Remove the foreign file."""
        self.fleet.shell(self.host, f"rm -f {MOUNT}/foreign")

    def free(self) -> int:
        """Bytes that are free, as any program sees them."""
        told = self.fleet.shell(self.host, f"df --output=avail --block-size=1 {MOUNT} | tail -1")
        return int(told)


@contextmanager
def small_disk(fleet: DrillFleet, host: str, component: str) -> Iterator[SmallDisk]:
    """Move a storage's data to a small file system, and back in the end; it restarts twice."""
    folder = f"/var/lib/{component}"
    fleet.stop(host, component)
    fleet.shell(
        host,
        f"used=$(du --summarize --block-size=1M {folder} | cut -f1) && mkdir -p {MOUNT}"
        f" && mount -t tmpfs -o size=$((used + {ROOM_MEGABYTES}))m small {MOUNT}"
        f" && cp -a {folder} {MOUNT}/data && mount --bind {MOUNT}/data {folder}",
    )
    fleet.start(host, component)
    disk = SmallDisk(fleet, host, component)
    try:
        fleet.settle()
        yield disk
    finally:
        disk.clear()
        fleet.stop(host, component)
        fleet.shell(
            host,
            f"umount {folder} && find {folder} -mindepth 1 -delete"
            f" && cp -a {MOUNT}/data/. {folder} && umount {MOUNT}",
        )
        fleet.start(host, component)
        fleet.settle()
