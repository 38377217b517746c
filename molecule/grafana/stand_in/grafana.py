#!/usr/bin/python3
"""Stands in for Grafana where its archive cannot be had; README.md beside this folder says why.

grafana server --homepath=FOLDER --config=FILE
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import re
import secrets
import sqlite3
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VERSION = "12.4.10"
PSQL = "/usr/lib/postgresql/17/bin/psql"
TABLES = (
    "CREATE TABLE users (login TEXT PRIMARY KEY, password TEXT)",
    "CREATE TABLE sessions (token TEXT PRIMARY KEY, login TEXT)",
    "CREATE TABLE data_sources (name TEXT PRIMARY KEY, content TEXT, prunable TEXT)",
)
# Long enough for another one that starts at once to be seen.
MIGRATION_SECONDS = 2


def log(message: str, **fields: object) -> None:
    print(json.dumps({"msg": message, **fields}), flush=True)


def expanded(value: str) -> str:
    """Replace $__file{path} by the file's content."""
    return re.sub(r"\$__file{([^}]+)}", lambda found: Path(found[1]).read_text().strip(), value)


def read_ini(path: Path) -> dict[str, dict[str, str]]:
    """Read a file of sections, keys and values, one value a line."""
    settings: dict[str, dict[str, str]] = {"": {}}
    section = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if text[0] == "[":
            section = text.strip("[]")
            settings.setdefault(section, {})
            continue
        key, separator, value = text.partition("=")
        if not separator:
            sys.exit(f"failed to parse {path}: line {number} has no '='")
        settings[section][key.strip()] = expanded(value.strip().strip("`"))
    return settings


