# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Receivers of alerts: what Alertmanager's configuration says of them, and their secrets as files.

No URL, key or password stays in the configuration: each goes into a file of its own, and the
configuration names that file. An error never shows a value that could be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

NOBODY = "none"
"""The receiver that sends nothing; what is routed to it is only shown by Alertmanager itself."""

SECRETS_DIR = "/etc/meridian/alertmanager/secrets"
_SMTP = "alertmanager_smtp"

_RECEIVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")
_SMARTHOST = re.compile(r"[^\s:]+:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+")
# Secrets of HTTP clients and TLS, by their key; each has a twin that names a file.
_CLIENT_SECRETS = ("bearer_token", "client_secret", "credentials", "key", "password")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to notify, such as webhook."""

    settings: frozenset[str]
    secrets: tuple[str, ...]
    needs: tuple[str, ...]
    """One of these settings says where it notifies; a secret may be stated by its file too."""
    what: str
    """What these settings are, for people."""


def _kind(settings: str, *, needs: str, what: str, secrets: str = "") -> Kind:
    named = {*settings.split(), "send_resolved"}
    hidden = tuple(secrets.split())
    return Kind(
        settings=frozenset(named | {*hidden} | {f"{name}_file" for name in hidden}),
        secrets=hidden,
        needs=tuple(needs.split()),
        what=what,
    )


KINDS: Mapping[str, Kind] = {
    "webhook": _kind(
        "http_config max_alerts timeout payload",
        secrets="url",
        needs="url",
        what="the URL that alerts are posted to",
    ),
    "slack": _kind(
        "http_config app_url channel username color title title_link pretext text message_text "
        "fields short_fields footer fallback callback_id icon_emoji icon_url image_url thumb_url "
        "link_names mrkdwn_in actions update_message timeout",
        secrets="api_url app_token",
        needs="api_url app_token",
        what="the URL of an incoming webhook, or a bot's token",
    ),
    "pagerduty": _kind(
        "http_config url client client_url description details images links source severity class "
        "component group timeout",
        secrets="routing_key service_key",
        needs="routing_key service_key",
        what="the integration key of a service",
    ),
    "email": _kind(
        "to from hello smarthost auth_username auth_identity headers html text require_tls "
        "tls_config force_implicit_tls threading",
        secrets="auth_password",
        needs="to",
        what="the address that mail is sent to",
    ),
}
SMTP_SETTINGS = (
    "smarthost",
    "from",
    "hello",
    "auth_username",
    "auth_password",
    "auth_password_file",
    "auth_identity",
    "require_tls",
    "tls_config",
    "force_implicit_tls",
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A part of the configuration, and the secret texts that it refers to, by their path."""

    config: dict[str, object] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def unknown(place: str, name: object, known: Sequence[str] | frozenset[str]) -> ValueError:
    """Say that a key is none of the known ones, with the nearest one or all of them."""
    nearest = get_close_matches(f"{name}", known, n=1)
    fix = f"write '{nearest[0]}'" if nearest else f"write one of: {', '.join(sorted(known))}"
    return ValueError(f"{place} has the unknown key '{name}'; {fix}")


def mapping(place: str, value: object) -> Mapping[str, object]:
    """The value as a dictionary; ValueError names the place of one that is none."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} is no dictionary; write settings by name")
    return value


def listed(place: str, value: object) -> Sequence[object]:
    """The value as a list; ValueError names the place of one that is none."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise ValueError(f"{place} is no list; write '- ' before each entry")
    return value


def receivers(declared: Mapping[str, object], smtp: Mapping[str, object]) -> Iterator[Declared]:
    """Yield each receiver in Alertmanager's form, with its secrets. Raises ValueError."""
    for name, ways in declared.items():
        place = f"receiver '{name}'"
        if not _RECEIVER_NAME.fullmatch(f"{name}"):
            raise ValueError(
                f"{place} in alertmanager_receivers has a name that is no file name; write "
                "letters, digits, '_' and '-'"
            )
        if name == NOBODY:
            raise ValueError(
                f"{place} in alertmanager_receivers has the name of the one that sends nothing; "
                "choose another name"
            )
        yield _receiver(f"{name}", place, mapping(place, ways), smtp)


def _receiver(
    name: str, place: str, ways: Mapping[str, object], smtp: Mapping[str, object]
) -> Declared:
    made = Declared(config={"name": name})
    for kind, entries in ways.items():
        if kind not in KINDS:
            raise unknown(place, kind, tuple(KINDS))
        configs = []
        for index, entry in enumerate(listed(f"{kind} of {place}", entries)):
            at = f"{kind}[{index}] of {place}"
            settings = mapping(at, entry)
            _check(at, f"{kind}", settings, smtp)
            one = _without_secrets(settings, KINDS[kind].secrets, f"{name}.{kind}.{index}", at)
            # Slack and e-mail would not be told that it is over.
            configs.append({"send_resolved": True, **one.config})
            made.secrets.update(one.secrets)
        made.config[f"{kind}_configs"] = configs
    if not any(made.config[f"{kind}_configs"] for kind in ways):
        raise ValueError(f"{place} notifies nobody; give it one of: {', '.join(KINDS)}")
    return made


