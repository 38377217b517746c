# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Grafana's own database: the section of grafana.ini, from the few settings that matter."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

SQLITE, POSTGRES = "sqlite3", "postgres"
_DEFAULTS: Mapping[str, object] = {
    "port": 5432,
    "name": "grafana",
    "user": "grafana",
    "ssl_mode": "disable",
}
_SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
_KEYS = ("type", "host", *_DEFAULTS, "ca_cert_path", "client_cert_path", "client_key_path")


class DatabaseError(ValueError):
    """A database that Grafana could not use; the message names the setting and the fix."""


def database(settings: Mapping[str, object], password: str) -> dict[str, object]:
    """Return the section ``database`` of grafana.ini; ``password`` is that of PostgreSQL.

    Raises DatabaseError.
    """
    for key in settings:
        if key not in _KEYS:
            raise DatabaseError(f"grafana_database has an unknown key '{key}'; {_hint(str(key))}")
    kind = settings.get("type", SQLITE)
    if kind == SQLITE:
        return {"type": SQLITE}
    if kind != POSTGRES:
        raise DatabaseError(f"grafana_database.type is '{kind}'; write {SQLITE} or {POSTGRES}")
    wanted = {**_DEFAULTS, **settings}
    host = str(wanted.pop("host", None) or "")
    if not host or "/" in host or host.count(":") == 1:
        raise DatabaseError(
            f"grafana_database.host is '{host}'; write the name or address of the PostgreSQL "
            "server, and its port as grafana_database.port"
        )
    if wanted["ssl_mode"] not in _SSL_MODES:
        raise DatabaseError(
            f"grafana_database.ssl_mode is '{wanted['ssl_mode']}'; "
            f"write one of {', '.join(_SSL_MODES)}"
        )
    # Grafana puts these into a line of key=value words as they are.
    for key, value in {**wanted, "password": password}.items():
        if any(sign in str(value) for sign in "'\\ "):
            raise DatabaseError(
                f"the {key} of grafana_database holds a space, a ' or a \\, which Grafana does not "
                "hand on to PostgreSQL; choose another one"
            )
    port = wanted.pop("port")
    address = f"[{host}]" if ":" in host else host
    return {**wanted, "host": f"{address}:{port}", "password": password}


def _hint(key: str) -> str:
    if key == "password":
        return "state it as grafana_database_password"
    close = get_close_matches(key, _KEYS, n=1)
    return f"write '{close[0]}'" if close else f"known: {', '.join(_KEYS)}"
