"""Write the Grafana dashboards of dev/dashboards to roles/grafana/files/dashboards.

make_dashboards.py      writes those that differ; a unit test compares them
"""

from __future__ import annotations

from pathlib import Path

from dashboards import application, assembly, latency, overview, stack

FOLDER = Path(__file__).resolve().parent.parent / "roles" / "grafana" / "files" / "dashboards"


def texts() -> dict[str, str]:
    """Return the text of each dashboard's file by the file's name."""
    made = (module.made() for module in (overview, application, stack, latency))
    return {f"{each.uid}.json": assembly.to_json(each) for each in made}


def program() -> None:
    """Write the files that differ."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    program()
