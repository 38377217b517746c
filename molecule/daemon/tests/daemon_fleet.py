"""Two hosts, release archives of testd, and a way to run the daemon's task on them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HOSTS = ["testd-debian13", "testd-debian12"]
PORT = 7070
# More than a slow machine takes to start testd; and what is waited for in vain, which has to have
# started all the same.
READY_SECONDS = 60
NEVER_READY_SECONDS = 10
SECRET = "Tr0ub4dor-and-3-horses"

# What each release of testd does: serve, exit at once, or never become ready.
RELEASES = {
    "1.122.1": "serve",
    "1.122.10": "serve",
    "1.123.0": "serve",
    "1.130.0": "exit",
    "1.131.0": "unready",
}
ARCHIVE = {
    "name": "testd",
    "file": "testd-linux-{arch}-v{version}.tar.gz",
    "url": "http://127.0.0.1:9/{file}",
    "checksums": "testd-v{version}_checksums.txt",
    "program": "testd",
}
TREE = {
    "name": "testd-tree",
    "file": "testd-tree-{version}.linux-{arch}.tar.gz",
    "url": "http://127.0.0.1:9/{file}",
    "checksums": "testd-tree-{version}_checksums.txt",
    "program": "bin/testd",
    "tree": True,
}

CHECK = ["{program}", "{args}", "-dryRun"]


def config(greeting: str = "hello", **trouble: Any) -> dict[str, Any]:
    """The file that testd can reload."""
    return {
        "path": "config.json",
        "content": json.dumps({"greeting": greeting, **trouble}),
        "on_change": "reload",
        "validate": CHECK,
    }


def settings(**values: Any) -> dict[str, Any]:
    """The file that testd reads when it starts."""
    return {"path": "settings.json", "content": json.dumps(values)}


def secret(text: str = SECRET) -> dict[str, Any]:
    """The file that only testd may read."""
    return {"path": "secret", "content": text, "secret": True}


def args(**more: Any) -> dict[str, Any]:
    """The flags of testd, and more."""
    return {
        "listen": f":{PORT}",
        "config": "/etc/meridian/testd/config.json",
        "settings": "/etc/meridian/testd/settings.json",
        "secret": "/etc/meridian/testd/secret",
        **more,
    }


@dataclass
class Run:
    """One run of a playbook: what it said, and each task's results by host."""

    returncode: int
    output: str
    tasks: list[dict[str, Any]]

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    def __getitem__(self, host: str) -> dict[str, Any]:
        """The host's last result of the daemon's task."""
        return next(
            task
            for task in reversed(self.tasks)
            if task["host"] == host and task["status"] != "skipped"
        )


