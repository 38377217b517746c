"""The release list names what the projects publish."""

from __future__ import annotations

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import releases

VICTORIAMETRICS = "https://github.com/VictoriaMetrics/VictoriaMetrics/releases/download/v1.149.0"
PUBLISHED = {
    "vmstorage": f"{VICTORIAMETRICS}/victoria-metrics-linux-arm64-v1.149.0-cluster.tar.gz",
    "vminsert": f"{VICTORIAMETRICS}/victoria-metrics-linux-arm64-v1.149.0-cluster.tar.gz",
    "vmselect": f"{VICTORIAMETRICS}/victoria-metrics-linux-arm64-v1.149.0-cluster.tar.gz",
    "vmsingle": f"{VICTORIAMETRICS}/victoria-metrics-linux-arm64-v1.149.0.tar.gz",
    "vmauth": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "vmagent": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "vmalert": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "vmbackup": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "vmrestore": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "vmctl": f"{VICTORIAMETRICS}/vmutils-linux-arm64-v1.149.0.tar.gz",
    "prometheus": "https://github.com/prometheus/prometheus/releases/download/v3.14.0/"
    "prometheus-3.14.0.linux-arm64.tar.gz",
    "blackbox": "https://github.com/prometheus/blackbox_exporter/releases/download/v0.28.0/"
    "blackbox_exporter-0.28.0.linux-arm64.tar.gz",
    "alertmanager": "https://github.com/prometheus/alertmanager/releases/download/v0.34.0/"
    "alertmanager-0.34.0.linux-arm64.tar.gz",
    "node_exporter": "https://github.com/prometheus/node_exporter/releases/download/v1.12.1/"
    "node_exporter-1.12.1.linux-arm64.tar.gz",
    "grafana": "https://dl.grafana.com/oss/release/grafana-12.4.10.linux-arm64.tar.gz",
}


@pytest.mark.parametrize(("name", "url"), PUBLISHED.items())
def test_an_archive_is_looked_for_where_its_project_publishes_it(name: str, url: str) -> None:
    archive = releases.component(name).archive
    assert archive is not None
    file = archive.file.format(version=archive.version, arch="arm64")
    assert archive.url.format(version=archive.version, file=file) == url


def test_all_archives_are_looked_at() -> None:
    with_archive = {name for name, entry in releases.COMPONENTS.items() if entry.archive}
    assert with_archive == set(PUBLISHED)


def test_checksum_files_carry_the_names_of_their_releases() -> None:
    named = {
        entry.archive.name: entry.archive.checksums
        for entry in releases.COMPONENTS.values()
        if entry.archive
    }
    single_node = "victoria-metrics-linux-{arch}-v{version}"
    assert named == {
        "victoria-metrics-cluster": f"{single_node}-cluster_checksums.txt",
        "victoria-metrics": f"{single_node}_checksums.txt",
        "vmutils": "vmutils-linux-{arch}-v{version}_checksums.txt",
        "prometheus": "sha256sums.txt",
        "blackbox_exporter": "sha256sums.txt",
        "alertmanager": "sha256sums.txt",
        "node_exporter": "sha256sums.txt",
        "grafana": "grafana-{version}.linux-{arch}.tar.gz.sha256",
    }


def test_storage_clusters_exist_only_as_archives() -> None:
    without = {name for name, entry in releases.COMPONENTS.items() if not entry.package}
    assert without == {"vmstorage", "vminsert", "vmselect"}


def test_an_unknown_component_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        releases.component("vmstorge")
    assert str(caught.value) == (
        "release 'vmstorge' is not in the release list; known: alertmanager, blackbox, "
        "grafana, haproxy, node_exporter, prometheus, vmagent, vmalert, vmauth, vmbackup, vmctl, "
        "vminsert, vmrestore, vmselect, vmsingle, vmstorage"
    )
