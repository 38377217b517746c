# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""grafana.ini from a dictionary: names checked, values quoted, secrets in files of their own.

A secret never stands in grafana.ini. Its text goes into a file below ``secrets/`` and the setting
becomes ``$__file{...}``, which Grafana replaces with the file's content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_names import INI

# Section -> key -> value as it stands in the file; the section "" is above the first one.
Settings = dict[str, dict[str, str]]

SECRETS = "secrets"
# Keys that hold a secret in some section: Grafana's own idea of what its settings page hides.
_SECRET = re.compile(r"(?:.*_)?(?:password|secret|secret_key|token|api_key|access_key|pass)")
_MORE_SECRETS = {
    ("analytics", "rudderstack_write_key"),
    ("database", "url"),
    ("external_image_storage.azure_blob", "account_key"),
    ("remote_cache", "connstr"),
}
# Sections that plugins and editions bring along, so that no list of names can be complete.
_OPEN_SECTIONS = ("plugin.", "unified_storage.", "auth.")
# How alike a name must be to a known one to be taken for a misspelling of it.
_ALIKE = 0.6
# An open section's name that is this alike to a known one is a misspelling after all.
_VERY_ALIKE = 0.85
_NEWER = "; if a newer version knows it, put it into grafana_extra_ini, which is not checked"
_NAME = re.compile(r"[\w.-]*")


class IniError(ValueError):
    """A setting that Grafana would ignore or misread; the message names it and the fix."""


def ini_files(
    derived: Mapping[str, object],
    own: Mapping[str, object],
    unchecked: Mapping[str, object],
    *,
    directory: str,
) -> list[dict[str, object]]:
    """Return grafana.ini and the files of its secrets, as the daemon takes them.

    ``own`` is laid over ``derived``, and ``unchecked``, whose names may be any, over both; null
    takes a setting away. ``directory`` is where the files lie on the host. Cookies are for HTTPS
    alone where the root URL is. Raises IniError, which tells every wrong name at once.
    """
    problems = [*_unknown(own), *_misshapen(own, "grafana_ini")]
    problems += _misshapen(unchecked, "grafana_extra_ini")
    if problems:
        raise IniError("; ".join(problems))
    settings = _texts(_merged(derived, own, unchecked))
    if settings.get("server", {}).get("root_url", "").startswith("https://"):
        settings.setdefault("security", {}).setdefault("cookie_secure", "true")
    public, secrets = _apart(settings, directory)
    return [
        {"path": "grafana.ini", "content": render(public)},
        *(secret_file(name, text) for name, text in sorted(secrets.items())),
    ]


def secret_file(name: str, text: str) -> dict[str, object]:
    """Declare the file of a secret, which Grafana reads when it starts."""
    return {"path": f"{SECRETS}/{name}", "content": text, "secret": True}


def secret_reference(name: str, directory: str) -> str:
    """Return the value that stands for a secret in grafana.ini and in provisioning files."""
    return f"$__file{{{directory}/{SECRETS}/{name}}}"


def render(settings: Mapping[str, Mapping[str, str]]) -> str:
    """Write settings as text, sections and keys sorted, which Grafana reads back unchanged.

    Its own placeholders, ``%(key)s``, ``${VARIABLE}`` and ``$__file{path}``, keep their meaning.
    """
    lines = ["# Managed by meridian.metrics (grafana); a hand edit is undone by the next run."]
    for section in sorted(settings):
        if section:
            lines += ["", f"[{section}]"]
        for key, value in sorted(settings[section].items()):
            lines.append(f"{key} = {_quoted(value, section, key)}".rstrip(" "))
    return "\n".join(lines) + "\n"


# Names


def _unknown(own: Mapping[str, object]) -> Iterator[str]:
    """Say of every name that is not known what it was probably meant to be."""
    for section, keys in own.items():
        if not isinstance(keys, Mapping) and section in INI[""]:
            continue
        if keys is not None and not isinstance(keys, Mapping):
            yield _no_section(section)
        elif section not in INI:
            yield from _unknown_section(section)
        elif INI[section] and section != "feature_toggles":
            yield from (_unknown_key(section, key) for key in keys or () if key not in INI[section])