@dataclass
class Fleet:
    """The scenario's hosts and the controller's folders."""

    inventory: str
    archives: Path
    folder: Path
    runs: int = 0
    # Whether the last run left the hosts as usual.
    is_usual: bool = False
    lock: Any = field(default_factory=threading.Lock)

    def parameters(self, **changes: Any) -> dict[str, Any]:
        """The daemon's parameters for testd, with some changed; None leaves one out."""
        usual: dict[str, Any] = {
            "name": "testd",
            "version": "1.122.1",
            "archive": ARCHIVE,
            "archive_dir": str(self.archives),
            "args": args(),
            "files": [config(), settings(), secret()],
            "ready": {"url": f"http://127.0.0.1:{PORT}/health", "timeout": READY_SECONDS},
            "reload": {"signal": "HUP"},
        }
        merged = {**usual, **changes}
        return {key: value for key, value in merged.items() if value is not None}

    def run(self, *options: str, role: bool = False, hosts: str = "all", **changes: Any) -> Run:
        """Run the daemon's task, or the service role, on the hosts with the usual parameters."""
        given = self.parameters(**changes)
        self.is_usual = False
        task: dict[str, Any]
        if role:
            variables = {f"service_{key}": f"{{{{ p.{key} }}}}" for key in given}
            role_task = {"name": "meridian.metrics.service"}
            task = {"ansible.builtin.import_role": role_task, "vars": variables}
        else:
            task = {"meridian.metrics.daemon": {key: f"{{{{ p.{key} }}}}" for key in given}}
        play = {"hosts": hosts, "gather_facts": False, "tasks": [{"name": "Run testd", **task}]}
        return self.playbook([play], {"p": given}, options)

    def playbook(
        self,
        plays: Sequence[Mapping[str, Any]],
        variables: Mapping[str, Any],
        options: Sequence[str] = (),
    ) -> Run:
        """Run a playbook as a user would."""
        with self.lock:
            self.runs += 1
            place = self.folder / str(self.runs)
        place.mkdir()
        (place / "play.yml").write_text(json.dumps(plays, indent=1))
        (place / "variables.json").write_text(json.dumps(variables))
        command = ["ansible-playbook", "-i", self.inventory, "-e", f"@{place}/variables.json"]
        done = subprocess.run(
            [*command, *options, str(place / "play.yml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "results",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "true",
                "TESTD_RESULTS": str(place / "results"),
            },
        )
        lines = (place / "results").read_text().splitlines() if (place / "results").exists() else []
        return Run(done.returncode, done.stdout, [json.loads(line) for line in lines])

    def serving(self, **changes: Any) -> Run:
        """Run the task, and see to it that it worked."""
        run = self.run(**changes)
        assert run.ok, run.output
        return run

    def usual(self) -> None:
        """Let the hosts be as usual: testd 1.122.1 serves what the usual parameters declare."""
        if not self.is_usual:
            self.serving()
            self.is_usual = True

    def each(self, **changes: Any) -> dict[str, Run]:
        """Run the task in a run of its own for each host: a failure ends a common one."""
        with ThreadPoolExecutor() as pool:
            runs = pool.map(lambda name: self.run(hosts=name, **changes), HOSTS)
            return dict(zip(HOSTS, runs, strict=True))

    def bare(self) -> None:
        """Leave nothing of testd on the hosts."""
        run = self.run(state="absent", purge_data=True)
        assert run.ok, run.output


@dataclass
class Machine:
    """One host: commands run there as root, testd asked over HTTP."""

    name: str
    address: str
    shell: Any

    def sh(self, command: str) -> str:
        """What a command printed; it has to succeed."""
        return str(self.shell.check_output(command))

    def ask(self) -> dict[str, Any]:
        """What testd says of itself."""
        with urllib.request.urlopen(f"http://{self.address}:{PORT}/", timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def listing(self) -> str:
        """All that a run could change: files with owner, mode, size and time, and folders."""
        return self.sh(
            "find /etc /opt /var/lib /var/cache /usr /home /srv /run -xdev"
            " \\( -path /run/log -o -path /run/systemd -o -path /run/user \\) -prune"
            " -o -type d -printf '%p %M %u %g\\n' -o -printf '%p %M %u %g %s %T@ %l\\n' | sort"
        )

    def shown(self, key: str) -> str:
        """What systemd says of the daemon."""
        return self.sh(f"systemctl show meridian-testd --value -p {key}")


def release(version: str, behaviour: str) -> bytes:
    """The program of a release."""
    source = (HERE / "testd.py").read_text(encoding="utf-8")
    return source.replace("@VERSION@", version).replace("@BEHAVIOUR@", behaviour).encode()


def pack(place: Path, entry: Mapping[str, Any], version: str, files: Mapping[str, bytes]) -> None:
    """Make a release archive with its checksum file."""
    sums = []
    for arch in ("amd64", "arm64"):
        file = entry["file"].format(version=version, arch=arch)
        with gzip.open(place / file, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
        sums.append(f"{hashlib.sha256((place / file).read_bytes()).hexdigest()}  {file}\n")
    (place / entry["checksums"].format(version=version)).write_text("".join(sums))
