"""Say which release archives cannot be had; runs in .venv, for it asks the collection itself.

archives.py NAME...  for the components among the names, downloads their archives where they are not
                     in the archive folder; prints JSON, file name to reason, for those that
                     cannot be had
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from steps import SHARED_CACHE, VENV_PYTHON, run

FOLDER = SHARED_CACHE / "archives"


def missing(components: list[str]) -> dict[str, str]:
    """Ask for the archives of components, such as `vmstorage`; file name -> reason.

    Raises Failure where an archive is there and cannot be trusted.
    """
    if not components:
        return {}
    answer = run(
        [str(VENV_PYTHON), __file__, *components],
        advice=f"Put the release's own file into {FOLDER}, or delete it there.",
    )
    found: dict[str, str] = json.loads(answer)
    return found


def program() -> None:
    """Obtain every archive, and print the ones that cannot be had."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".collections"))
    from ansible_collections.meridian.metrics.plugins.plugin_utils import (  # noqa: PLC0415
        archives,
        releases,
    )

    found = {}
    for name in sys.argv[1:]:
        component = releases.COMPONENTS.get(name)
        if component is None or component.archive is None:
            continue
        archive = component.archive
        arch = archives.arch_of(platform.machine())
        file = archive.file.format(arch=arch, version=archive.version)
        try:
            archives.obtain(
                archive,
                None if archive.tree else component.program,
                version=archive.version,
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
