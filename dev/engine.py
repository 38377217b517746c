"""Make sure that a Docker engine answers and that it can run hosts with systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from steps import Failure, run, say

LOG = Path("/var/log/meridian-dockerd.log")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
CGROUPS = Path("/proc/cgroups")
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
DEAD_CGROUPS = 300
START_SECONDS = 180
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
# systemd takes about ten instances a host; the kernel's default of 128 is for the whole machine
INOTIFY_INSTANCES = 1024


def answers() -> bool:
    """Say whether a Docker engine answers."""
    if not shutil.which("docker"):
        return False
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def ensure() -> None:
    """Install the engine when it is missing, start it when it does not run."""
    if not answers():
        need_root("Docker does not answer, and installing or starting it takes root")
        if not shutil.which("dockerd"):
            install(["docker.io", "iptables"])
        start()
    raise_inotify_limit()
    mount_systemd_cgroup()


def need_root(what: str) -> None:
    """Raise Failure unless this is root."""
    if os.geteuid() != 0:
        raise Failure(f"{what}.", "Run it as root, or start Docker and let this user use it.")


def install(packages: list[str]) -> None:
    """Install Debian packages."""
    need_root(f"{', '.join(packages)} must be installed")
    if not shutil.which("apt-get"):
        raise Failure(
            f"{', '.join(packages)} must be installed, and there is no apt-get here.",
            "Install them with this system's own package manager, then run the command again.",
        )
    say(f"    installing {', '.join(packages)} (apt-get)")
    advice = "Check the package sources of this machine (apt-get update), then run it again."
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    run(["apt-get", "update", "-qq"], advice=advice, env=quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    run(command, advice=advice, env=quiet)


def start() -> None:
    """Start the engine and leave it running."""
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"], advice="See: journalctl -u docker")
    else:
        say(f"    starting dockerd in the background (log: {LOG})")
        mount_cgroups()
        forget_dead_engine()
        with LOG.open("ab") as log:
            subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            raise Failure(
                f"dockerd was started but does not answer after {START_SECONDS} s.",
                f"Read {LOG} (or journalctl -u docker): its last lines say why.",
            )
        time.sleep(0.3)


def forget_dead_engine(pid_files: Sequence[Path] = PID_FILES) -> None:
    """Remove the pid files of a killed engine: with them the next one refuses to start."""
    for file in pid_files:
        if file.exists() and not is_alive(file.read_text().strip(), file.stem):
            file.unlink()


def is_alive(pid: str, program: str) -> bool:
    """Say whether a process runs (a zombie does not) and is that program, such as `docker`."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return fields["Name"].strip().startswith(program) and "Z" not in fields["State"]


def mount_cgroups() -> None:
    """Mount the control groups where no init system did."""
    if " /sys/fs/cgroup" not in Path("/proc/mounts").read_text():
        run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"])


def mount_systemd_cgroup() -> None:
    """Give the hosts' systemd its own hierarchy on a machine with version 1 control groups."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists() or (root / "systemd").is_dir():
        return
    need_root("The control group hierarchy of systemd must be mounted")
    run(["mount", "-o", "remount,rw", str(root)])
    (root / "systemd").mkdir()
    run(["mount", "-t", "cgroup", "-o", "none,name=systemd", "cgroup", str(root / "systemd")])


def raise_inotify_limit() -> None:
    """Let the machine carry some dozens of hosts with systemd."""
    if int(INOTIFY.read_text()) < INOTIFY_INSTANCES:
        need_root(f"fs.inotify.max_user_instances must be raised to {INOTIFY_INSTANCES}")
        say(f"    raising fs.inotify.max_user_instances to {INOTIFY_INSTANCES}")
        INOTIFY.write_text(str(INOTIFY_INSTANCES))


def count_dead_cgroups(table: str) -> int:
    """Count the memory cgroups of /proc/cgroups that no other controller has any more."""
    rows = (line.split() for line in table.splitlines() if not line.startswith("#"))
    counts = {row[0]: int(row[2]) for row in rows}
    return counts.get("memory", 0) - counts.get("devices", 0)


def free_dead_cgroups() -> None:
    """Let go of the memory cgroups of removed containers, once there are many.

    With version 1 of cgroups they live on while a page of theirs is cached, and with some hundred
    of them everything that systemd does takes several times as long, in all hosts.
    """
    if os.geteuid() == 0 and count_dead_cgroups(CGROUPS.read_text()) > DEAD_CGROUPS:
        DROP_CACHES.write_text("3")
