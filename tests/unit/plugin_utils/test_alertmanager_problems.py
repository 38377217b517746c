"""Receivers and routes of all Alertmanagers are checked before any host is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_problems import (
    alertmanager_problems,
)

GROUPS = {"all": ["a1", "a2", "s1"], "alertmanager": ["a2", "a1"]}
RECEIVERS = {"chat": {"webhook": [{"url": "https://chat.example.net/s3cret"}]}}
RIGHT = {
    "alertmanager_receivers": RECEIVERS,
    "alertmanager_env_receivers": {"prod": "chat"},
    "alertmanager_group_wait": "10s",
    "alertmanager_port": 9093,
}
NO_URL = {"alertmanager_receivers": {"chat": {"webhook": [{}]}}}


@pytest.mark.parametrize(
    ("variables", "problems"),
    [
        pytest.param({}, [], id="nothing stated"),
        pytest.param({"a1": RIGHT, "a2": RIGHT}, [], id="right"),
        pytest.param(
            {"a1": NO_URL},
            [
                "webhook[0] of receiver 'chat' has no url; write the URL that alerts are posted to "
                "(host 'a1')"
            ],
            id="a receiver without a URL",
        ),
        pytest.param(
            {"a1": NO_URL, "a2": NO_URL},
            [
                "webhook[0] of receiver 'chat' has no url; write the URL that alerts are posted to "
                "(host 'a1' and 1 more)"
            ],
            id="on two hosts",
        ),
        pytest.param(
            {"a1": {**RIGHT, "alertmanager_group_wait": "soon"}},
            [
                "alertmanager_group_wait is 'soon', which is no duration; write one such as 30s or "
                "4h (host 'a1')"
            ],
            id="not a duration",
        ),
        pytest.param(
            {"a1": {"alertmanager_templates_dir": "/nowhere"}},
            [
                "alertmanager_templates_dir '/nowhere' is no folder on the controller; write the "
                "path of one, or '' (host 'a1')"
            ],
            id="templates that are not there",
        ),
        pytest.param(
            {"a1": {"alertmanager_smtp": "mail.example.net:25"}},
            ["alertmanager_smtp is no dictionary; write settings by name (host 'a1')"],
            id="a mail server of another form",
        ),
        pytest.param({"s1": NO_URL}, [], id="not this host's component"),
    ],
)
def test_problems(variables: dict[str, dict[str, Any]], problems: list[str]) -> None:
    assert alertmanager_problems(GROUPS, {"a1": {}, "a2": {}, **variables}) == problems


def test_a_value_that_needs_the_role_is_left_to_the_role() -> None:
    class Lazy(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise LookupError(key)

        def __iter__(self) -> Iterator[str]:
            return iter(["alertmanager_receivers"])

        def __len__(self) -> int:
            return 1

        def __contains__(self, key: object) -> bool:
            return key == "alertmanager_receivers"

    groups = {"alertmanager": ["a1"]}
    assert alertmanager_problems(groups, {"a1": Lazy()}, unreadable=(LookupError,)) == []


def test_an_inventory_may_have_no_alertmanager() -> None:
    assert alertmanager_problems({"all": ["s1"]}, {"s1": {}}) == []
