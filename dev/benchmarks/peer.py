"""The peer's playbook on fresh copies of the same hosts, with the same archive."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from steps import SHARED_CACHE, say

from benchmarks.fleets import (
    CLUSTER,
    Figures,
    QuietHandler,
    address_towards,
    cluster_hosts,
    fleet,
    grouped,
    inventory,
    said,
    timed,
)
from benchmarks.runs import PLAY, ping

VERSION = "1.149.0"
SAME = "peer with this ansible.cfg"


def measure(rounds: int, peer: Path, folder: Path) -> Figures:
    """Time the peer's playbook: as it is shipped, then with this project's ansible.cfg."""
    shipped = {
        "ANSIBLE_CONFIG": str(peer / "ansible.cfg"),
        "ANSIBLE_FORKS": "5",
        "ANSIBLE_STDOUT_CALLBACK": "default",  # the one it names left Ansible
    }
    figures: Figures = {}
    for name, settings in (("peer", shipped), (SAME, {})):
        env = {"ANSIBLE_ROLES_PATH": str(peer / "roles"), **settings}
        for number in range(1, rounds + 1):
            for run, seconds in runs(peer, folder, env).items():
                figures.setdefault(f"{name}, {run}", []).append(seconds)
            say(f"    round {number}: " + said(figures))
    return figures


def runs(peer: Path, folder: Path, env: dict[str, str]) -> dict[str, float]:
    """Time the peer's first and second run on hosts of their own."""
    nodes = "groups['vmstorage'] | map('extract', hostvars, 'ansible_host') | join(',')"
    variables: dict[str, object] = {
        # As its playbook has them, but by address: these hosts know no names.
        "vminsert_config": {"storageNode": f"{{{{ {nodes} }}}}"},
        "vmselect_config": {
            "cacheDataPath": "/var/lib/vmselect",
            "storageNode": f"{{{{ {nodes} }}}}",
        },
        **{f"{name}_version": f"v{VERSION}" for name in CLUSTER},
    }
    with (
        fleet(cluster_hosts()) as addresses,
        served_archives(folder, next(iter(addresses.values()))) as url,
    ):
        variables |= {f"{name}_repo_url": url for name in CLUSTER}
        path = inventory(folder, grouped(addresses), {})
        timed(ping(path), "ping")
        play = [*PLAY, str(path), str(peer / "playbooks" / "cluster.yml")]
        play += ["--extra-vars", json.dumps(variables)]
        return {
            "first run": timed(play, "peer-first", env),
            "second run": timed(play, "peer-second", env),
        }


@contextlib.contextmanager
def served_archives(folder: Path, host: str) -> Iterator[str]:
    """Serve the archive folder to a host's network under the vendor's paths; the base URL."""
    site = folder / "site" / "releases" / "download"
    site.mkdir(parents=True, exist_ok=True)
    link = site / f"v{VERSION}"
    if not link.is_symlink():
        link.symlink_to(SHARED_CACHE / "archives")
    address = address_towards(host)
    handler = functools.partial(QuietHandler, directory=str(folder / "site"))
    server = http.server.ThreadingHTTPServer((address, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
