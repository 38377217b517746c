"""Pack the stand-in as Grafana's release archive, with its checksum file: pack.py FOLDER."""

from __future__ import annotations

import hashlib
import io
import platform
import sys
import tarfile
from pathlib import Path

import yaml
from grafana import VERSION

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(f"grafana-v{VERSION}/{name}")
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"grafana-{VERSION}.linux-{ARCHITECTURES[platform.machine()]}.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        program = Path(__file__).with_name("grafana.py").read_bytes()
        add(archive, "bin/grafana", program, 0o755)
        add(archive, "conf/defaults.ini", b"# The stand-in has no defaults.\n")
        for module in sorted(Path(yaml.__file__).parent.glob("*.py")):
            add(archive, f"lib/yaml/{module.name}", module.read_bytes())
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_name(f"{file.name}.sha256").write_text(f"{checksum}\n")


main()
