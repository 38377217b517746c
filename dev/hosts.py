"""Test hosts: containers that boot systemd and answer SSH, one for each host of a fleet.

hosts.py up FLEET    starts the hosts that come as JSON on standard input, entries like molecule's
                     platforms: name, image (debian13), address (Docker chooses one);
                     prints molecule's instance configuration as JSON
hosts.py down FLEET  removes the hosts and the network of that fleet

A fleet whose hosts state addresses gets a network of its own around them; others share Docker's.
"""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import engine
import images
from steps import SHARED_CACHE, Failure, main, run

SSH = SHARED_CACHE / "ssh"
KEY = SSH / "key"
DEFAULT_IMAGE = "debian13"
LABEL = "meridian.fleet"
# A host boots in seconds; beside other fleets it may take many times as long.
BOOT_SECONDS = 240
# One network for a whole fleet: its addresses share their first 16 bits.
NETWORK_PREFIX = 16

# A host needs no --privileged: systemd wants its mounts and the control groups, no more.
OPTIONS = [
    "--stop-signal=SIGRTMIN+3",
    "--cap-add=SYS_ADMIN",
    # Tunnels between hosts: an interface, and the device that a program makes it through.
    "--cap-add=NET_ADMIN",
    "--device-cgroup-rule=c 10:200 rwm",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
    "--tmpfs=/tmp:exec",
    # systemd from Debian 13 on refuses version 1 control groups without it
    "--env=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
]


@dataclass(frozen=True, slots=True)
class Host:
    """A host to start; without an address Docker chooses one."""

    name: str
    image: str = DEFAULT_IMAGE
    address: str | None = None
    container: str = ""

    @property
    def container_name(self) -> str:
        """Return the container's name, by default the host's."""
        return self.container or self.name


def ssh_environment() -> dict[str, str]:
    """Return what lets Ansible reach the hosts by SSH, with nothing added to the inventory."""
    return {
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "ANSIBLE_PRIVATE_KEY_FILE": str(KEY),
        "ANSIBLE_REMOTE_USER": "root",
        "ANSIBLE_TIMEOUT": "60",
        "ANSIBLE_SSH_EXTRA_ARGS": (
            f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={SSH}/%C"
            " -o ServerAliveInterval=5 -o StrictHostKeyChecking=no"
            " -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        ),
    }


def ensure_key() -> None:
    """Make the key that opens all test hosts of this user; once, where several fleets start."""
    SSH.mkdir(parents=True, exist_ok=True)
    with (SSH / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not KEY.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(KEY)]
            run(command, advice="Install openssh-client.")


def network_of(hosts: Sequence[Host]) -> str | None:
    """Return the network around the hosts' addresses, None when they state none.

    Raises Failure when they do not fit into one network.
    """
    found = {
        str(ipaddress.ip_interface(f"{host.address}/{NETWORK_PREFIX}").network)
        for host in hosts
        if host.address
    }
    if len(found) > 1:
        raise Failure(
            f"The hosts' addresses lie in several networks: {', '.join(sorted(found))}.",
            f"Give them addresses in one network of {NETWORK_PREFIX} bits.",
        )
    return found.pop() if found else None


def up(fleet: str, hosts: Sequence[Host]) -> dict[str, str]:
    """Start the hosts that do not run yet, wait until they answer; return their addresses.

    Raises Failure when one does not come up.
    """
    ensure_key()
    network = network_of(hosts)
    if network:
        ensure_network(fleet, network)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda host: start(fleet, host, network), hosts))
        addresses = addresses_of(hosts)
        list(pool.map(wait_for_ssh, addresses.keys(), addresses.values()))
    return addresses


def ensure_network(fleet: str, network: str) -> None:
    """Make the fleet's own network."""
    command = ["docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", fleet]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0 and result.stdout.strip() == network:
        return
    if result.returncode == 0:
        down(fleet)
    forget_dead_fleets(network)
    run(
        ["docker", "network", "create", "--subnet", network, "--label", f"{LABEL}={fleet}", fleet],
        advice=f"Another network may use {network}: see docker network ls;"
        " make demo-down removes the demo's.",
    )


