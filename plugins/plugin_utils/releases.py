# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The release list: which archive or Debian package holds each component's program.

Data only. A new version of a project is one changed line here; a new component is one entry of
``COMPONENTS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive of a project's release.

    ``file``, ``url`` and ``checksums`` may hold ``{version}`` and ``{arch}``; ``url`` also
    ``{file}``, which is the archive's or the checksum file's name.
    """

    name: str
    version: str  # the version taken when none is stated
    file: str  # upstream's file name, also its name in the archive folder and on a mirror
    url: str  # where the vendor publishes it
    checksums: str  # upstream's name of the release's own checksum file
    architectures: tuple[str, ...] = ("amd64", "arm64")
    tree: bool = False  # the program needs the whole tree, not only its own file
    sha256: Mapping[str, str] = field(default_factory=dict)  # architecture -> pinned SHA-256


@dataclass(frozen=True, slots=True)
class Package:
    """Debian packages: ``program`` is the path they install, ``units`` the ones to mask."""

    names: tuple[str, ...]
    program: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One program and where it comes from; ``program`` is its path inside the archive.

    A folder that holds everything else in the archive is not part of that path.
    """

    name: str
    archive: Archive | None
    program: str
    package: Package | None


VICTORIAMETRICS_VERSION = "1.149.0"


def _victoriametrics(name: str, *, stem: str) -> Archive:
    return Archive(
        name=name,
        version=VICTORIAMETRICS_VERSION,
        file=stem + ".tar.gz",
        url="https://github.com/VictoriaMetrics/VictoriaMetrics/releases/download/v{version}/{file}",
        checksums=stem + "_checksums.txt",
    )


def _prometheus(name: str, *, version: str, tree: bool) -> Archive:
    return Archive(
        name=name,
        version=version,
        file=name + "-{version}.linux-{arch}.tar.gz",
        url=f"https://github.com/prometheus/{name}/releases/download/v{{version}}/{{file}}",
        checksums="sha256sums.txt",
        tree=tree,
    )


CLUSTER = _victoriametrics(
    "victoria-metrics-cluster", stem="victoria-metrics-linux-{arch}-v{version}-cluster"
)
SINGLE_NODE = _victoriametrics("victoria-metrics", stem="victoria-metrics-linux-{arch}-v{version}")
VMUTILS = _victoriametrics("vmutils", stem="vmutils-linux-{arch}-v{version}")
# The tree, because promtool checks the configuration of the Prometheus it came with.
PROMETHEUS = _prometheus("prometheus", version="3.14.0", tree=True)
BLACKBOX_EXPORTER = _prometheus("blackbox_exporter", version="0.28.0", tree=False)
# The tree, because amtool checks the configuration of the Alertmanager it came with.
ALERTMANAGER = _prometheus("alertmanager", version="0.34.0", tree=True)
NODE_EXPORTER = _prometheus("node_exporter", version="1.12.1", tree=False)
GRAFANA = Archive(
    name="grafana",
    version="12.4.10",
    file="grafana-{version}.linux-{arch}.tar.gz",
    url="https://dl.grafana.com/oss/release/{file}",
    # One checksum a file: the bare SHA-256.
    checksums="grafana-{version}.linux-{arch}.tar.gz.sha256",
    # The tree: pages, plugins and default settings lie beside the program.
    tree=True,
)


def _victoriametrics_package(program: str) -> Package:
    return Package(("victoria-metrics",), f"/usr/bin/{program}", ("victoria-metrics.service",))


def _prometheus_package(name: str) -> Package:
    return Package((name,), f"/usr/bin/{name}", (f"{name}.service",))


COMPONENTS: Mapping[str, Component] = {
    entry.name: entry
    for entry in (
        Component("vmstorage", CLUSTER, "vmstorage-prod", None),
        Component("vminsert", CLUSTER, "vminsert-prod", None),
        Component("vmselect", CLUSTER, "vmselect-prod", None),
        Component(
            "vmsingle",
            SINGLE_NODE,
            "victoria-metrics-prod",
            _victoriametrics_package("victoria-metrics"),
        ),
        Component("vmauth", VMUTILS, "vmauth-prod", _victoriametrics_package("vmauth")),
        Component("vmagent", VMUTILS, "vmagent-prod", _victoriametrics_package("vmagent")),
        Component("vmalert", VMUTILS, "vmalert-prod", _victoriametrics_package("vmalert")),
        Component("vmbackup", VMUTILS, "vmbackup-prod", _victoriametrics_package("vmbackup")),
        Component("vmrestore", VMUTILS, "vmrestore-prod", _victoriametrics_package("vmrestore")),
        Component("vmctl", VMUTILS, "vmctl-prod", _victoriametrics_package("vmctl")),
        Component("prometheus", PROMETHEUS, "prometheus", _prometheus_package("prometheus")),
        Component(
            "blackbox",
            BLACKBOX_EXPORTER,
            "blackbox_exporter",
            _prometheus_package("prometheus-blackbox-exporter"),
        ),
        Component(
            "alertmanager",
            ALERTMANAGER,
            "alertmanager",
            _prometheus_package("prometheus-alertmanager"),
        ),
        Component(
            "node_exporter",
            NODE_EXPORTER,
            "node_exporter",
            _prometheus_package("prometheus-node-exporter"),
        ),
        Component(
            "grafana",
            GRAFANA,
            "bin/grafana",
            Package(("grafana",), "/usr/share/grafana/bin/grafana", ("grafana-server.service",)),
        ),
        Component(
            "haproxy",
            None,
            "haproxy",
            Package(("haproxy",), "/usr/sbin/haproxy", ("haproxy.service",)),
        ),
    )
}


def component(name: str) -> Component:
    """Return the release entry of a component; ``ValueError`` names the known ones."""
    try:
        return COMPONENTS[name]
    except KeyError:
        known = ", ".join(sorted(COMPONENTS))
        raise ValueError(f"release '{name}' is not in the release list; known: {known}") from None
