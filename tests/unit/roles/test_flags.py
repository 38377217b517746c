"""Every flag that a role sets is one that its program knows, in each version it may run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases

ROLES = Path(__file__).parents[3] / "roles"
DATA = Path(__file__).parents[1] / "data" / "flags"
# role -> its program's flag list, where it does not carry the role's name
LISTS = {
    "vmsingle": "victoria-metrics",
    "blackbox": "blackbox_exporter",
    "prometheus_receiver": "vmagent",
}
# role -> its program, where the collection brings it
OWN_PROGRAMS = {"mock_exporter": "mock_exporter.py", "wireguard": "tunnel.py"}
# version of the release archives, of Debian 13's package
VICTORIAMETRICS = {
    "archive": f"victoriametrics-{releases.VICTORIAMETRICS_VERSION}",
    "package": "victoriametrics-1.112",
}
BLACKBOX = {
    "archive": f"blackbox_exporter-{releases.BLACKBOX_EXPORTER.version}",
    "package": "blackbox_exporter-0.26.0",
}
# As its source has them; no distribution at hand has a package of another version.
GRAFANA = dict.fromkeys(("archive", "package"), f"grafana-{releases.GRAFANA.version}")
ALERTMANAGER = {
    "archive": f"alertmanager-{releases.ALERTMANAGER.version}",
    "package": "alertmanager-0.28.1",
}
NODE_EXPORTER = {
    "archive": f"node_exporter-{releases.NODE_EXPORTER.version}",
    "package": "node_exporter-1.9.0",
}
PROMETHEUS = {
    "archive": f"prometheus-{releases.PROMETHEUS.version}",
    "package": "prometheus-2.53.3",
}
FOLDERS = {
    "alertmanager": ALERTMANAGER,
    "blackbox": BLACKBOX,
    "grafana": GRAFANA,
    "node_exporter": NODE_EXPORTER,
}


def args(role: str, variable: str = "") -> set[str]:
    """Return the names of the flags that a role sets, in a variable of another name if stated."""
    path = ROLES / role / "vars" / "main.yml"
    variables = yaml.safe_load(path.read_text()) if path.exists() else {}
    return set((variables or {}).get(variable or f"__{role}_args", {}))


def sources(role: str) -> list[str]:
    """Return where the role's program may come from."""
    path = ROLES / role / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return options.get(f"{role}_source", {}).get("choices", [])


WITH_FLAGS = [path.name for path in sorted(ROLES.iterdir()) if args(path.name)]
CASES = [(role, source) for role in WITH_FLAGS for source in sources(role)]


def known(role: str, source: str) -> set[str]:
    folder = FOLDERS.get(role, VICTORIAMETRICS)
    return listed(DATA / folder[source] / f"{LISTS.get(role, role)}.tsv")


def listed(path: Path) -> set[str]:
    """Return the names of the flags in a list."""
    return {line.split("\t", 1)[0] for line in path.read_text().splitlines()[1:]}


def test_every_component_that_sets_flags_is_looked_at() -> None:
    assert {role for role, _source in CASES} == set(WITH_FLAGS) - set(OWN_PROGRAMS)


@pytest.mark.parametrize(("role", "source"), CASES)
def test_the_program_knows_every_flag(role: str, source: str) -> None:
    assert sorted(args(role) - known(role, source)) == []


def test_a_vmselect_of_all_regions_knows_every_flag() -> None:
    stated = args("vmselect", "__vmselect_global_args")
    assert "search.maxQueryDuration" in stated
    assert sorted(stated - known("vmselect", "archive")) == []


@pytest.mark.parametrize("source", PROMETHEUS)
def test_the_prometheus_of_a_receiver_knows_every_flag(source: str) -> None:
    stated = args("prometheus_receiver", "__prometheus_receiver_prometheus_args")
    assert "web.enable-remote-write-receiver" in stated
    assert sorted(stated - listed(DATA / PROMETHEUS[source] / "prometheus.tsv")) == []


@pytest.mark.parametrize(("role", "file"), OWN_PROGRAMS.items())
def test_a_program_of_the_collection_knows_every_flag(role: str, file: str) -> None:
    program = ROLES / role / "files" / file
    done = subprocess.run(
        [sys.executable, str(program), "--help"], capture_output=True, text=True, check=True
    )
    assert [flag for flag in args(role) if f"--{flag} " not in done.stdout] == []


# What they have acknowledged is in their memory for a while. They drop it when a request is still
# under way when this time is over; what clients and queries take by default is 30 s.
UNITS = {"prometheus_receiver": "__prometheus_receiver_flushing_unit"}
FLUSHING = ("vmstorage", "vminsert", "vmsingle", "vmagent", "prometheus_receiver")
ANSWERING = ("vmselect", "vmauth")


@pytest.mark.parametrize("role", [*FLUSHING, *ANSWERING])
def test_a_stop_lets_requests_end_before_systemd_kills(role: str) -> None:
    variables = yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text())
    grace = variables[f"__{role}_args"]["http.maxGracefulShutdownDuration"]
    [unit] = [
        value for name, value in variables.items() if name in (f"__{role}_unit", UNITS.get(role))
    ]
    assert 30 < int(grace.removesuffix("s")) < unit["Service"]["TimeoutStopSec"]
