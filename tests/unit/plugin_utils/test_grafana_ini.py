"""grafana.ini: names that Grafana knows, values it reads back, secrets in files of their own."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils import grafana_names
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_ini import (
    IniError,
    ini_files,
    render,
)
from hypothesis import given
from hypothesis import strategies as st

DIRECTORY = "/etc/meridian/grafana"
NEWER = "; if a newer version knows it, put it into grafana_extra_ini, which is not checked"
HEAD = "# Managed by meridian.metrics (grafana); a hand edit is undone by the next run.\n"


def files(
    own: dict[str, Any],
    *,
    derived: dict[str, Any] | None = None,
    unchecked: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Return the files' texts by path."""
    made = ini_files(derived or {}, own, unchecked or {}, directory=DIRECTORY)
    return {str(file["path"]): str(file["content"]) for file in made}


def ini(own: dict[str, Any], **more: Any) -> str:
    return files(own, **more)["grafana.ini"].removeprefix(HEAD)


def error(own: dict[str, Any], **more: Any) -> str:
    with pytest.raises(IniError) as caught:
        files(own, **more)
    return str(caught.value)


# Names


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (
            {"servr": {"http_port": 1}},
            "grafana_ini has a section 'servr' that Grafana does not know; write 'server'",
        ),
        (
            {"server": {"http_prt": 1}},
            "grafana_ini.server has a key 'http_prt' that Grafana does not know there; "
            "write 'http_port'",
        ),
        (
            {"security": {"root_url": "x"}},
            "grafana_ini.security has a key 'root_url' that Grafana does not know there; "
            "it belongs to the section 'server'",
        ),
        (
            {"server": {"zzz": 1}},
            f"grafana_ini.server has a key 'zzz' that Grafana does not know there{NEWER}",
        ),
        ({"qqq": {}}, f"grafana_ini has a section 'qqq' that Grafana does not know{NEWER}"),
        (
            {"auth.gihub": {"enabled": True}},
            "grafana_ini has a section 'auth.gihub' that Grafana does not know; "
            "write 'auth.github'",
        ),
        (
            {"servr": None},
            "grafana_ini has a section 'servr' that Grafana does not know; write 'server'",
        ),
        (
            {"server": "x"},
            "grafana_ini.server is no dictionary; write the keys of the section 'server' below it",
        ),
        (
            {"http_port": 3000},
            "grafana_ini.http_port is no dictionary; put it below its section, "
            "only app_mode, instance_name, target stand outside of one",
        ),
    ],
)
def test_a_name_that_grafana_would_ignore_is_refused_with_the_fix(
    own: dict[str, Any], expected: str
) -> None:
    assert error(own) == expected


def test_all_wrong_names_are_told_at_once() -> None:
    assert error({"servr": {}, "log": {"levl": "warn"}}).split("; ") == [
        "grafana_ini has a section 'servr' that Grafana does not know",
        "write 'server'",
        "grafana_ini.log has a key 'levl' that Grafana does not know there",
        "write 'level'",
    ]


@pytest.mark.parametrize(
    "own",
    [
        {"plugin.my-app": {"path": "/x"}},
        {"auth.saml": {"enabled": True}},
        {"unified_storage.dashboards.dashboard.grafana.app": {"dualWriterMode": 5}},
        {"feature_toggles": {"someToggle": True}},
        {"server.custom_response_headers": {"X-Any": "1"}},
        {"metrics.environment_info": {"anything": "1"}},
        {"log": {"filters": "sqlstore:debug,provisioning:debug"}},
        {"instance_name": "one"},
    ],
)
def test_sections_that_take_any_key_are_left_to_the_operator(own: dict[str, Any]) -> None:
    section, value = next(iter(own.items()))
    keys = value if isinstance(value, dict) else {section: value}
    assert all(f"{key} = " in ini(own) for key in keys)


def test_what_a_newer_version_knows_is_taken_unchecked() -> None:
    made = ini({"server": {"http_port": 1}}, unchecked={"server": {"http4": True}, "new": {"a": 1}})
    assert made == "\n[new]\na = 1\n\n[server]\nhttp4 = true\nhttp_port = 1\n"


def test_every_known_name_is_accepted() -> None:
    own = {
        section: dict.fromkeys(keys, "1") for section, keys in grafana_names.INI.items() if section
    }
    assert len(ini(own).splitlines()) > 600


# Values


def test_the_operators_settings_win_and_null_takes_one_away() -> None:
    derived = {"log": {"mode": "console", "level": "info"}, "news": {"news_feed_enabled": False}}
    own = {"log": {"level": "warn", "mode": None}, "news": None, "instance_name": "one"}
    assert ini(own, derived=derived) == "instance_name = one\n\n[log]\nlevel = warn\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain text", "plain text"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.5, "0.5"),
        (["a", "b c", 1], "a,b c,1"),
        ("50%", "50%"),
        ("%(protocol)s://x/", "%(protocol)s://x/"),
        ("${HOSTNAME}", "${HOSTNAME}"),
        ("a;b", "`a;b`"),
        ("a # b", "`a # b`"),
        (" a", "` a`"),
        ("a\\", "`a\\`"),
        ("'a'", "`'a'`"),
        ('"a" b', '`"a" b`'),
        ("a`;b", "`a`;b`"),
        ("a\nb", "`a\nb`"),
        ("`a\nb", '"""`a\nb"""'),
        ("", ""),
    ],
)
def test_values_are_quoted_where_the_parser_would_change_them(value: Any, written: str) -> None:
    assert ini({"log": {"filters": value}}) == f"\n[log]\nfilters = {written}".rstrip(" ") + "\n"


