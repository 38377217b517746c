"""The Grafana role: its version, the names it sets, and the dashboards it brings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils import grafana_names, releases
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_dashboards import (
    dashboard_files,
)

ROLE = Path(__file__).parents[3] / "roles" / "grafana"
# What other documents link to.
UIDS = {"meridian-overview", "meridian-application", "meridian-stack", "meridian-latency"}


def variables(path: str) -> Any:
    return yaml.safe_load((ROLE / path / "main.yml").read_text())


def test_the_version_is_the_release_lists() -> None:
    stated = re.search(r"ternary\('([^']+)'", variables("defaults")["grafana_version"])
    assert stated
    assert stated[1] == releases.GRAFANA.version


def test_grafana_knows_every_setting_of_the_role() -> None:
    settings = variables("vars")["__grafana_settings"]
    unknown = [
        (section, key)
        for section, keys in settings.items()
        if isinstance(keys, dict)
        for key in keys
        if key not in grafana_names.INI[section]
    ]
    assert unknown == []


def test_every_dashboard_of_the_role_is_one_that_grafana_shows() -> None:
    made = dashboard_files({"meridian": ROLE / "files" / "dashboards"})
    texts = "\n".join(str(file["content"]) for file in made)
    assert len(made) == len(UIDS)
    assert all(f'"uid": "{uid}"' in texts for uid in UIDS)


def test_browsers_start_at_a_dashboard_of_the_role() -> None:
    assert variables("vars")["__grafana_settings"]["users"]["home_page"] == "/d/meridian-overview"
