"""Grafana's own database: SQLite without any setting, PostgreSQL with the few that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_database import (
    DatabaseError,
    database,
)

POSTGRES = {"type": "postgres", "host": "db.example.net"}
READ = "write the name or address of the PostgreSQL server, and its port as grafana_database.port"


@pytest.mark.parametrize("settings", [{}, {"type": "sqlite3"}])
def test_sqlite_needs_nothing_and_gets_no_password(settings: dict[str, Any]) -> None:
    assert database(settings, "hush") == {"type": "sqlite3"}


def test_postgres_needs_only_a_host() -> None:
    assert database(POSTGRES, "hush") == {
        "type": "postgres",
        "host": "db.example.net:5432",
        "name": "grafana",
        "user": "grafana",
        "ssl_mode": "disable",
        "password": "hush",
    }


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ({"port": 5433}, "host", "db.example.net:5433"),
        ({"host": "2001:db8::5"}, "host", "[2001:db8::5]:5432"),
        ({"ssl_mode": "verify-full"}, "ssl_mode", "verify-full"),
        ({"ca_cert_path": "/etc/ca.pem"}, "ca_cert_path", "/etc/ca.pem"),
    ],
)
def test_other_settings_of_postgres_are_taken(more: dict[str, Any], key: str, value: str) -> None:
    assert database({**POSTGRES, **more}, "hush")[key] == value


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"type": "mysql"},
            "grafana_database.type is 'mysql'; write sqlite3 or postgres",
        ),
        ({"type": "postgres"}, f"grafana_database.host is ''; {READ}"),
        ({**POSTGRES, "host": "db:5432"}, f"grafana_database.host is 'db:5432'; {READ}"),
        ({**POSTGRES, "host": "/run/x"}, f"grafana_database.host is '/run/x'; {READ}"),
        (
            {**POSTGRES, "ssl_mode": "on"},
            "grafana_database.ssl_mode is 'on'; "
            "write one of disable, require, verify-ca, verify-full",
        ),
        (
            {**POSTGRES, "sslmode": "require"},
            "grafana_database has an unknown key 'sslmode'; write 'ssl_mode'",
        ),
        (
            {**POSTGRES, "password": "hush"},
            "grafana_database has an unknown key 'password'; state it as grafana_database_password",
        ),
        (
            {**POSTGRES, "zzz": 1},
            "grafana_database has an unknown key 'zzz'; known: type, host, port, name, user, "
            "ssl_mode, ca_cert_path, client_cert_path, client_key_path",
        ),
        (
            {**POSTGRES, "user": "it's"},
            "the user of grafana_database holds a space, a ' or a \\, which Grafana does not hand "
            "on to PostgreSQL; choose another one",
        ),
    ],
)
def test_what_grafana_could_not_use_is_refused(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        database(settings, "hush")
    assert str(caught.value) == expected


def test_a_password_that_would_not_arrive_is_refused_and_not_shown() -> None:
    with pytest.raises(DatabaseError) as caught:
        database(POSTGRES, "qui'et")
    assert str(caught.value) == (
        "the password of grafana_database holds a space, a ' or a \\, which Grafana does not hand "
        "on to PostgreSQL; choose another one"
    )