def _check(
    place: str, name: str, settings: Mapping[str, object], smtp: Mapping[str, object]
) -> None:
    """Refuse what Alertmanager would refuse, or take and never be able to send."""
    kind = KINDS[name]
    for key in settings:
        if key not in kind.settings:
            raise unknown(place, key, kind.settings)
    stated = [key for key in settings if not _is_blank(settings[key])]
    if not {*kind.needs, *(f"{key}_file" for key in kind.needs)} & set(stated):
        raise ValueError(f"{place} has no {' or '.join(kind.needs)}; write {kind.what}")
    for key in ("url", "api_url"):
        if key in stated and not _URL.fullmatch(f"{settings[key]}".strip()):
            raise ValueError(
                f"{key} in {place} is no URL; write one that starts with http:// or https://"
            )
    if name == "email":
        _check_mail_server(place, settings, smtp)


def _check_mail_server(
    place: str, settings: Mapping[str, object], smtp: Mapping[str, object]
) -> None:
    for key, example in (("smarthost", "mail.example.net:587"), ("from", "alerts@example.net")):
        if _is_blank(settings.get(key)) and _is_blank(smtp.get(key)):
            raise ValueError(f"{place} has no {key}; state it in {_SMTP}, such as {example}")
    if not _is_blank(settings.get("smarthost")):
        _check_smarthost(place, settings)


def _check_smarthost(place: str, settings: Mapping[str, object]) -> None:
    smarthost = f"{settings['smarthost']}"
    if not _SMARTHOST.fullmatch(smarthost):
        raise ValueError(
            f"smarthost '{smarthost}' in {place} has no port; write host:port, such as "
            "mail.example.net:587"
        )


def smtp_settings(smtp: Mapping[str, object]) -> Declared:
    """The global settings of mail in Alertmanager's form, with their secrets. Raises ValueError."""
    for key in smtp:
        if key not in SMTP_SETTINGS:
            raise unknown(_SMTP, key, SMTP_SETTINGS)
    if not _is_blank(smtp.get("smarthost")):
        _check_smarthost(_SMTP, smtp)
    made = _without_secrets(smtp, ("auth_password",), "smtp", _SMTP)
    return Declared({f"smtp_{key}": value for key, value in made.config.items()}, made.secrets)


def _is_blank(value: object) -> bool:
    return value is None or not f"{value}".strip()


def _without_secrets(
    settings: Mapping[str, object], secrets: Sequence[str], file: str, place: str
) -> Declared:
    """The settings with each secret replaced by the name of the file that holds it."""
    made = Declared()
    for key, value in settings.items():
        if key in secrets:
            _move(made, key, value, settings, f"{file}.{key}", place)
        elif key in ("http_config", "tls_config"):
            at = f"{key} in {place}"
            inner = _client(mapping(at, value), f"{file}.{key}", at)
            made.config[key] = inner.config
            made.secrets.update(inner.secrets)
        else:
            made.config[key] = value
    return made


def _client(settings: Mapping[str, object], file: str, place: str) -> Declared:
    """The settings of an HTTP client, whose secrets lie in dictionaries of their own."""
    made = Declared()
    for key, value in settings.items():
        if isinstance(value, Mapping):
            inner = _client(value, f"{file}.{key}", f"{key} of {place}")
            made.config[key] = inner.config
            made.secrets.update(inner.secrets)
        elif key in _CLIENT_SECRETS:
            _move(made, key, value, settings, f"{file}.{key}", place)
        elif key == "secrets" and isinstance(value, Sequence):  # of http_headers
            raise ValueError(f"{place} has secrets in it; write 'files' with paths instead")
        else:
            made.config[key] = value
    return made


def _move(
    made: Declared,
    key: str,
    value: object,
    settings: Mapping[str, object],
    file: str,
    place: str,
) -> None:
    """Note a secret as a file; one that is blank is left out, as if it were not stated."""
    if _is_blank(value):
        return
    if not _is_blank(settings.get(f"{key}_file")):
        raise ValueError(f"{place} has both {key} and {key}_file; keep one of the two")
    made.config[f"{key}_file"] = f"{SECRETS_DIR}/{file}"
    made.secrets[f"{SECRETS_DIR}/{file}"] = f"{value}".strip()
