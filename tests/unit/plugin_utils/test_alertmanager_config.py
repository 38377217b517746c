"""Alertmanager's configuration: who is told of which alert, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_config import (
    TEMPLATES_DIR,
    alertmanager_config,
    template_files,
)

RECEIVERS = {
    "chat": {"webhook": [{"url": "https://chat.example.net/s3cret"}]},
    "pager": {"pagerduty": [{"routing_key": "s3cret"}]},
}
KNOWN = "chat, pager, none"


def config(receivers: dict[str, Any] = RECEIVERS, **settings: Any) -> dict[str, Any]:
    made: Any = alertmanager_config(receivers, **{"default_receiver": "chat", **settings})
    return dict(made["config"])


def routes(**settings: Any) -> list[dict[str, Any]]:
    return list(config(**settings)["route"]["routes"])


def problem(receivers: dict[str, Any] = RECEIVERS, **settings: Any) -> str:
    with pytest.raises(ValueError, match=r".") as error:
        config(receivers, **settings)
    return str(error.value)


WATCHDOG = {"matchers": ['alertname="Watchdog"'], "receiver": "none"}


def test_without_receivers_nobody_is_told() -> None:
    made = config({}, default_receiver="")

    assert made["route"]["receiver"] == "none"
    assert made["receivers"] == [{"name": "none"}]


def test_the_only_receiver_is_the_default_one() -> None:
    made = config({"chat": RECEIVERS["chat"]}, default_receiver="")

    assert made["route"]["receiver"] == "chat"


def test_each_env_has_its_receiver() -> None:
    assert routes(env_receivers={"prod": "pager", "dev": "none", "beta": "chat"}) == [
        WATCHDOG,
        {"matchers": ['env="dev"'], "receiver": "none"},
        {"matchers": ['env="beta"'], "receiver": "chat"},
        {"matchers": ['env="prod"'], "receiver": "pager"},
    ]


def test_own_routes_are_asked_before_those_by_env() -> None:
    own = {"matchers": ['severity="warning"'], "receiver": "chat", "continue": True}

    assert routes(env_receivers={"prod": "pager"}, routes=[own]) == [
        WATCHDOG,
        own,
        {"matchers": ['env="prod"'], "receiver": "pager"},
    ]


def test_heartbeats_go_out_at_their_interval() -> None:
    assert routes(heartbeat_receiver="chat", heartbeat_interval="5m") == [
        {
            "matchers": ['alertname="Watchdog"'],
            "receiver": "chat",
            "group_wait": "0s",
            "group_interval": "10s",
            "repeat_interval": "5m",
        }
    ]


def test_secrets_are_files_that_nothing_has_to_be_restarted_for() -> None:
    made = alertmanager_config(
        RECEIVERS, default_receiver="chat", smtp={"auth_password": "s3cret-mail"}
    )

    folder = "/etc/meridian/alertmanager/secrets"
    assert made["files"] == [
        {"path": f"{folder}/{name}", "content": content, "secret": True, "on_change": "none"}
        for name, content in (
            ("smtp.auth_password", "s3cret-mail"),
            ("chat.webhook.0.url", "https://chat.example.net/s3cret"),
            ("pager.pagerduty.0.routing_key", "s3cret"),
        )
    ]
    assert "s3cret" not in f"{made['config']}"


def test_grouping_rules_times_and_templates_are_passed_on() -> None:
    grouping = {
        "group_by": ["alertname"],
        "group_wait": "1m30s",
        "group_interval": "5m",
        "repeat_interval": "1d",
    }
    rules = [{"source_matchers": ['a="1"'], "target_matchers": ['a="2"'], "equal": ["b"]}]
    nights = [{"name": "nights", "time_intervals": []}]
    made = config(grouping=grouping, inhibit_rules=rules, time_intervals=nights, templates=True)

    assert {key: made["route"][key] for key in grouping} == grouping
    assert made["inhibit_rules"] == rules
    assert made["time_intervals"] == nights
    assert made["templates"] == [f"{TEMPLATES_DIR}/*.tmpl"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"default_receiver": ""},
            "alertmanager_default_receiver is empty, and there is more than one receiver; write "
            f"one of: {KNOWN}",
        ),
        (
            {"default_receiver": "chta"},
            f"alertmanager_default_receiver is the unknown receiver 'chta'; write one of: {KNOWN}; "
            "or add it to alertmanager_receivers",
        ),
        (
            {"env_receivers": {"prod": "pagre"}},
            "alertmanager_env_receivers['prod'] is the unknown receiver 'pagre'; write one of: "
            f"{KNOWN}; or add it to alertmanager_receivers",
        ),
        (
            {"env_receivers": {"production": "pager"}},
            "alertmanager_env_receivers has the unknown env 'production'; write one of: dev, beta, "
            "prod",
        ),
        (
            {"heartbeat_receiver": "heart"},
            "alertmanager_heartbeat_receiver is the unknown receiver 'heart'; write one of: "
            f"{KNOWN}; or add it to alertmanager_receivers",
        ),
        (
            {"heartbeat_receiver": "chat", "heartbeat_interval": "often"},
            "alertmanager_heartbeat_interval is 'often', which is no duration; write one such as "
            "30s or 4h",
        ),
        (
            {"grouping": {"group_wait": 30}},
            "alertmanager_group_wait is '30', which is no duration; write one such as 30s or 4h",
        ),
        (
            {"grouping": {"group_by": "alertname"}},
            "alertmanager_group_by is no list; write '- ' before each entry",
        ),
        (
            {"routes": [{"matchers": ['a="1"'], "reciever": "chat"}]},
            "alertmanager_routes[0] has the unknown key 'reciever'; write 'receiver'",
        ),
        (
            {"routes": [{"routes": [{"receiver": "team"}]}]},
            "receiver of alertmanager_routes[0].routes[0] is the unknown receiver 'team'; write "
            f"one of: {KNOWN}; or add it to alertmanager_receivers",
        ),
        (
            {"routes": [{"repeat_interval": "daily"}]},
            "repeat_interval of alertmanager_routes[0] is 'daily', which is no duration; write one "
            "such as 30s or 4h",
        ),
        (
            {"routes": [{"mute_time_intervals": ["nights"]}]},
            "mute_time_intervals of alertmanager_routes[0] has the unknown time interval 'nights'; "
            "add it to alertmanager_time_intervals",
        ),
        (
            {"routes": {"receiver": "chat"}},
            "alertmanager_routes is no list; write '- ' before each entry",
        ),
        (
            {"time_intervals": [{"time_intervals": []}]},
            "alertmanager_time_intervals[0] has no name; write the one that routes refer to",
        ),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], message: str) -> None:
    assert problem(**settings) == message


def test_receivers_are_a_dictionary() -> None:
    assert problem([{"name": "chat"}]) == (  # type: ignore[arg-type]
        "alertmanager_receivers is no dictionary; write settings by name"
    )


def test_templates_of_a_folder_are_files_that_are_reloaded(tmp_path: Path) -> None:
    (tmp_path / "b.tmpl").write_text('{{ define "b" }}B{{ end }}')
    (tmp_path / "a.tmpl").write_text("A")
    (tmp_path / "README.md").write_text("no template")

    assert template_files(str(tmp_path)) == [
        {"path": f"{TEMPLATES_DIR}/a.tmpl", "content": "A", "on_change": "reload"},
        {
            "path": f"{TEMPLATES_DIR}/b.tmpl",
            "content": '{{ define "b" }}B{{ end }}',
            "on_change": "reload",
        },
    ]


def test_no_folder_is_no_templates() -> None:
    assert template_files("") == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder on the controller") as error:
        template_files(f"{tmp_path}/templates")

    assert str(error.value) == (
        f"alertmanager_templates_dir '{tmp_path}/templates' is no folder on the controller; write "
        "the path of one, or ''"
    )


def test_a_folder_without_templates_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \*.tmpl file") as error:
        template_files(str(tmp_path))

    assert str(error.value) == (
        f"alertmanager_templates_dir '{tmp_path}' holds no *.tmpl file; put templates there, or "
        "write ''"
    )


class Inventory(yaml.SafeLoader):
    """Reads YAML as Ansible does: a text that is no template has a tag."""


Inventory.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def test_the_examples_of_the_documentation_work() -> None:
    page = (Path(__file__).parents[3] / "docs" / "alerting.md").read_text()
    page = page.replace("{{ vault_heartbeat_url }}", "https://heartbeat.example.net/1")
    page = page.replace("{{ vault_slack_url }}", "https://hooks.slack.com/services/1")
    stated: dict[str, Any] = {}
    for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL):
        for name, value in yaml.load(block, Inventory).items():
            known = stated.get(name)
            stated[name] = {**value, **known} if isinstance(known, dict) else value

    del stated["alertmanager_templates_dir"]
    receivers = stated.pop("alertmanager_receivers")
    settings = {
        name.removeprefix("alertmanager_"): value
        for name, value in stated.items()
        if name.startswith("alertmanager_")
    }
    made: Any = alertmanager_config(receivers, templates=True, **settings)

    assert [one["name"] for one in made["config"]["receivers"]] == [*receivers, "none"]
    assert [one["receiver"] for one in made["config"]["route"]["routes"]] == [
        "heartbeat",
        "team",
        "none",
        "team",
        "on-call",
    ]
