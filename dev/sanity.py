"""Prepare a home for ansible-test in which pip reaches what this machine's pip reaches.

ansible-test runs its tools in virtual environments of its own, with a filtered environment, and
downloads the script that installs pip there from a place of its own. A machine behind a proxy or
with a package mirror reaches neither. So its home gets this machine's pip settings as a file, and
in its cache, where it looks first, a script that takes pip from the package index.
"""

from __future__ import annotations

import ast
from pathlib import Path

from steps import VENV_PYTHON, run

INSTALL_PIP = """\
import ensurepip, os, subprocess, sys
ensurepip.bootstrap()
del os.environ["PIP_CONFIG_FILE"]  # ensurepip turned the settings off
arguments = [each for each in sys.argv[1:] if each not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *arguments]))
"""
# ansible-test knows which version of pip it wants, and names the script after it.
ASK_VERSION = """\
from types import SimpleNamespace
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(SimpleNamespace(version="{python}"))["pip"])
"""


def prepare(home: Path, python: str) -> None:
    """Write the settings and the script for a Python version such as `3.11`."""
    settings = run([str(VENV_PYTHON), "-m", "pip", "config", "list"])
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    (home / ".config" / "pip" / "pip.conf").write_text(pip_configuration(settings))
    version = run([str(VENV_PYTHON), "-c", ASK_VERSION.format(python=python)]).strip()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(INSTALL_PIP)


def pip_configuration(settings: str) -> str:
    """Turn the answer of `pip config list` into a pip.conf; the environment's settings win."""
    found = {}
    for line in sorted(settings.splitlines(), key=lambda each: each.startswith(":env:")):
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            found[key] = " ".join(str(ast.literal_eval(value)).split())
    return "".join(["[global]\n", *(f"{key} = {value}\n" for key, value in sorted(found.items()))])
