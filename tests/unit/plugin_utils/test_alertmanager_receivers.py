"""Receivers of alerts: Alertmanager's form, secrets as files, and what is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_receivers import (
    KINDS,
    SECRETS_DIR,
    Declared,
    receivers,
    smtp_settings,
)

SMTP: dict[str, object] = {"smarthost": "mail.example.net:587", "from": "alerts@example.net"}
COMPLETE: dict[str, dict[str, object]] = {
    "webhook": {"url": "https://hooks.example.net/s3cret"},
    "slack": {"api_url": "https://hooks.slack.com/services/s3cret", "channel": "#operations"},
    "pagerduty": {"routing_key": "s3cret", "severity": "critical"},
    "email": {"to": "operations@example.net"},
}


def made(declared: dict[str, Any], smtp: dict[str, object] | None = None) -> Declared:
    (one,) = receivers(declared, SMTP if smtp is None else smtp)
    return one


def only(kind: str, **settings: object) -> Declared:
    return made({"one": {kind: [settings]}})


def problem(declared: dict[str, Any], smtp: dict[str, object] | None = None) -> str:
    with pytest.raises(ValueError, match=r".") as error:
        made(declared, smtp)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "key"), [("webhook", "url"), ("slack", "api_url"), ("pagerduty", "routing_key")]
)
def test_a_secret_becomes_a_file_that_the_configuration_names(kind: str, key: str) -> None:
    result = only(kind, **COMPLETE[kind])

    path = f"{SECRETS_DIR}/one.{kind}.0.{key}"
    assert result.secrets == {path: COMPLETE[kind][key]}
    (config,) = result.config[f"{kind}_configs"]  # type: ignore[misc]
    assert config[f"{key}_file"] == path
    assert "s3cret" not in json.dumps(result.config)


def test_other_settings_are_passed_on() -> None:
    assert only("slack", **COMPLETE["slack"], link_names=True).config == {
        "name": "one",
        "slack_configs": [
            {
                "send_resolved": True,
                "api_url_file": f"{SECRETS_DIR}/one.slack.0.api_url",
                "channel": "#operations",
                "link_names": True,
            }
        ],
    }


def test_one_receiver_tells_in_several_ways() -> None:
    result = made({"one": {kind: [settings, settings] for kind, settings in COMPLETE.items()}})

    assert set(result.config) == {"name", *(f"{kind}_configs" for kind in KINDS)}
    assert len(result.secrets) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_that_an_alert_is_over(kind: str) -> None:
    assert only(kind, **COMPLETE[kind]).config[f"{kind}_configs"][0]["send_resolved"]  # type: ignore[index]


def test_the_end_of_an_alert_can_be_left_out() -> None:
    result = only("webhook", **COMPLETE["webhook"], send_resolved=False)

    assert result.config["webhook_configs"][0]["send_resolved"] is False  # type: ignore[index]


def test_a_file_of_the_operators_is_named_as_it_is() -> None:
    result = only("pagerduty", routing_key_file="/etc/pagerduty/key")

    assert result.secrets == {}
    (config,) = result.config["pagerduty_configs"]  # type: ignore[misc]
    assert config["routing_key_file"] == "/etc/pagerduty/key"


def test_white_space_around_a_secret_is_no_part_of_it() -> None:
    result = only("webhook", url=" https://hooks.example.net/s3cret\n")

    assert list(result.secrets.values()) == ["https://hooks.example.net/s3cret"]


def test_secrets_of_an_http_client_become_files_too() -> None:
    result = only(
        "webhook",
        **COMPLETE["webhook"],
        http_config={
            "proxy_url": "http://proxy:3128",
            "basic_auth": {"username": "meridian", "password": "s3cret-1"},
            "oauth2": {"client_id": "m", "client_secret": "s3cret-2", "tls_config": {"key": "k"}},
        },
    )

    folder = f"{SECRETS_DIR}/one.webhook.0.http_config"
    assert result.config["webhook_configs"][0]["http_config"] == {  # type: ignore[index]
        "proxy_url": "http://proxy:3128",
        "basic_auth": {
            "username": "meridian",
            "password_file": f"{folder}.basic_auth.password",
        },
        "oauth2": {
            "client_id": "m",
            "client_secret_file": f"{folder}.oauth2.client_secret",
            "tls_config": {"key_file": f"{folder}.oauth2.tls_config.key"},
        },
    }
    assert result.secrets[f"{folder}.basic_auth.password"] == "s3cret-1"
    assert result.secrets[f"{folder}.oauth2.client_secret"] == "s3cret-2"
    assert result.secrets[f"{folder}.oauth2.tls_config.key"] == "k"


def test_a_header_may_be_named_like_a_secret() -> None:
    headers = {"password": {"values": ["none"]}}
    result = only("webhook", **COMPLETE["webhook"], http_config={"http_headers": headers})

    (config,) = result.config["webhook_configs"]  # type: ignore[misc]
    assert config["http_config"] == {"http_headers": headers}


def test_what_is_declared_is_left_as_it_was() -> None:
    declared = {"one": {"webhook": [{**COMPLETE["webhook"], "http_config": {"password": "x"}}]}}
    before = copy.deepcopy(declared)

    made(declared)

    assert declared == before


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "webhook",
            {},
            "webhook[0] of receiver 'one' has no url; write the URL that alerts are posted to",
        ),
        (
            "webhook",
            {"url": " "},
            "webhook[0] of receiver 'one' has no url; write the URL that alerts are posted to",
        ),
        (
            "webhook",
            {"url": "hooks.example.net/s3cret"},
            "url in webhook[0] of receiver 'one' is no URL; write one that starts with http:// or "
            "https://",
        ),
        (
            "webhook",
            {"url": "https://h/s3cret", "url_file": "/etc/url"},
            "webhook[0] of receiver 'one' has both url and url_file; keep one of the two",
        ),
        (
            "slack",
            {"channel": "#operations"},
            "slack[0] of receiver 'one' has no api_url or app_token; write the URL of an incoming "
            "webhook, or a bot's token",
        ),
        (
            "slack",
            {"api_url": "s3cret"},
            "api_url in slack[0] of receiver 'one' is no URL; write one that starts with http:// "
            "or https://",
        ),
        (
            "slack",
            {"api_url": "https://h/s3cret", "chanel": "#operations"},
            "slack[0] of receiver 'one' has the unknown key 'chanel'; write 'channel'",
        ),
        (
            "pagerduty",
            {"routing_key": None},
            "pagerduty[0] of receiver 'one' has no routing_key or service_key; write the "
            "integration key of a service",
        ),
        (
            "pagerduty",
            {"routing_key": "s3cret", "url": "pagerduty"},
            "url in pagerduty[0] of receiver 'one' is no URL; write one that starts with http:// "
            "or https://",
        ),
        (
            "email",
            {"to": ""},
            "email[0] of receiver 'one' has no to; write the address that mail is sent to",
        ),
        (
            "email",
            {"to": "a@example.net", "smarthost": "mail"},
            "smarthost 'mail' in email[0] of receiver 'one' has no port; write host:port, such as "
            "mail.example.net:587",
        ),
        (
            "webhook",
            {
                "url": "https://h/s3cret",
                "http_config": {"http_headers": {"X-Token": {"secrets": ["s3cret"]}}},
            },
            "X-Token of http_headers of http_config in webhook[0] of receiver 'one' has secrets in "
            "it; write 'files' with paths instead",
        ),
        (
            "webhook",
            {"url": "https://h/s3cret", "http_config": "s3cret"},
            "http_config in webhook[0] of receiver 'one' is no dictionary; write settings by name",
        ),
    ],
)
def test_a_receiver_that_cannot_work_is_refused_without_its_secret(
    kind: str, settings: dict[str, object], message: str
) -> None:
    assert problem({"one": {kind: [settings]}}) == message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            {"one": {"webhok": [COMPLETE["webhook"]]}},
            "receiver 'one' has the unknown key 'webhok'; write 'webhook'",
        ),
        (
            {"one": {"carrier_pigeon": []}},
            "receiver 'one' has the unknown key 'carrier_pigeon'; write one of: email, pagerduty, "
            "slack, webhook",
        ),
        (
            {"one": {}},
            "receiver 'one' notifies nobody; give it one of: webhook, slack, pagerduty, email",
        ),
        (
            {"one": {"webhook": []}},
            "receiver 'one' notifies nobody; give it one of: webhook, slack, pagerduty, email",
        ),
        (
            {"one": {"webhook": COMPLETE["webhook"]}},
            "webhook of receiver 'one' is no list; write '- ' before each entry",
        ),
        (
            {"one": {"webhook": ["https://h/s3cret"]}},
            "webhook[0] of receiver 'one' is no dictionary; write settings by name",
        ),
        ({"one": None}, "receiver 'one' is no dictionary; write settings by name"),
        (
            {"a/b": {"webhook": [COMPLETE["webhook"]]}},
            "receiver 'a/b' in alertmanager_receivers has a name that is no file name; write "
            "letters, digits, '_' and '-'",
        ),
        (
            {"none": {"webhook": [COMPLETE["webhook"]]}},
            "receiver 'none' in alertmanager_receivers has the name of the one that sends "
            "nothing; choose another name",
        ),
    ],
)
def test_receivers_of_another_form_are_refused(declared: dict[str, Any], message: str) -> None:
    assert problem(declared) == message


@pytest.mark.parametrize(
    ("key", "example"), [("smarthost", "mail.example.net:587"), ("from", "alerts@example.net")]
)
def test_mail_needs_a_server_and_a_sender(key: str, example: str) -> None:
    without = {name: value for name, value in SMTP.items() if name != key}

    assert problem({"one": {"email": [COMPLETE["email"]]}}, without) == (
        f"email[0] of receiver 'one' has no {key}; state it in alertmanager_smtp, such as {example}"
    )


def test_a_receiver_may_have_a_mail_server_of_its_own() -> None:
    result = made({"one": {"email": [{**COMPLETE["email"], **SMTP}]}}, {})

    assert result.config["email_configs"] == [
        {"send_resolved": True, "to": "operations@example.net", **SMTP}
    ]


def test_the_password_of_the_mail_server_becomes_a_file() -> None:
    result = smtp_settings({**SMTP, "auth_username": "alerts", "auth_password": "s3cret"})

    path = f"{SECRETS_DIR}/smtp.auth_password"
    assert result.secrets == {path: "s3cret"}
    assert result.config == {
        "smtp_smarthost": "mail.example.net:587",
        "smtp_from": "alerts@example.net",
        "smtp_auth_username": "alerts",
        "smtp_auth_password_file": path,
    }


@pytest.mark.parametrize(
    ("smtp", "message"),
    [
        (
            {"smarthosts": "mail.example.net:587"},
            "alertmanager_smtp has the unknown key 'smarthosts'; write 'smarthost'",
        ),
        (
            {"smarthost": "mail.example.net"},
            "smarthost 'mail.example.net' in alertmanager_smtp has no port; write host:port, such "
            "as mail.example.net:587",
        ),
    ],
)
def test_a_mail_server_that_cannot_work_is_refused(smtp: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        smtp_settings(smtp)

    assert str(error.value) == message


def test_a_mail_server_may_have_an_ip_address() -> None:
    for smarthost in ("10.0.0.1:25", "[2001:db8::1]:25"):
        assert smtp_settings({"smarthost": smarthost}).config == {"smtp_smarthost": smarthost}
