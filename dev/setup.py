"""Make this checkout ready on a bare Debian machine; quick when everything is there.

setup.py               everything
setup.py venv          only the virtual environment and the .collections link
setup.py debian13      the above, Docker, and the image of that release
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys

import engine
import images
from steps import LOGS, ROOT, VENV, Failure, main, run_logged, say, step

LOCK = ROOT / "requirements-dev.txt"
LINK = ROOT / ".collections" / "ansible_collections" / "meridian" / "metrics"
OLDEST_PYTHON = (3, 11)


def stamp() -> str:
    """Identify what the virtual environment must hold."""
    return hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()


def ensure_venv() -> None:
    """Make .venv from the lock file; only when that file or Python changed."""
    done = VENV / "meridian-stamp"
    # A moved checkout has programs that point to the old place.
    here = f"{VENV} {stamp()}"
    if done.exists() and done.read_text() == here:
        return
    if sys.version_info < OLDEST_PYTHON:
        raise Failure(
            f"Python {sys.version.split()[0]} is too old: ansible-core 2.19 needs 3.11.",
            "Run it with a newer one: make PYTHON=python3.13 setup",
        )
    with step(f"Make .venv from {LOCK.name} (Python {sys.version.split()[0]})"):
        # Debian splits venv and pip off its Python.
        if importlib.util.find_spec("ensurepip") is None:
            engine.install(["python3-venv"])
        shutil.rmtree(VENV, ignore_errors=True)
        # not the one in .venv, which has just been removed
        python = getattr(sys, "_base_executable", sys.executable)
        run_logged([python, "-m", "venv", str(VENV)], LOGS / "venv.log")
        run_logged(
            [str(VENV / "bin" / "pip"), "install", "-q", "--no-input", "-r", str(LOCK)],
            LOGS / "pip.log",
            advice="Check that pip reaches a package index (pip config list), then run it again.",
        )
        done.write_text(here)


def ensure_link() -> None:
    """Link the checkout to where Ansible looks for meridian.metrics."""
    if not LINK.is_symlink():
        LINK.parent.mkdir(parents=True, exist_ok=True)
        LINK.symlink_to("../../..")


def ensure_images(releases: list[str]) -> None:
    """Build the images that are missing or were made by an older recipe."""
    for release in releases:
        if not images.is_current(release):
            with step(f"Build the image {images.name(release)} (once)"):
                images.build(release)


def setup(releases: list[str]) -> None:
    """Make ready what hosts of these releases need; none: no Docker at all."""
    ensure_venv()
    ensure_link()
    if releases:
        if not shutil.which("ssh"):
            engine.install(["openssh-client"])
        with step("Check the Docker engine"):
            engine.ensure()
        ensure_images(releases)


def program() -> None:
    """Carry out the command line."""
    wanted = sys.argv[1:] or list(images.RELEASES)
    if unknown := set(wanted) - {"venv", *images.RELEASES}:
        raise Failure(f"unknown: {', '.join(unknown)}; known: venv, {', '.join(images.RELEASES)}")
    setup([release for release in wanted if release != "venv"])
    say("Ready.")


if __name__ == "__main__":
    main(program)
