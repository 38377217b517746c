"""Bring up a fleet in containers, deploy it as a user would, and show that it works.

demo.py up INVENTORY  the fleet of inventories/INVENTORY, or of an inventory path
demo.py down          remove it
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import archives
import hosts
import setup
from steps import LOGS, ROOT, Failure, environment, main, run, say, step

FLEET = "meridian"
REPORT = LOGS / "demo-report.json"
GATEWAY_PORT = 8427
READER = "operator"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the demo needs to know of an inventory."""

    path: Path
    hosts: list[hosts.Host]
    gateways: list[str]  # addresses
    components: list[str]  # those that come from a release archive


def read_inventory(path: Path) -> Inventory:
    """Read an inventory as Ansible does. Raises Failure when that fails."""
    if not path.exists():
        known = ", ".join(sorted(entry.name for entry in (ROOT / "inventories").iterdir()))
        raise Failure(f"There is no inventory {path}.", f"INVENTORY is one of: {known}")
    listed = run(["ansible-inventory", "--inventory", str(path), "--list"], env=ansible())
    return parse_inventory(path, json.loads(listed))


def parse_inventory(path: Path, listed: Mapping[str, Any]) -> Inventory:
    """Take what the demo needs out of the answer of `ansible-inventory --list`."""
    variables: Mapping[str, Mapping[str, Any]] = listed["_meta"]["hostvars"]
    groups = {name: entry.get("hosts", []) for name, entry in listed.items() if name != "_meta"}
    return Inventory(
        path=path,
        hosts=[
            hosts.Host(name=name, address=values["ansible_host"])
            for name, values in sorted(variables.items())
        ],
        gateways=[variables[name]["ansible_host"] for name in sorted(groups.get("vmauth", []))],
        components=[
            group
            for group, members in sorted(groups.items())
            if any(source(variables[name], group) == "archive" for name in members)
        ],
    )


def source(variables: Mapping[str, Any], component: str) -> str:
    """Say where a host takes a component from: `archive`, `package` or `files`."""
    fleet = variables.get("meridian_source", "archive")
    return str(variables.get(f"{component}_source", fleet))


def ansible() -> dict[str, str]:
    """Return the environment of Ansible's programs: this checkout, these hosts."""
    return {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **hosts.ssh_environment()}


def play(playbook: str, inventory: Path, *arguments: str) -> None:
    """Run a playbook of the collection, its output on the terminal as well as in a log."""
    name = playbook.removesuffix(".yml")
    log = LOGS / f"demo-{name}.log"
    log.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["ansible-playbook", "-i", str(inventory), f"playbooks/{playbook}", *arguments]
    env = {**environment(ansible()), "ANSIBLE_LOG_PATH": str(log)}
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode != 0:
        raise Failure(
            f"playbooks/{playbook} failed (log: {log}).",
            "The failed task above names the host and the reason. To look at the host:\n"
            "  docker exec -it HOST journalctl -n 50 -u 'meridian-*'\n"
            "Run the same command again to go on where it stopped; make demo-down starts over.",
        )


def up(name: str) -> None:
    """Bring up the fleet of an inventory."""
    started = time.monotonic()
    path = ROOT / "inventories" / name
    setup.setup(["debian13"])
    inventory = read_inventory(path)
    check_archives(inventory)
    with step(f"Start {len(inventory.hosts)} hosts in containers"):
        if set(hosts.running(FLEET)) - {host.name for host in inventory.hosts}:
            say("    removing the hosts of another inventory")
            hosts.down(FLEET)
        hosts.up(FLEET, inventory.hosts)
    with step("Deploy the fleet: playbooks/site.yml"):
        play("site.yml", path)
    with step("Verify it by real queries through the gateways: playbooks/verify.yml"):
        REPORT.unlink(missing_ok=True)
        play("verify.yml", path, "-e", f"verify_report={REPORT}")
    say(summary(inventory, json.loads(REPORT.read_text())))
    say(f"\nReady after {time.monotonic() - started:.0f} s. Stop and remove it: make demo-down")


def check_archives(inventory: Inventory) -> None:
    """Say at the start, before anything is touched, which archives cannot be had."""
    if not inventory.components:
        return
    with step("Look for the release archives"):
        missing = archives.missing(inventory.components)
    if missing:
        reasons = "\n".join(f"  {reason}" for reason in missing.values())
        raise Failure(
            f"{inventory.path.name} needs release archives that cannot be had:\n{reasons}",
            f"Download them, with their checksum files, where there is a way to the vendor's"
            f" release page, and put them into {archives.FOLDER}.\n"
            "Or take the demo that runs from Debian's packages: make demo",
        )


def summary(inventory: Inventory, report: Mapping[str, Any]) -> str:
    """Describe the running fleet; `report` is what playbooks/verify.yml wrote."""
    password = (inventory.path / ".credentials" / f"{READER}.txt").relative_to(ROOT)
    url = f"http://{inventory.gateways[0]}:{GATEWAY_PORT}"
    clusters = [
        [name, f"{values['series']:,}", f"{values['samples']:,}"]
        for name, values in sorted(report["clusters"].items())
    ]
    regions = report["regions"]
    probes = [[source, *latencies(report, source)] for source in regions]
    return "\n".join(
        [
            "",
            "Samples by cluster",
            *table(["cluster", "series", "samples, last hour"], clusters),
            "",
            "Probe latency in milliseconds, from the region on the left to the one above",
            *table(["", *regions], probes),
            "",
            f"Query it as '{READER}'; the password is in {password}:",
            f'  curl -u "{READER}:$(cat {password})" "{url}/api/v1/query?query=up"',
            # Debian's build comes without the web interface
            *([f"  in a browser: {url}/vmui/"] if inventory.components else []),
            f"All gateways: {', '.join(inventory.gateways)}, port {GATEWAY_PORT}",
        ]
    )


def latencies(report: Mapping[str, Any], region: str) -> list[str]:
    """Return a row of the latency table."""
    measured = report["probe_seconds"].get(region, {})
    return [
        f"{measured[target] * 1000:.1f}" if target in measured else "-"
        for target in report["regions"]
    ]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lay out a table: the first column to the left, the others to the right."""
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    ]


def program() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up").add_argument("inventory")
    actions.add_parser("down")
    arguments = parser.parse_args()
    if arguments.action == "up":
        up(arguments.inventory)
        return
    removed = hosts.down(FLEET)
    say(f"{removed} hosts removed." if removed else "No demo runs.")


if __name__ == "__main__":
    main(program)