@given(st.text(alphabet="a \t#;=%'\"`\\\n\r[]$", max_size=8))
def test_what_is_written_reads_back_as_it_was(value: str) -> None:
    try:
        text = render({"s": {"k": value, "next": "1"}})
    except IniError:
        assert "\n" in value
        assert "`" in value
        assert '"""' in value
    else:
        assert read_back(text) == {"k": value, "next": "1"}


def read_back(text: str) -> dict[str, str]:
    """Read a section as Grafana's parser (go-ini with its defaults) does."""
    found = {}
    lines = iter(text.split("[s]\n", 1)[1].split("\n"))
    for line in lines:
        if not line.strip():
            continue
        key, _, rest = line.partition("=")
        found[key.strip()] = read_value(rest.lstrip(), lines)
    return found


def read_value(rest: str, lines: Any) -> str:
    quote = '"""' if rest.startswith('"""') else "`" if rest.startswith("`") else ""
    if not quote:
        assert not rest.rstrip().endswith("\\"), "the next line would be joined"
        value = rest.split("#", maxsplit=1)[0].split(";", maxsplit=1)[0].strip()
        for sign in "'\"":
            if len(value) > 1 and value[0] == value[-1] == sign and sign not in value[1:-1]:
                value = value[1:-1]
        return value
    held = rest[len(quote) :]
    if quote in held:
        return held[: held.rindex(quote)]
    while quote not in (line := next(lines)):
        held += "\n" + line
    return held + "\n" + line[: line.rindex(quote)]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (
            {"log": {"filters": {"a": 1}}},
            "grafana_ini.log.filters is neither text, a number, a boolean, nor a list of these",
        ),
        (
            {"metrics.environment_info": {"a b": 1}},
            "grafana_ini.metrics.environment_info.a b has a name with other characters than "
            "letters, digits, '_', '.', '-'",
        ),
        (
            {"log": {"filters": '`a\n"""'}},
            "grafana.ini cannot hold the value of log.filters: it has line breaks, a ` and three "
            'quotes """; put it into a file of grafana_extra_files and write $__file{path}',
        ),
    ],
)
def test_what_an_ini_file_cannot_hold_is_refused(own: dict[str, Any], expected: str) -> None:
    assert error(own) == expected


# Secrets


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("security", "admin_password"),
        ("security", "secret_key"),
        ("database", "password"),
        ("database", "url"),
        ("smtp", "password"),
        ("auth.generic_oauth", "client_secret"),
        ("remote_cache", "connstr"),
        ("external_image_storage.azure_blob", "account_key"),
        ("rendering", "renderer_token"),
        ("server", "cert_pass"),
        ("plugin.my-app", "api_key"),
    ],
)
def test_a_secret_goes_into_a_file_of_its_own(section: str, key: str) -> None:
    made = ini_files({}, {section: {key: "hush; hush"}}, {}, directory=DIRECTORY)

    path = f"secrets/{section}.{key}"
    assert made[1:] == [{"path": path, "content": "hush; hush", "secret": True}]
    assert f"{key} = $__file{{{DIRECTORY}/{path}}}" in str(made[0]["content"])
    assert "hush" not in str(made[0]["content"])


@pytest.mark.parametrize("value", ["$__file{/etc/own}", "$__env{NAME}", "$__vault{a:b}", "", None])
def test_a_secret_that_lies_elsewhere_stays_there(value: str | None) -> None:
    assert list(files({"smtp": {"password": value}})) == ["grafana.ini"]


@pytest.mark.parametrize(
    "key", ["password_hint", "login_hint", "disable_gravatar", "token_rotation_interval_minutes"]
)
def test_what_only_sounds_like_a_secret_stays_visible(key: str) -> None:
    assert list(files({}, unchecked={"any": {key: "value"}})) == ["grafana.ini"]


@pytest.mark.parametrize(
    ("own", "secure"),
    [
        ({"server": {"root_url": "https://graphs.example.net/"}}, "true"),
        ({"server": {"root_url": "http://graphs.example.net/"}}, None),
        (
            {"server": {"root_url": "https://x/"}, "security": {"cookie_secure": False}},
            "false",
        ),
        ({}, None),
    ],
)
def test_cookies_are_for_https_alone_where_browsers_use_it(
    own: dict[str, Any], secure: str | None
) -> None:
    assert (f"cookie_secure = {secure}" in ini(own)) == (secure is not None)
    assert ("cookie_secure" in ini(own)) == (secure is not None)
