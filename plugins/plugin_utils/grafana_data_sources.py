# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provisioning file of Grafana's data sources: the fleet's own, and those of the operator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_ini import (
    secret_file,
    secret_reference,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_names import DATA_SOURCE

PROMETHEUS = "prometheus"
GLOBAL_USER = "grafana-global"
_REQUIRED = ("name", "uid", "type")
_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ACCESS = ("proxy", "direct")
_ORGANISATION = 1


class DataSourceError(ValueError):
    """A data source that Grafana would refuse or misread; the message names it and the fix."""


def provisioning(
    derived: Sequence[Mapping[str, object]],
    extra: Sequence[object],
    *,
    type_: str,
    password: str,
    interval: str,
    regions: Iterable[str],
    directory: str,
    global_password: str = "",
) -> dict[str, object]:
    """Return ``content``, that of the provisioning file, and ``secret_files``, which it names.

    ``deleted`` is a file of its own: a new region that stores nothing changes only that one.

    ``derived`` are the fleet's data sources, read with ``password``, but for the one of all
    regions, which is read with ``global_password``; ``extra`` are the operator's, in the form of
    Grafana's own files. ``interval`` is the scrape interval, with its unit. ``regions`` are all
    declared ones: a data source of the name of one that stores nothing is deleted. ``directory`` is
    where the files lie on the host. Raises DataSourceError, which tells every problem at once.
    """
    passwords = {
        f"{source.get('user')}": global_password if source.get("user") == GLOBAL_USER else password
        for source in derived
    }
    if problems := [*_problems(derived, extra), *_password_problems(passwords)]:
        raise DataSourceError("; ".join(problems))
    secrets: dict[str, str] = {}
    sources = [_derived(source, type_, interval) for source in derived]
    for source in sources:
        source["secureJsonData"] = {"basicAuthPassword": passwords[f"{source['basicAuthUser']}"]}
    sources += [dict(source) for source in extra if isinstance(source, Mapping)]
    for source in sources:
        _hide(source, secrets, directory)
    names = {source["name"] for source in sources}
    content: dict[str, object] = {
        "apiVersion": 1,
        # What is no longer in this file is removed when Grafana starts, if it came from it.
        "prune": True,
        "datasources": sources,
    }
    # The same for one that somebody made by hand, or before this collection did.
    deleted: dict[str, object] = {
        "apiVersion": 1,
        "deleteDatasources": [
            {"name": region, "orgId": _ORGANISATION} for region in sorted(set(regions) - names)
        ],
    }
    files = [secret_file(name, text) for name, text in sorted(secrets.items())]
    return {"content": content, "deleted": deleted, "secret_files": files}


def _derived(source: Mapping[str, object], type_: str, interval: str) -> dict[str, object]:
    # POST: a long query does not fit into a URL. Rules belong to vmalert, not to Grafana.
    settings: dict[str, object] = {
        "httpMethod": "POST",
        "timeInterval": interval,
        "manageAlerts": False,
    }
    if type_ == PROMETHEUS:
        # What VictoriaMetrics says of itself; from this version on, labels are asked with a filter.
        settings |= {"prometheusType": "Prometheus", "prometheusVersion": "2.24.0"}
    return {
        "name": source["name"],
        "uid": source["uid"],
        "type": type_,
        "access": "proxy",
        "orgId": _ORGANISATION,
        "url": source["url"],
        "basicAuth": True,
        "basicAuthUser": source["user"],
        "isDefault": bool(source.get("default")),
        "editable": False,
        "jsonData": settings,
    }


def _hide(source: dict[str, object], secrets: dict[str, str], directory: str) -> None:
    """Move the secrets of a data source into files; what refers to something stays."""
    given = source.get("secureJsonData")
    if not isinstance(given, Mapping):
        return
    shown = dict(given)
    for key, value in given.items():
        if value and not str(value).startswith("$"):
            name = f"datasource.{source['uid']}.{key}"
            secrets[name] = str(value)
            shown[key] = secret_reference(name, directory)
    source["secureJsonData"] = shown


# Problems


def _password_problems(passwords: Mapping[str, str]) -> Iterator[str]:
    for user in sorted(passwords):
        if "$" in passwords[user]:
            yield (
                f"the password of the gateway's user '{user}' holds a '$', which Grafana takes for "
                "the name of a variable; choose another one"
            )


def _problems(derived: Sequence[Mapping[str, object]], extra: Sequence[object]) -> Iterator[str]:
    places = [f"grafana_extra_datasources[{index}]" for index in range(len(extra))]
    own = [source for source in extra if isinstance(source, Mapping)]
    for place, source in zip(places, extra, strict=True):
        if isinstance(source, Mapping):
            yield from _wrong(place, source)
        else:
            yield f"{place} is no dictionary"
    both = [*derived, *own]
    for key in ("name", "uid"):
        values = [str(source.get(key)) for source in both if source.get(key)]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"two data sources have the {key} '{value}'; each needs its own"
    default = [
        str(source.get("name")) for source in both if source.get("default", source.get("isDefault"))
    ]
    if len(default) > 1:
        listed = ", ".join(f"'{name}'" for name in default)
        yield (
            f"{len(default)} data sources are the default one ({listed}); keep one: take isDefault "
            "out of grafana_extra_datasources, or state grafana_datasources with default: false"
        )
    if both and not default:
        yield "no data source is the default one; set isDefault: true for one of them"


def _wrong(place: str, source: Mapping[str, object]) -> Iterator[str]:
    """Say what is wrong with a data source of the operator's."""
    for key in source:
        if key not in DATA_SOURCE:
            close = get_close_matches(str(key), DATA_SOURCE, n=1)
            known = ", ".join(sorted(DATA_SOURCE))
            yield f"{place} has an unknown key '{key}'; " + (
                f"write '{close[0]}'" if close else f"known: {known}"
            )
    for key in _REQUIRED:
        if not isinstance(source.get(key), str) or not source[key]:
            yield f"{place} has no {key}; state one, as text"
    yield from _wrong_values(place, source)
    secure = source.get("secureJsonData")
    for key, value in secure.items() if isinstance(secure, Mapping) else ():
        if "$" in str(value)[1:] and not str(value).startswith("$"):
            yield (
                f"{place}.secureJsonData.{key} holds a '$', which Grafana takes for the name of a "
                "variable; put it into a file of grafana_extra_files and write $__file{path}"
            )


def _wrong_values(place: str, source: Mapping[str, object]) -> Iterator[str]:
    uid, url = str(source.get("uid") or "-"), str(source.get("url") or "")
    if not _UID.fullmatch(uid):
        yield f"{place} has the uid '{uid}'; use letters, digits, '_' and '-', at most 40"
    if "://" in url and not re.match(r"https?://[^/\s]|\$", url):
        yield f"{place} has the url '{url}', which does not start with http:// or https://"
    if source.get("access", "proxy") not in _ACCESS:
        yield f"{place} has the access '{source['access']}'; write proxy or direct"
    for key in ("jsonData", "secureJsonData"):
        if not isinstance(source.get(key, {}), Mapping):
            yield f"{place}.{key} is no dictionary"
