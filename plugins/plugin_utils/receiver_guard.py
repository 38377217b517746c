# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of a receiver's guard: HAProxy, which lets known senders through.

Each kind of refusal is a backend of its own, so that HAProxy counts it under its own name. The
text of a refusal reaches the log of the sender: Prometheus prints the first line of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import (
    networks,
    sender_passwords,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.topology import authority

_USERS = "senders"
WRITE_PATH = "/api/v1/write"
HEALTH_PATH = "/-/healthy"
# What the local Prometheus answers to those who may send; its other pages stay on the host.
QUERY_PATHS = (
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/metadata",
)
LABEL_VALUES_PATH = "/api/v1/label/"

_AS_METRICS = "http-request set-path /metrics"
_SETTINGS = """\
global
    log stdout format raw daemon info
    # A reload lets the old process finish what it holds, for this long.
    hard-stop-after 30s

defaults
    mode http
    log global
    option httplog
    # Whoever connects and sends nothing, such as a health check by TCP, is not worth a line.
    option dontlognull
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    timeout http-request 30s
"""


def guard_config(
    layout: Mapping[str, Any],
    *,
    senders: Sequence[str] = (),
    allowed_addresses: Sequence[str] = (),
) -> str:
    """Return haproxy.cfg for a receiver's ``layout``; it holds no secret.

    Without ``senders`` no password is asked for, without ``allowed_addresses`` any address may
    send. Raises ReceiverError for what cannot be used.
    """
    allowed = networks(allowed_addresses)
    sections = [_SETTINGS]
    agent, prometheus = layout["agent"]["url"], layout["prometheus"]["url"]
    sections += [
        _section("frontend door", _door(_authority(layout["door"]), bool(senders), allowed)),
        _section("frontend metrics", _metrics(_authority(layout["metrics"]))),
        _section("backend door", [_server(layout["writes"])]),
        _section("backend queries", [_server(prometheus)]),
        _section("backend agent_metrics", [_AS_METRICS, _server(agent)]),
        _section("backend prometheus_metrics", [_AS_METRICS, _server(prometheus)]),
    ]
    if allowed:
        text = "%[src] may not send here; it is not in prometheus_receiver_allowed_addresses"
        sections.append(_refusal("refused_address", 403, text))
    if senders:
        text = "user name or password is missing or wrong; see prometheus_receiver_senders"
        realm = "hdr WWW-Authenticate 'Basic realm=\"prometheus_receiver\"'"
        sections.append(_refusal("refused_credentials", 401, text, realm))
    text = f"this is a receiver of remote writes, at {WRITE_PATH}"
    sections.append(_refusal("refused_path", 404, text))
    return "\n".join(sections)


def guard_users(senders: Sequence[str], passwords: Mapping[str, str]) -> str:
    """Return the file beside haproxy.cfg that holds the senders' passwords."""
    users = sender_passwords(senders, passwords)
    lines = [f"user {user} insecure-password {_quoted(users[user])}" for user in users]
    return _section(f"userlist {_USERS}", lines)


def _door(listen: str, asks_for_password: bool, allowed: Sequence[str]) -> list[str]:
    """The rules of the senders' port; the first that matches decides."""
    lines = [
        f"bind {listen}",
        # What is let through leaves no line in the log, what is refused does.
        "http-request set-log-level silent",
        f"acl is_health path {HEALTH_PATH}",
        f"acl is_write path {WRITE_PATH}",
        f"acl is_query path {' '.join(QUERY_PATHS)}",
        f"acl is_query path_beg {LABEL_VALUES_PATH}",
        *(f"acl is_allowed src {network}" for network in allowed),
    ]
    if asks_for_password:
        lines.append(f"acl is_known http_auth({_USERS})")
    lines.append("use_backend door if is_health")
    if allowed:
        lines.append("use_backend refused_address unless is_allowed")
    lines.append("use_backend refused_path unless is_write or is_query")
    if asks_for_password:
        lines.append("use_backend refused_credentials unless is_known")
    lines += ["use_backend queries if is_query", "default_backend door"]
    return lines


def _metrics(listen: str) -> list[str]:
    """The port of the metrics: the guard's own, and those of the programs behind it."""
    return [
        f"bind {listen}",
        "http-request set-log-level silent",
        "http-request use-service prometheus-exporter if { path /metrics }",
        "use_backend agent_metrics if { path /agent/metrics }",
        "use_backend prometheus_metrics if { path /prometheus/metrics }",
        "default_backend refused_path",
    ]


def _refusal(name: str, status: int, text: str, *more: str) -> str:
    answer = [f"http-request return status {status} content-type text/plain"]
    answer += [f'lf-string "{text}\\n"', *more]
    return _section(f"backend {name}", ["http-request set-log-level warning", " ".join(answer)])


def _authority(listen: Mapping[str, Any]) -> str:
    return authority(listen["address"], listen["port"])


def _server(url: str) -> str:
    """The one server of a backend, without health checks: it either takes a request or not."""
    return f"server local {url.partition('://')[2]}"


def _section(head: str, lines: Sequence[str]) -> str:
    return "".join([f"{head}\n", *(f"    {line}\n" for line in lines)])


def _quoted(text: str) -> str:
    """Between single quotes HAProxy takes everything literally."""
    inner = text.replace("'", "'\\''")
    return f"'{inner}'"
