"""Say which release archives cannot be had; runs in .venv, for it asks the collection itself.

archives.py [--version V] NAME...  for the components among the names, downloads their archives
                     where they are not in the archive folder; prints JSON, file name to reason, for
                     those that cannot be had
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from steps import SHARED_CACHE, VENV_PYTHON, run

FOLDER = SHARED_CACHE / "archives"


def missing(components: list[str], version: str = "") -> dict[str, str]:
    """Ask for the archives of components, such as `vmstorage`; file name -> reason.

    Of a version, or of those that are installed by default.
    Raises Failure where an archive is there and cannot be trusted.
    """
    if not components:
        return {}
    answer = run(
        [str(VENV_PYTHON), __file__, "--version", version, *components],
        advice=f"Put the release's own file into {FOLDER}, or delete it there.",
    )
    found: dict[str, str] = json.loads(answer)
    return found


def program() -> None:
    """Obtain every archive, and print the ones that cannot be had."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", default="")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".collections"))
    from ansible_collections.meridian.metrics.plugins.plugin_utils import (  # noqa: PLC0415
        archives,
        releases,
    )

    found = {}
    for name in arguments.names:
        component = releases.COMPONENTS.get(name)
        if component is None or component.archive is None:
            continue
        archive = component.archive
        arch = archives.arch_of(platform.machine())
        version = arguments.version or archive.version
        file = archive.file.format(arch=arch, version=version)
        try:
            archives.obtain(
                archive,
                None if archive.tree else component.program,
                version=version,
                arch=arch,
                archive_dir=FOLDER,
                mirror=None,
                timeout=10.0,
            )
        except archives.ArchiveError as error:
            if (FOLDER / file).exists():
                sys.exit(str(error))
            found[file] = " ".join(str(error).split())
    print(json.dumps(found))


if __name__ == "__main__":
    program()
