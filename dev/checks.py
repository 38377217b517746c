"""What `make test` runs, each as a function that takes its log and raises Failure."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import demo
import hosts
import sanity
from steps import ROOT, SHARED_CACHE, Failure, run, run_logged, say

# All that a user of the collection gets.
PUBLISHED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}
# Unit tests that one version of Ansible is enough for: of what knows nothing of it, and those that
# run site.yml on every wrong inventory.
ONE_ANSIBLE = ("dashboards", "dev", "drills", "load", "rules", "playbooks/test_preflight_stops.py")
ONE_HOST = ROOT / "tests" / "collection" / "one-host.yml"
# The Python that ansible-core 2.19 and what hosts have are checked with.
SANITY_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def command(*argv: str) -> Callable[[Path], None]:
    """Return a check that runs a command in the checkout."""
    return lambda log: run_logged(argv, log)


def development_programs() -> list[str]:
    """Return the typed Python that no user of the collection gets."""
    folders = (ROOT / "dev", ROOT / "tests" / "load", ROOT / "tests" / "drills")
    return sorted(str(path) for folder in folders for path in folder.rglob("*.py"))


LINTERS: Mapping[str, Callable[[Path], None]] = {
    "ansible-lint": command("ansible-lint", "--offline", "--nocolor", "-q"),
    "mypy": command("mypy", "-p", "ansible_collections.meridian.metrics.plugins"),
    # A cache of its own: it is a database, and a second mypy that waits for it too long breaks off.
    "mypy-dev": lambda log: run_logged(
        ["mypy", "--cache-dir=.mypy_cache/dev", *development_programs()], log
    ),
    "ruff": command("ruff", "check", "."),
    "ruff-format": command("ruff", "format", "--check", "."),
    "yamllint": command("yamllint", "--strict", "."),
    "changelog": command("antsibull-changelog", "lint"),
}


def unit(log: Path) -> None:
    """Run the unit tests."""
    run_logged(["pytest", "-q", "--color=no"], log)


@contextmanager
def clean_copy() -> Iterator[Path]:
    """Copy what git knows or would add to where Ansible expects a collection; give that folder."""
    listing = run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    )
    with tempfile.TemporaryDirectory(prefix="meridian-collection-") as folder:
        copy = Path(folder) / "ansible_collections" / "meridian" / "metrics"
        for name in filter(None, listing.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        yield copy


def ansible_test(log: Path) -> None:
    """Run ansible-test sanity on a copy, for it accepts no other folder."""
    home = SHARED_CACHE / "ansible-test"
    sanity.prepare(home, SANITY_PYTHON)
    with clean_copy() as copy:
        for name in ("dev", "molecule", "tests"):
            shutil.rmtree(copy / name)
        test = f"ansible-test sanity --color no --requirements --python {SANITY_PYTHON}"
        run_logged(["sh", "-c", f"cd {copy} && {test}"], log, env={"HOME": str(home)})


def collection(log: Path) -> None:
    """Build the collection, install it into an empty folder, and deploy a host with that alone."""
    with clean_copy() as copy, tempfile.TemporaryDirectory(prefix="meridian-installed-") as place:
        build = ["ansible-galaxy", "collection", "build", str(copy), "--output-path", place]
        run_logged(build, log)
        tarball = next(Path(place).glob("*.tar.gz"))
        refuse_unpublished(tarball)
        installed = Path(place) / "collections"
        env = {
            **hosts.ssh_environment(),
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "ANSIBLE_CONFIG": str(Path(place) / "ansible.cfg"),
        }
        (Path(place) / "ansible.cfg").touch()
        install = ["ansible-galaxy", "collection", "install", str(tarball), "-p", str(installed)]
        run(install, env=env)
        inventory = Path(place) / "one-host.yml"
        shutil.copy(ONE_HOST, inventory)
        playbook = ["ansible-playbook", "-i", str(inventory)]
        fleet = "collection-test"
        try:
            hosts.up(fleet, demo.read_inventory(inventory).hosts)
            for name in ("plan", "site", "verify"):
                run_logged([*playbook, f"meridian.metrics.{name}"], log, env=env)
        finally:
            hosts.down(fleet)


def refuse_unpublished(tarball: Path) -> None:
    """Raise Failure when the tarball carries what no user needs."""
    with tarfile.open(tarball) as archive:
        names = {member.name.split("/", maxsplit=1)[0] for member in archive}
    if extra := names - PUBLISHED:
        listed = ", ".join(sorted(extra))
        raise Failure(f"the tarball carries {listed}; see build_ignore in galaxy.yml")


def newest_ansible(log: Path) -> None:
    """Run the unit tests and check the playbooks' syntax under the newest ansible-core."""
    python = newest_python()
    if python is None:
        raise Failure("the newest ansible-core needs a newer Python than 3.11")
    with tempfile.TemporaryDirectory(prefix="meridian-newest-") as folder:
        place = Path(folder)
        run_logged([python, "-m", "venv", folder], log)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--no-input"]
        run_logged([*pip, "ansible-core", "hypothesis", "prometheus-client", "pytest"], log)
        binaries = {"PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        version = run([str(place / "bin" / "ansible"), "--version"], env=binaries).splitlines()[0]
        say(f"note: newest-ansible is {version} with {Path(python).name}")
        options = ["-p", "no:cacheprovider"]
        options += [f"--ignore=tests/unit/{place}" for place in ONE_ANSIBLE]
        run_logged([str(place / "bin" / "pytest"), "-q", "--color=no", *options], log, env=binaries)
        ansible_playbook = str(place / "bin" / "ansible-playbook")
        for playbook in sorted(map(str, ROOT.glob("playbooks/*.yml"))):
            syntax = [ansible_playbook, "--syntax-check", "-i", "inventories/demo", playbook]
            run_logged(syntax, log, env=binaries)


def newest_python() -> str | None:
    """Return the newest Python from 3.12 on that is at hand and works."""
    found: dict[int, list[str]] = {}
    folders = [*map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    folders += Path("~/.pyenv/versions").expanduser().glob("*/bin")
    for entry in (path for folder in folders for path in folder.glob("python3.*")):
        version = re.fullmatch(r"python3\.(\d+)", entry.name)
        if version and int(version[1]) >= 12:
            found.setdefault(int(version[1]), []).append(str(entry))
    for program in (
        each for _, programs in sorted(found.items(), reverse=True) for each in programs
    ):
        with suppress(Failure):
            run([program, "-c", "import ensurepip, venv"])
            return program
    return None


# Fleets take the addresses of the inventories, drills all that the machine can do.
GROUPS = ("drill", "fleet")
# Drills on a storage cluster that share a fleet in `make test`, by the scenario that has them all;
# by themselves they are for `make drill`.
TOGETHER = {
    "drill_changes": ("drill_change", "drill_clock", "drill_growth"),
    "drill_faults": ("drill_cut_off", "drill_disk", "drill_failure", "drill_restore"),
}
# The setting of a fleet that has addresses of its own.
OWN_NETWORK = "MERIDIAN_DRILL_NETWORK"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A molecule scenario; its group is `drill` where its name begins so, and `fleet` where its
    name begins so and it has the addresses of the inventories."""

    name: str
    group: str
    archives: tuple[str, ...]

    def run(self, log: Path) -> None:
        """Run the whole scenario."""
        plain = {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
        run_logged(["molecule", "test", "--scenario-name", self.name], log, env=plain)


def read_scenario(folder: Path) -> Scenario:
    """Read what the runner has to know of a scenario."""
    needs = folder / "needs.yml"
    group = next((group for group in GROUPS if folder.name.startswith(f"{group}_")), "")
    if group == "fleet" and OWN_NETWORK in (folder / "molecule.yml").read_text():
        group = ""
    return Scenario(
        name=folder.name,
        group=group,
        archives=parse_needs(needs.read_text()) if needs.exists() else (),
    )


def parse_needs(text: str) -> tuple[str, ...]:
    """Return the components in a needs.yml: one line, `archives: [vmstorage, vminsert]`."""
    found = re.search(r"^archives: \[([a-z_, ]+)\]$", text, flags=re.MULTILINE)
    if not found:
        raise Failure(f"a needs.yml holds one line such as 'archives: [vmstorage]', not: {text!r}")
    return tuple(name.strip() for name in found[1].split(","))