def forget_dead_fleets(network: str) -> None:
    """Remove other fleets around that network without a running host: a killed run left them."""
    wanted = ipaddress.ip_network(network)
    for fleet, subnets in networks_of_fleets().items():
        in_the_way = any(wanted.overlaps(ipaddress.ip_network(subnet)) for subnet in subnets)
        if in_the_way and not running(fleet):
            # standard output is for the addresses
            print(f"removing {fleet}: it is around {network}, no host of it runs", file=sys.stderr)
            down(fleet)


def networks_of_fleets() -> dict[str, list[str]]:
    """Return the subnets of each fleet that has a network of its own."""
    listed = run(["docker", "network", "ls", "-q", "--filter", f"label={LABEL}"]).split()
    form = f'{{{{index .Labels "{LABEL}"}}}} {{{{range .IPAM.Config}}}}{{{{.Subnet}}}} {{{{end}}}}'
    found = {}
    for identifier in listed:
        command = ["docker", "network", "inspect", "-f", form, identifier]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        # one that is gone by now is of a fleet that another run has just removed
        if result.returncode == 0:
            fleet, *subnets = result.stdout.split()
            found[fleet] = subnets
    return found


def start(fleet: str, host: Host, network: str | None) -> None:
    """Start a host, or keep the one that runs from the same image."""
    container = host.container_name
    image = images.name(host.image)
    form = f'{{{{index .Config.Labels "{LABEL}"}}}} {{{{.Image}}}} {{{{.State.Running}}}}'
    command = ["docker", "container", "inspect", "-f", form, container]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        label, image_id, running = result.stdout.strip().split(" ")
        if label != fleet:
            raise Failure(
                f"A container named {container} exists and is not of the fleet {fleet}.",
                f"Remove it when it is not needed: docker rm -f {container}",
            )
        current = run(["docker", "image", "inspect", "-f", "{{.Id}}", image]).strip()
        if image_id == current:
            if running != "true":
                run(["docker", "start", container])
            return
        run(["docker", "rm", "-f", container])
    place = ["--network", fleet, "--ip", str(host.address)] if network and host.address else []
    run(
        [
            *("docker", "run", "--detach", "--name", container, "--hostname", host.name),
            *("--label", f"{LABEL}={fleet}", *place, *OPTIONS),
            f"--volume={KEY}.pub:/root/.ssh/authorized_keys:ro",
            image,
        ],
        advice="Make the images with: make setup",
    )


def addresses_of(hosts: Sequence[Host]) -> dict[str, str]:
    """Return the addresses that the running hosts have."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    containers = [host.container_name for host in hosts]
    lines = run(["docker", "container", "inspect", "-f", form, *containers]).split()
    return dict(zip((host.name for host in hosts), lines, strict=True))


def wait_for_ssh(name: str, address: str) -> None:
    """Wait until the host's SSH server speaks."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, 22), timeout=2) as connection:
                connection.settimeout(2)
                if connection.recv(4).startswith(b"SSH-"):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise Failure(
        f"{name} ({address}) does not answer SSH after {BOOT_SECONDS} s.",
        f"See how far it booted: docker exec {name} systemctl list-jobs",
    )


def down(fleet: str) -> int:
    """Remove a fleet's hosts and network; return how many hosts there were."""
    listed = run(["docker", "ps", "-aq", "--filter", f"label={LABEL}={fleet}"]).split()
    if listed:
        run(["docker", "rm", "-f", "-v", *listed])
    networks = run(["docker", "network", "ls", "-q", "--filter", f"label={LABEL}={fleet}"]).split()
    if networks:
        run(["docker", "network", "rm", *networks])
    engine.free_dead_cgroups()
    return len(listed)


def running(fleet: str) -> list[str]:
    """Return the names of a fleet's containers."""
    form = "{{.Names}}"
    return run(["docker", "ps", "--format", form, "--filter", f"label={LABEL}={fleet}"]).split()


def program() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("fleet")
    arguments = parser.parse_args()
    # two scenarios may have hosts of one name
    fleet = f"molecule-{arguments.fleet}"
    if arguments.action == "down":
        down(fleet)
        return
    hosts = [
        Host(
            name=entry["name"],
            image=entry.get("image") or DEFAULT_IMAGE,
            address=entry.get("address"),
            container=f"{fleet}-{entry['name']}",
        )
        for entry in json.load(sys.stdin)
    ]
    addresses = up(fleet, hosts)
    print(json.dumps([{"instance": name, "address": at} for name, at in addresses.items()]))


if __name__ == "__main__":
    main(program)
