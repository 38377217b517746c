"""The fleet of a scenario drill_*: what runs where, and how to change, break and watch it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fleet import CREDENTIALS, Run, play
from samples import metric, query, request, vector

SCENARIO = os.environ.get("MOLECULE_SCENARIO_NAME", "")
# Whether the drills take their long form (make drill), not the one of make test.
LONG = os.environ.get("MERIDIAN_DRILL_LONG") == "1"
NETWORK = os.environ.get("MERIDIAN_DRILL_NETWORK", "10.30")
# Ports that serve /metrics; see COMPONENTS of plugin_utils/topology.py.
PORTS = {
    "vmstorage": 8482,
    "vminsert": 8480,
    "vmselect": 8481,
    "vmsingle": 8428,
    "vmauth": 8426,
    "vmagent": 8429,
    "vmalert": 8880,
    "alertmanager": 9093,
    "node_exporter": 9100,
}
# Components on the way of a sample from its agent to a reader.
PATH = ("vmstorage", "vminsert", "vmselect", "vmsingle", "vmauth", "vmagent")
# What an agent may hold back while all is well: the blocks that are on their way.
USUAL_BACKLOG_BYTES = 500_000
PAUSE_ATTEMPTS = 5


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout.strip()


@dataclass(frozen=True)
class DrillFleet:
    """The hosts of this scenario. Hosts go by their names in the inventory."""

    inventory: Path

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """The inventory's groups with their hosts."""
        listed = json.loads(_output("ansible-inventory", "-i", str(self.inventory), "--list"))
        return {name: group["hosts"] for name, group in listed.items() if group.get("hosts")}

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Address by host, of all hosts that run; ask anew after a host was added."""
        prefix = f"molecule-{SCENARIO}-"
        names = _output(
            *("docker", "ps", "--format", "{{.Names}}"),
            *("--filter", f"label=meridian.fleet=molecule-{SCENARIO}"),
        ).split()
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        found = _output("docker", "inspect", "-f", form, *names).split()
        return dict(zip((name.removeprefix(prefix) for name in names), found, strict=True))

    def forget(self) -> None:
        """Read hosts and groups anew at their next use, after the inventory has changed."""
        for name in ("groups", "addresses"):
            self.__dict__.pop(name, None)

    @property
    def is_cluster(self) -> bool:
        """Whether the storage is a cluster; a vmsingle else."""
        return "vmstorage" in self.groups

    def hosts(self, component: str) -> list[str]:
        """The hosts that carry a component, sorted; none where the fleet does without it."""
        if component == "node_exporter":
            return sorted(self.addresses)
        return sorted(self.groups.get(component, []))

    def url(self, host: str, component: str) -> str:
        """Base URL at which a program serves its /metrics."""
        return f"http://{self.addresses[host]}:{PORTS[component]}"

    @property
    def gateways(self) -> list[str]:
        """Base URLs of the gateways' doors."""
        return [f"http://{self.addresses[host]}:8427" for host in self.hosts("vmauth")]

    @property
    def agents(self) -> dict[str, str]:
        """Base URL by host of every agent."""
        return {host: self.url(host, "vmagent") for host in self.hosts("vmagent")}

    @property
    def operator(self) -> tuple[str, str]:
        """User and password of the reader that people use."""
        return "operator", (CREDENTIALS / "operator.txt").read_text().strip()

    # Changing it

    def play(self, playbook: str, *arguments: str, inventory: Path | None = None) -> Run:
        """Run a playbook of the collection, as a user does; its failure is for the test to see."""
        return play(playbook, *arguments, inventory=inventory or self.inventory)

    def site(self, *arguments: str, inventory: Path | None = None) -> Run:
        """Run site.yml and expect it to succeed."""
        run = self.play("site.yml", *arguments, inventory=inventory)
        assert run.status == 0, run.output[-6000:]
        return run

    # Breaking it

    def container(self, host: str) -> str:
        """Name of a host's container."""
        return f"molecule-{SCENARIO}-{host}"

    def shell(self, host: str, command: str) -> str:
        """Run a shell command on a host and return what it printed; it must succeed."""
        return _output("docker", "exec", self.container(host), "sh", "-c", command)

    def stop(self, host: str, component: str) -> None:
        """Stop a program as a reboot does: it may finish its work."""
        self.shell(host, f"systemctl stop meridian-{component}")

    def start(self, host: str, component: str) -> None:
        """Start a program."""
        self.shell(host, f"systemctl start meridian-{component}")

    @contextmanager
    def stopped(self, host: str, component: str) -> Iterator[None]:
        """Stop a program as a reboot does, and start it again."""
        self.stop(host, component)
        try:
            yield
        finally:
            self.start(host, component)

    def restart(self, host: str, component: str) -> None:
        """Stop a program as a reboot does, and start it."""
        self.shell(host, f"systemctl restart meridian-{component}")

    def kill(self, host: str, component: str) -> None:
        """Kill a program with SIGKILL; systemd starts it again."""
        self.shell(host, f"systemctl kill -s KILL meridian-{component}")

    @contextmanager
    def paused(self, host: str) -> Iterator[None]:
        """Hang a host's programs: they neither answer nor end, but its kernel keeps connections."""
        for attempt in range(PAUSE_ATTEMPTS):
            try:
                _output("docker", "pause", self.container(host))
                break
            except AssertionError:
                # A process was just starting; the next attempt finds it frozen or gone.
                if attempt + 1 == PAUSE_ATTEMPTS:
                    raise
                time.sleep(1)
        try:
            yield
        finally:
            _output("docker", "unpause", self.container(host))

    @contextmanager
    def frozen(self, host: str) -> Iterator[None]:
        """Freeze a host with its kernel, as one that is paused or has lost its power: no packet."""
        for chain in ("INPUT", "OUTPUT"):
            self._filter(host, "-A", chain, "-j", "DROP")
        try:
            with self.paused(host):
                yield
        finally:
            self._filter(host, "-F")

    @contextmanager
    def cut_off(self, region: str) -> Iterator[None]:
        """Drop all packets between a region and the others; this machine still reaches it."""
        hosts = self.groups[region.replace("-", "_")]
        near = {f"{NETWORK}.0.1", *(self.addresses[host] for host in hosts), "127.0.0.1"}
        for host in hosts:
            for chain, side in (("INPUT", "-s"), ("OUTPUT", "-d")):
                for address in sorted(near):
                    self._filter(host, "-A", chain, side, address, "-j", "ACCEPT")
                self._filter(host, "-A", chain, "-j", "DROP")
        try:
            yield
        finally:
            for host in hosts:
                self._filter(host, "-F")

    def _filter(self, host: str, *rule: str) -> None:
        pid = _output("docker", "inspect", "-f", "{{.State.Pid}}", self.container(host))
        _output("nsenter", "-t", pid, "-n", "iptables", "-w", *rule)

    # Watching it

    def pids(self) -> dict[tuple[str, str], int]:
        """Process id by host and component, of every service of the collection."""
        found = {}
        for host in self.addresses:
            listed = self.shell(host, "systemctl show -p Id,MainPID 'meridian-*.service'")
            for block in filter(None, listed.split("\n\n")):
                shown = dict(line.split("=", 1) for line in block.splitlines())
                name = shown["Id"].removeprefix("meridian-").removesuffix(".service")
                found[host, name] = int(shown["MainPID"])
        return found

    def processes(self, host: str) -> dict[str, int]:
        """Process id as this machine counts, by component, of a host's services."""
        found = {}
        for pid in _output("docker", "top", self.container(host), "-eo", "pid").split()[1:]:
            groups = Path(f"/proc/{pid}/cgroup").read_text()
            if match := re.search(r"/meridian-([\w-]+)\.service", groups):
                found[match[1]] = int(pid)
        return found

    def metric(self, host: str, component: str, name: str, **labels: str) -> float:
        """The sum of a program's own metric over the series that have these labels."""
        return metric(self.url(host, component), name, **labels)

    def ask(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Query through the first gateway that answers, past all caches; OSError when none does."""
        for gateway in self.gateways:
            try:
                answer = query(gateway, expression, auth=self.operator)
            except OSError:
                continue
            if answer.status == 200:
                return vector(answer)
        raise ConnectionError(f"no gateway answers {expression}")

    def alerts(self, states: Collection[str] = ("firing",)) -> set[str]:
        """Names of the alerts in these states (pending, firing), as the vmalerts say themselves."""
        found = set()
        for host in self.hosts("vmalert"):
            told = json.loads(request(f"{self.url(host, 'vmalert')}/api/v1/alerts").text)
            alerts = told["data"]["alerts"]
            found |= {alert["name"] for alert in alerts if alert["state"] in states}
        return found

    def backlog(self) -> float:
        """Bytes that the agents have not delivered yet."""
        pending = "vmagent_remotewrite_pending_data_bytes"
        return sum(self.metric(host, "vmagent", pending) for host in self.hosts("vmagent"))

    def unsettled(self) -> list[str]:
        """What is not as it should be on the way from the agents to a reader; nothing when well."""
        found = []
        for component in PATH:
            for host in self.hosts(component):
                try:
                    answer = request(f"{self.url(host, component)}/health")
                    if answer.status != 200:
                        found.append(f"{component} on {host} answers {answer.status}")
                except OSError as error:
                    found.append(f"{component} on {host}: {error}")
        if found:
            return found
        try:
            return self._not_passed_on()
        except OSError as error:
            return [f"a page of metrics: {error}"]

    def _not_passed_on(self) -> list[str]:
        """Where samples do not go on, by the programs' own metrics."""
        found = []
        reachable = "vm_rpc_vmstorage_is_reachable"
        for host in self.hosts("vminsert"):
            seen = self.metric(host, "vminsert", reachable)
            if seen != len(self.hosts("vmstorage")):
                found.append(f"vminsert on {host} reaches {seen:.0f} storage nodes")
        for host in self.hosts("vmagent"):
            pending = self.metric(host, "vmagent", "vmagent_remotewrite_pending_data_bytes")
            if pending > USUAL_BACKLOG_BYTES:
                found.append(f"vmagent on {host} holds {pending:.0f} bytes back")
        return found

    def settle(self, *, seconds: float = 600) -> float:
        """Wait until all is as it should be and return how long it took, in seconds."""
        started = time.monotonic()
        while unsettled := self.unsettled():
            assert time.monotonic() - started < seconds, unsettled
            time.sleep(0.5)
        return time.monotonic() - started
