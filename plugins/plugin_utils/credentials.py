# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords of the gateways' users: given by the operator, or generated once on the controller."""

from __future__ import annotations

import os
import re
import secrets
import string
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

PASSWORD_LENGTH = 32  # letters and digits: 190 bits
# Where the directory lies in an inventory, Ansible reads every other file there as host names, and
# would show the passwords as such.
SUFFIX = ".txt"
_ALPHABET = string.ascii_letters + string.digits
# A user name is also a file name, and basic authentication ends it at the first colon.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*")


class CredentialError(ValueError):
    """A password or a user name that cannot be used; the message never shows the password."""


def passwords(
    users: Iterable[str],
    *,
    directory: Path,
    given: Mapping[str, object],
    keep: bool = True,
) -> dict[str, str]:
    """Return the password of each of ``users``.

    A password in ``given`` wins; else it is read from the file ``directory``/<user>.txt, which is
    made at the first need, with mode 0600 in a directory of mode 0700. With ``keep`` false
    nothing is written, and a password that is not stored yet is only good for this call.

    Raises :class:`CredentialError` for a user name that cannot be a file's name, and for a
    password that is empty, is not text, or that vmauth would not take as it stands.
    """
    found = {}
    for user in users:
        if not _USER.fullmatch(user):
            raise CredentialError(
                f"user name {user!r} cannot have a password: "
                "use letters, digits and '._@-', and begin with a letter, digit or '_'"
            )
        if user in given:
            found[user] = _checked(given[user], f"the given password of user '{user}'")
        else:
            path = directory / (user + SUFFIX)
            found[user] = _checked(
                stored(path, "password", _new_password, keep=keep), f"the password in {path}"
            )
    return found


def _checked(value: object, what: str) -> str:
    if value is None or isinstance(value, (bool, int, float, bytes, Mapping, list, tuple)):
        raise CredentialError(f"{what} is not text: write it in quotes")
    password = str(value)  # also decrypts a variable of Ansible Vault
    if not password:
        raise CredentialError(f"{what} is empty")
    if any(character.isspace() or not character.isprintable() for character in password):
        raise CredentialError(f"{what} holds a space, a line break or a control character")
    if "%{" in password:
        raise CredentialError(
            f"{what} holds '%{{', which vmauth reads as the name of an environment variable"
        )
    return password


def _new_password() -> str:
    return "".join(secrets.choice(_ALPHABET) for place in range(PASSWORD_LENGTH))


def stored(path: Path, what: str, make: Callable[[], str], *, keep: bool) -> str:
    """Return the secret in a file, which is made and, with ``keep``, stored at the first need.

    ``what`` names the kind of secret in messages. Raises :class:`CredentialError`.
    """
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"the {what} in {path} cannot be read: {error}") from error
    secret = make()
    if not keep:
        return secret
    try:
        return _store(path, secret)
    except OSError as error:
        raise CredentialError(f"the {what} cannot be stored in {path}: {error}") from error


def _store(path: Path, secret: str) -> str:
    """Write ``secret`` unless another process was first; return what is stored."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A link appears with its whole content or not at all, and never replaces another's file.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
        os.link(temporary, path)
    except FileExistsError:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    finally:
        temporary.unlink()
    return secret
