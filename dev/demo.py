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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import archives
import hosts
import setup
from steps import LOGS, ROOT, Failure, environment, main, run, say, step

FLEET = "meridian"
REPORT = LOGS / "demo-report.json"
PAGE = ROOT / "meridian-report.html"
# Adds Grafana to a fleet; it comes from its archive alone, so not every machine can have it.
GRAFANA = ROOT / "inventories" / "grafana.yml"
PLAYBOOKS = ROOT / "playbooks"
LEGACY = ROOT / "dev" / "legacy_prometheus.yml"
GATEWAY_PORT = 8427
READER = "operator"
GLOBAL_READER = "operator-global"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the demo needs to know of an inventory."""

    sources: list[Path]  # the fleet's own, and what was added to it
    hosts: list[hosts.Host]
    gateways: list[str]  # addresses
    components: list[str]  # those that come from a release archive
    # addresses of the gateways with the view of all regions behind them
    views: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Return where the fleet itself is described."""
        return self.sources[0]

    @property
    def options(self) -> list[str]:
        """Return the inventory as options of Ansible's programs."""
        return [f"--inventory={source}" for source in self.sources]


def read_inventory(*sources: Path) -> Inventory:
    """Read an inventory as Ansible does. Raises Failure when that fails."""
    if not sources[0].exists():
        folders = (entry for entry in (ROOT / "inventories").iterdir() if entry.is_dir())
        known = ", ".join(sorted(entry.name for entry in folders))
        raise Failure(f"There is no inventory {sources[0]}.", f"INVENTORY is one of: {known}")
    given = [f"--inventory={source}" for source in sources]
    listed = run(["ansible-inventory", *given, "--list"], env=ansible())
    return parse_inventory([*sources], json.loads(listed))


def parse_inventory(sources: list[Path], listed: Mapping[str, Any]) -> Inventory:
    """Take what the demo needs out of the answer of `ansible-inventory --list`."""
    variables: Mapping[str, Mapping[str, Any]] = listed["_meta"]["hostvars"]
    groups = {name: entry.get("hosts", []) for name, entry in listed.items() if name != "_meta"}
    viewing = {
        host
        for name in region_groups(variables)
        if {*groups.get("vmselect_global", [])} & {*groups.get(name, [])}
        for host in groups[name]
    }
    return Inventory(
        sources=sources,
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
        views=[
            variables[name]["ansible_host"]
            for name in sorted(groups.get("vmauth", []))
            if name in viewing
        ],
    )


def region_groups(variables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the groups of the regions that an inventory's hosts know."""
    regions = {name for each in variables.values() for name in each.get("meridian_regions") or ()}
    return sorted(name.replace("-", "_") for name in regions)


def source(variables: Mapping[str, Any], component: str) -> str:
    """Say where a host takes a component from: `archive`, `package` or `files`."""
    fleet = variables.get("meridian_source", "archive")
    return str(variables.get(f"{component}_source", fleet))


def ansible() -> dict[str, str]:
    """Return the environment of Ansible's programs: this checkout, these hosts."""
    return {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **hosts.ssh_environment()}


def play(playbook: Path, inventory: Inventory, *arguments: str) -> None:
    """Run a playbook, its output on the terminal as well as in a log."""
    log = LOGS / f"demo-{playbook.stem}.log"
    log.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    shown = playbook.relative_to(ROOT)
    command = ["ansible-playbook", *inventory.options, str(shown), *arguments]
    env = {**environment(ansible()), "ANSIBLE_LOG_PATH": str(log)}
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode != 0:
        raise Failure(
            f"{shown} failed (log: {log}).",
            "The failed task above names the host and the reason. To look at the host:\n"
            "  docker exec -it HOST journalctl -n 50 -u 'meridian-*'\n"
            "Run the same command again to go on where it stopped; make demo-down starts over.",
        )


def up(name: str) -> None:
    """Bring up the fleet of an inventory."""
    started = time.monotonic()
    setup.setup(["debian13"])
    inventory = read_inventory(ROOT / "inventories" / name)
    check_archives(inventory)
    lacking = archives.missing(["grafana"])
    if not lacking:
        inventory = read_inventory(inventory.path, GRAFANA)
    with step(f"Start {len(inventory.hosts)} hosts in containers"):
        if set(hosts.running(FLEET)) - {host.name for host in inventory.hosts}:
            say("    removing the hosts of another inventory")
            hosts.down(FLEET)
        hosts.up(FLEET, inventory.hosts)
    with step("Put a legacy Prometheus on its host: dev/legacy_prometheus.yml"):
        play(LEGACY, inventory)
    with step("Deploy the fleet: playbooks/site.yml"):
        play(PLAYBOOKS / "site.yml", inventory)
    with step("Verify it by real queries through the gateways: playbooks/verify.yml"):
        REPORT.unlink(missing_ok=True)
        play(PLAYBOOKS / "verify.yml", inventory, "-e", f"verify_report={REPORT}")
    with step("Write the report on it: playbooks/report.yml"):
        play(PLAYBOOKS / "report.yml", inventory, "-e", f"report_file={PAGE}")
    say(summary(inventory, json.loads(REPORT.read_text())))
    say(f"\nThe report, to look at in a browser: {PAGE.relative_to(ROOT)}")
    for reason in lacking.values():
        say(f"\nWithout Grafana: {reason}")
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
            *(
                [f"  in a browser: {url}/vmui/"]
                if {"vmselect", "vmsingle"} & {*inventory.components}
                else []
            ),
            *(
                f"All regions at once, as '{GLOBAL_READER}' with its own password: "
                f"http://{address}:{GATEWAY_PORT}"
                for address in inventory.views[:1]
            ),
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
