# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vmauth's whole configuration: what follows from the topology, and the operator's own users."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_PLACEHOLDER = re.compile(r"%\{[A-Za-z0-9_]+\}")


def auth_config(
    config: Mapping[str, object], extra_users: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    """Return ``config`` with ``extra_users`` after its own users.

    Raises ValueError when a placeholder ``%{NAME}`` is left anywhere: vmauth replaces it by the
    environment variable of that name, and takes it literally when there is none, so an unset
    variable's name would be a working password.
    """
    own = config.get("users") or []
    if not isinstance(own, Sequence) or isinstance(own, str):
        raise ValueError("vmauth's configuration has 'users' that are not a list")
    whole = {**config, "users": [*own, *extra_users]}
    for place, text in _texts(whole):
        if "%{" in text:
            # of a password that merely holds the two characters, nothing more is shown
            placeholder = (_PLACEHOLDER.search(text) or ["%{"])[0]
            raise ValueError(
                f"vmauth's configuration has the placeholder '{placeholder}' in {place}: "
                "write the value instead, vmauth would take the name of an unset variable literally"
            )
    return whole


def _texts(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in ``value``, keys too, with its place, such as users[0].password."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{place}.{key}" if place else f"{key}"
            yield f"the keys of {place}" if place else "the top keys", f"{key}"
            yield from _texts(item, inner)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]")
