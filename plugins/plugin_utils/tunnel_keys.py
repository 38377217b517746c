# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys of WireGuard: given by the operator, or generated once on the controller."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.meridian.metrics.plugins.plugin_utils.credentials import (
    SUFFIX,
    CredentialError,
    stored,
)

KEY_BYTES = 32


def credential_name(host: str) -> str:
    """Under which name a host's private key stands among the credentials."""
    return f"wireguard-{host}"


def private_key(
    host: str, *, directory: Path, given: Mapping[str, object], keep: bool = True
) -> str:
    """Return the private key of a host in WireGuard's form, base64.

    The one in ``given`` wins; else it is read from ``directory``/wireguard-<host>.txt, which is
    made at the first need like the passwords' files. Raises CredentialError, without the key.
    """
    name = credential_name(host)
    if "/" in host or not host:
        raise CredentialError(f"host '{host}' cannot have a key: its name is no name of a file")
    if name in given:
        return _checked(f"{given[name]}", f"the given key '{name}'")
    path = directory / (name + SUFFIX)
    return _checked(stored(path, "key", _generate, keep=keep), f"the key in {path}")


def public_keys(
    hosts: Iterable[str], *, directory: Path, given: Mapping[str, object], keep: bool = True
) -> dict[str, str]:
    """Return the public keys of hosts by name, from their private keys. Raises CredentialError."""
    return {
        host: _public(private_key(host, directory=directory, given=given, keep=keep))
        for host in hosts
    }


# Imported where it is needed: ansible-core depends on it, and tests of the imports do not.
def _generate() -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415

    raw = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    return base64.b64encode(raw).decode()


def _public(key: str) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415

    public = X25519PrivateKey.from_private_bytes(base64.b64decode(key)).public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _checked(key: str, what: str) -> str:
    key = key.strip()
    try:
        size = len(base64.b64decode(key, validate=True))
    except binascii.Error:
        size = 0
    if size != KEY_BYTES:
        raise CredentialError(
            f"{what} is no key of WireGuard: write the 44 characters that 'wg genkey' prints"
        )
    return key
