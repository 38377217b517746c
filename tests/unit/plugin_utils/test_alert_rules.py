"""The rule files of a vmalert: the collection's, fitted, and the site's own as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils.alert_rules import (
    RuleError,
    rule_files,
)

HOSTS = """
groups:
  - name: hosts
    interval: 30s
    rules:
      - alert: HostDown
        expr: up == 0
        annotations: {summary: down}
      - record: hosts:up:sum
        expr: sum(up)
"""
NETWORK = """
groups:
  - name: network
    rules:
      - alert: ProbeFails
        expr: probe_success == 0
        annotations: {summary: fails}
"""

Made = dict[str, Any]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Made]:
    """Make the files from two shipped ones; parsed where they are the collection's."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "hosts.yml").write_text(HOSTS)
    (shipped / "network.yml").write_text(NETWORK)

    def make(
        *, rules_dir: str = "", disabled: tuple[str, ...] = (), url: str = "https://wiki/r"
    ) -> Made:
        files = rule_files(rules_dir=rules_dir, disabled=disabled, runbook_url=url, shipped=shipped)
        return {
            file["path"]: file["content"]
            if file["path"].startswith("rules/own/")
            else yaml.safe_load(file["content"])["groups"]
            for file in files
        }

    return make


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def names(groups: list[dict[str, Any]]) -> list[str]:
    return [rule.get("alert", rule.get("record")) for group in groups for rule in group["rules"]]


def test_every_alert_links_to_its_page(made: Callable[..., Made]) -> None:
    groups = made(url="https://wiki/runbooks/")["rules/hosts.yml"]
    alert, record = groups[0]["rules"]
    assert alert["annotations"] == {
        "summary": "down",
        "runbook_url": "https://wiki/runbooks/HostDown.md",
    }
    assert record == {"record": "hosts:up:sum", "expr": "sum(up)"}


def test_a_group_keeps_its_interval(made: Callable[..., Made]) -> None:
    assert made()["rules/hosts.yml"][0]["interval"] == "30s"


def test_disabled_rules_are_left_out(made: Callable[..., Made]) -> None:
    assert names(made(disabled=("HostDown",))["rules/hosts.yml"]) == ["hosts:up:sum"]
    assert names(made(disabled=("hosts:up:sum",))["rules/hosts.yml"]) == ["HostDown"]


def test_a_file_without_rules_is_left_out(made: Callable[..., Made]) -> None:
    assert list(made(disabled=("ProbeFails",))) == ["rules/hosts.yml"]


def test_an_unknown_rule_cannot_be_disabled(made: Callable[..., Made]) -> None:
    with pytest.raises(RuleError) as caught:
        made(disabled=("HostDwn",))
    assert str(caught.value) == (
        "vmalert_disabled_rules has 'HostDwn', which is no rule of the collection; "
        "the nearest one is 'HostDown'"
    )


def test_own_files_are_taken_as_they_are(made: Callable[..., Made], own: Path) -> None:
    (own / "shop.yml").write_text("# kept\ngroups: []\n")
    (own / "bank.yaml").write_text("anything: {{ $value }}\n")
    files = made(rules_dir=f"{own}")
    assert files["rules/own/shop.yml"] == "# kept\ngroups: []\n"
    assert files["rules/own/bank.yaml"] == "anything: {{ $value }}\n"


def test_what_is_no_rule_file_is_left_alone(made: Callable[..., Made], own: Path) -> None:
    (own / "notes.md").write_text("x")
    (own / "shop.yml.bak").write_text("x")
    (own / "folder.yml").mkdir()
    assert list(made(rules_dir=f"{own}")) == ["rules/hosts.yml", "rules/network.yml"]


def test_an_own_file_may_have_the_name_of_a_shipped_one(
    made: Callable[..., Made], own: Path
) -> None:
    (own / "hosts.yml").write_text("groups: []\n")
    assert {"rules/hosts.yml", "rules/own/hosts.yml"} < set(made(rules_dir=f"{own}"))


def test_a_folder_that_does_not_exist_is_refused(made: Callable[..., Made]) -> None:
    with pytest.raises(RuleError) as caught:
        made(rules_dir="/no/such/folder")
    assert str(caught.value) == (
        "vmalert_rules_dir '/no/such/folder' does not exist on the controller; make the folder, "
        "or leave the variable empty"
    )


def test_a_relative_folder_is_refused(made: Callable[..., Made]) -> None:
    with pytest.raises(RuleError) as caught:
        made(rules_dir="rules")
    assert str(caught.value) == (
        "vmalert_rules_dir 'rules' is no absolute path; write one, such as "
        "'{{ inventory_dir }}/rules'"
    )


def test_a_file_in_place_of_the_folder_is_refused(made: Callable[..., Made], own: Path) -> None:
    file = own / "shop.yml"
    file.write_text("groups: []\n")
    with pytest.raises(RuleError) as caught:
        made(rules_dir=f"{file}")
    assert str(caught.value) == (f"vmalert_rules_dir '{file}' is no folder; name the one it is in")


def test_a_folder_that_cannot_be_read_is_refused(
    made: Callable[..., Made], own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.iterdir

    def iterdir(path: Path) -> Any:
        if path == own:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(RuleError) as caught:
        made(rules_dir=f"{own}")
    assert str(caught.value) == f"vmalert_rules_dir '{own}' cannot be read: Permission denied"


def test_a_file_that_cannot_be_read_is_refused(
    made: Callable[..., Made], own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own / "shop.yml"
    file.write_text("groups: []\n")
    real = Path.read_text

    def read_text(path: Path, *arguments: Any, **options: Any) -> str:
        if path == file:
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    with pytest.raises(RuleError) as caught:
        made(rules_dir=f"{own}")
    assert str(caught.value) == f"the rule file '{file}' cannot be read: Permission denied"


def test_a_file_that_is_no_text_is_refused(made: Callable[..., Made], own: Path) -> None:
    (own / "shop.yml").write_bytes(b"groups: \xff\n")
    with pytest.raises(RuleError) as caught:
        made(rules_dir=f"{own}")
    assert str(caught.value) == (
        f"the rule file '{own}/shop.yml' is no UTF-8 text at byte 8; save it as UTF-8"
    )
