# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vmauth's whole configuration: further users, and no placeholder left."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.auth_config import auth_config

GATEWAY: dict[str, object] = {
    "users": [{"username": "grafana", "password": "g1", "url_prefix": ["http://10.0.0.1:8428/"]}],
    "unauthorized_user": {"url_map": [{"src_paths": ["/health"]}]},
}
REPORTING = {"username": "reporting", "password": "r1", "url_prefix": "http://10.0.0.2:8428/"}


def test_further_users_come_after_the_gateways_own() -> None:
    config = auth_config(GATEWAY, [REPORTING])

    assert config == {**GATEWAY, "users": [GATEWAY["users"][0], REPORTING]}  # type: ignore[index]


def test_the_given_configuration_is_left_as_it_was() -> None:
    before = copy.deepcopy(GATEWAY)

    auth_config(GATEWAY, [REPORTING])

    assert before == GATEWAY


def test_a_configuration_of_further_users_alone_is_possible() -> None:
    assert auth_config({}, [REPORTING]) == {"users": [REPORTING]}


def test_a_percent_sign_alone_is_no_placeholder() -> None:
    user = {**REPORTING, "password": "100%-{x}"}

    assert auth_config({}, [user]) == {"users": [user]}


@pytest.mark.parametrize(
    ("config", "extra_users", "placeholder", "place"),
    [
        (GATEWAY, [{**REPORTING, "password": "%{REPORTING}"}], "%{REPORTING}", "users[1].password"),
        (
            GATEWAY,
            [{**REPORTING, "headers": ["X: a", "X-Token: %{TOKEN}"]}],
            "%{TOKEN}",
            "users[1].headers[1]",
        ),
        (
            {"unauthorized_user": {"url_prefix": "http://%{HOST}:1/"}},
            [],
            "%{HOST}",
            "unauthorized_user.url_prefix",
        ),
        ({}, [{"%{KEY}": "x"}], "%{KEY}", "the keys of users[0]"),
        # what follows is part of a password
        ({}, [{"password": "ab%{cd ef"}], "%{", "users[0].password"),
    ],
)
def test_a_placeholder_is_refused_wherever_it_is(
    config: dict[str, object], extra_users: list[dict[str, object]], placeholder: str, place: str
) -> None:
    with pytest.raises(ValueError, match="placeholder") as error:
        auth_config(config, extra_users)

    assert str(error.value) == (
        f"vmauth's configuration has the placeholder '{placeholder}' in {place}: "
        "write the value instead, vmauth would take the name of an unset variable literally"
    )


def test_users_that_are_not_a_list_are_named() -> None:
    with pytest.raises(ValueError, match=r"'users' that are not a list$"):
        auth_config({"users": "grafana"})