def _no_section(name: str) -> str:
    told = f"grafana_ini.{name} is no dictionary"
    if name in INI:
        return f"{told}; write the keys of the section '{name}' below it"
    known = ", ".join(sorted(INI[""]))
    return f"{told}; put it below its section, only {known} stand outside of one"


def _unknown_section(section: str) -> Iterator[str]:
    is_open = section.startswith(_OPEN_SECTIONS)
    close = get_close_matches(section, INI, n=1, cutoff=_VERY_ALIKE if is_open else _ALIKE)
    if is_open and not close:
        return
    told = f"grafana_ini has a section '{section}' that Grafana does not know"
    yield told + (f"; write '{close[0]}'" if close else _NEWER)


def _unknown_key(section: str, key: str) -> str:
    told = f"grafana_ini.{section} has a key '{key}' that Grafana does not know there"
    elsewhere = [name for name, keys in INI.items() if key in keys]
    if len(elsewhere) == 1:
        return f"{told}; it belongs to the section '{elsewhere[0]}'"
    close = get_close_matches(key, INI[section], n=1, cutoff=_ALIKE)
    return told + (f"; write '{close[0]}'" if close else _NEWER)


# Values


def _misshapen(given: Mapping[str, object], place: str) -> Iterator[str]:
    """Say of every name and value that cannot stand in an ini file what it has to be."""
    for section, keys in given.items():
        for key, value in keys.items() if isinstance(keys, Mapping) else [("", keys)]:
            path = ".".join(filter(None, (place, section, key)))
            items = value if isinstance(value, (list, tuple)) else [value]
            if not _NAME.fullmatch(f"{section}{key}"):
                yield f"{path} has a name with other characters than letters, digits, '_', '.', '-'"
            if not all(item is None or isinstance(item, (str, int, float)) for item in items):
                yield f"{path} is neither text, a number, a boolean, nor a list of these"


def _merged(*layers: Mapping[str, object]) -> dict[str, dict[str, object]]:
    merged: dict[str, dict[str, object]] = {}
    for layer in layers:
        for section, keys in layer.items():
            if isinstance(keys, Mapping):
                merged.setdefault(section, {}).update(keys)
            elif keys is None:
                merged.pop(section, None)
                merged.get("", {}).pop(section, None)
            else:
                merged.setdefault("", {})[section] = keys
    return merged


def _texts(merged: Mapping[str, Mapping[str, object]]) -> Settings:
    kept = {
        section: {key: _text(value) for key, value in keys.items() if value is not None}
        for section, keys in merged.items()
    }
    return {section: keys for section, keys in kept.items() if keys}


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _apart(settings: Settings, directory: str) -> tuple[Settings, dict[str, str]]:
    """Return the settings without their secrets, and the secrets by the names of their files."""
    public: Settings = {}
    secrets: dict[str, str] = {}
    for section, keys in settings.items():
        public[section] = dict(keys)
        for key, value in keys.items():
            secret = _SECRET.fullmatch(key) or (section, key) in _MORE_SECRETS
            if secret and value and not value.startswith("$__"):
                name = f"{section}.{key}".lstrip(".")
                secrets[name] = value
                public[section][key] = secret_reference(name, directory)
    return public, secrets


def _quoted(value: str, section: str, key: str) -> str:
    """Quote a value where the parser would cut it at a comment sign, trim it or join lines."""
    plain = value == value.strip() and not re.search(r"[#;\n\r]|\\$|^[\"'`]|[\"']$", value)
    if plain:
        return value
    if "\n" not in value or "`" not in value:
        return f"`{value}`"
    if '"""' not in value:
        return f'"""{value}"""'
    raise IniError(
        f"grafana.ini cannot hold the value of {section}.{key}: it has line breaks, a ` and "
        'three quotes """; put it into a file of grafana_extra_files and write $__file{path}'
    )