class Database:
    """SQLite below the data folder, or PostgreSQL by way of psql."""

    def __init__(self, settings: dict[str, str], data: Path) -> None:
        self.settings = settings
        self.file = data / "grafana.db"

    def __call__(self, statement: str, **values: str) -> list[list[str]]:
        if self.settings["type"] == "sqlite3":
            with sqlite3.connect(self.file) as connection:
                return [list(row) for row in connection.execute(statement, values)]
        host, _, port = self.settings["host"].rpartition(":")
        command = [PSQL, "--no-psqlrc", "--csv", "--tuples-only", "--quiet", "-vON_ERROR_STOP=1"]
        command += [f"-v{name}={value}" for name, value in values.items()]
        connection_ = {
            "PGHOST": host,
            "PGPORT": port,
            "PGDATABASE": self.settings["name"],
            "PGUSER": self.settings["user"],
            "PGPASSWORD": self.settings["password"],
            "PGSSLMODE": self.settings["ssl_mode"],
            "PGCONNECT_TIMEOUT": "30",
        }
        done = subprocess.run(
            command,
            input=re.sub(r":(\w+)", r":'\1'", statement),
            env=connection_,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise OSError(done.stderr.strip())
        return list(csv.reader(done.stdout.splitlines()))


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def migrate(sql: Database, security: dict[str, str]) -> None:
    """Make the tables of an empty database, which only one may do at a time."""
    sql("CREATE TABLE IF NOT EXISTS migration (state TEXT)")
    state = [row[0] for row in sql("SELECT state FROM migration")]
    if state == ["running"]:
        sys.exit("failed to migrate: another server is making the tables of this database")
    if state:
        log("database is up to date")
        return
    sql("INSERT INTO migration VALUES ('running')")
    time.sleep(MIGRATION_SECONDS)
    for statement in TABLES:
        sql(statement)
    sql(
        "INSERT INTO users VALUES (:login, :password)",
        login=security["admin_user"],
        password=hashed(security["admin_password"]),
    )
    sql("UPDATE migration SET state = 'done'")
    log("database was empty, its tables are made")


def provision(sql: Database, folder: Path, read_yaml: Any) -> list[dict[str, Any]]:
    """Bring the data sources into the database; return the providers of dashboards."""
    wanted: dict[str, tuple[dict[str, Any], bool]] = {}
    for path in sorted((folder / "datasources").glob("*.yml")):
        content = read_yaml(path.read_text())
        for dead in content.get("deleteDatasources", ()):
            sql("DELETE FROM data_sources WHERE name = :name", name=dead["name"])
        for source in content.get("datasources", ()):
            for value in source.pop("secureJsonData", {}).values():
                expanded(value)
            wanted[source["name"]] = source, bool(content.get("prune"))
    if sum(bool(source.get("isDefault")) for source, _prune in wanted.values()) > 1:
        sys.exit("datasource.yaml config is invalid. Only one can be marked as default")
    for name, prunable in sql("SELECT name, prunable FROM data_sources"):
        if name in wanted or prunable == "true":
            sql("DELETE FROM data_sources WHERE name = :name", name=name)
    for name, (source, prune) in wanted.items():
        sql(
            "INSERT INTO data_sources VALUES (:name, :content, :prunable)",
            name=name,
            content=json.dumps(source),
            prunable=json.dumps(prune),
        )
    files = sorted((folder / "dashboards").glob("*.yml"))
    return [each for path in files for each in read_yaml(path.read_text())["providers"]]


class Handler(BaseHTTPRequestHandler):
    """The few answers of the API that the tests ask for."""

    sql: Database
    providers: list[dict[str, Any]]

    def answer(self, status: int, body: object, **headers: str) -> None:
        text = json.dumps(body, indent=2).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        log(format % args)

    def is_user(self, login: str, password: str) -> bool:
        return [[hashed(password)]] == self.sql(
            "SELECT password FROM users WHERE login = :login", login=login
        )

    def user(self) -> str:
        """Return who asks, '' where nobody is signed in."""
        kind, _, word = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            login, _, password = base64.b64decode(word).decode().partition(":")
            return login if self.is_user(login, password) else ""
        token = re.search(r"grafana_session=(\w+)", self.headers.get("Cookie", ""))
        if not token:
            return ""
        rows = self.sql("SELECT login FROM sessions WHERE token = :token", token=token[1])
        return rows[0][0] if rows else ""

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/login" or not self.is_user(given["user"], given["password"]):
            self.answer(401, {"message": "Invalid username or password"})
            return
        token = secrets.token_hex(16)
        self.sql("INSERT INTO sessions VALUES (:token, :login)", token=token, login=given["user"])
        cookie = f"grafana_session={token}; Path=/; HttpOnly; SameSite=Lax"
        self.answer(200, {"message": "Logged in"}, Set_Cookie=cookie)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/health":
            self.sql("SELECT state FROM migration")
            self.answer(200, {"database": "ok", "version": VERSION})
        elif not (login := self.user()):
            self.answer(401, {"message": "Unauthorized"})
        elif path == "/api/user":
            self.answer(200, {"login": login})
        elif path == "/api/datasources":
            rows = self.sql("SELECT content FROM data_sources ORDER BY name")
            sources = [json.loads(row[0]) for row in rows]
            self.answer(200, [{**one, "readOnly": not one.get("editable")} for one in sources])
        elif path == "/api/search":
            self.answer(200, list(self.dashboards()))
        else:
            self.answer(404, {"message": "Not found"})

    def dashboards(self) -> Any:
        for provider in self.providers:
            for path in sorted(Path(provider["options"]["path"]).glob("*.json")):
                dashboard = json.loads(path.read_text())
                folder = {"folderTitle": provider["folder"]}
                if "folderUid" in provider:
                    folder["folderUid"] = provider["folderUid"]
                yield {"uid": dashboard["uid"], "title": dashboard["title"], **folder}


def main() -> None:
    parser = argparse.ArgumentParser(prog="grafana")
    server = parser.add_subparsers(required=True).add_parser("server")
    server.add_argument("--homepath", type=Path, required=True)
    server.add_argument("--config", type=Path, required=True)
    flags = parser.parse_args()
    if not (flags.homepath / "conf" / "defaults.ini").is_file():
        sys.exit(f"Grafana-server Init Failed: no conf/defaults.ini below {flags.homepath}")
    sys.path.insert(0, str(flags.homepath / "lib"))
    import yaml  # noqa: PLC0415 - packed beside this program

    settings = read_ini(flags.config)
    data = Path(settings["paths"]["data"])
    sql = Database(settings["database"], data)
    migrate(sql, settings["security"])
    provisioning = Path(settings["paths"]["provisioning"])
    Handler.sql, Handler.providers = sql, provision(sql, provisioning, yaml.safe_load)
    address = settings["server"]["http_addr"], int(settings["server"]["http_port"])
    with ThreadingHTTPServer(address, Handler) as listening:
        log("HTTP Server Listen", address=address)
        listening.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"failed to start: {error}")
