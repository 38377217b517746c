"""Keys of the tunnel: given, stored, generated, refused."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible_collections.meridian.metrics.plugins.plugin_utils.credentials import CredentialError
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel_keys import (
    private_key,
    public_keys,
)

# The key pair of Alice in RFC 7748, section 6.1.
PRIVATE = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
PUBLIC = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="


def _ask(directory: Path) -> str:
    return private_key("host-1", directory=directory, given={})


def test_a_generated_key_is_stored_for_the_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "credentials"

    key = _ask(directory)

    [path] = directory.iterdir()
    assert path.name == "wireguard-host-1.txt"
    assert path.read_text() == key + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_every_host_has_a_key_of_its_own_that_stays(tmp_path: Path) -> None:
    first = _ask(tmp_path)

    assert private_key("host-2", directory=tmp_path, given={}) != first
    assert _ask(tmp_path) == first


def test_the_public_key_is_the_one_of_the_private_key(tmp_path: Path) -> None:
    given = {"wireguard-alice": PRIVATE}

    assert public_keys(["alice"], directory=tmp_path, given=given) == {"alice": PUBLIC}
    assert list(tmp_path.iterdir()) == []


def test_parallel_calls_agree(tmp_path: Path) -> None:
    with ProcessPoolExecutor(max_workers=8) as pool:
        assert len(set(pool.map(_ask, [tmp_path] * 40))) == 1


def test_nothing_is_written_when_nothing_may_be_kept(tmp_path: Path) -> None:
    private_key("host-1", directory=tmp_path, given={}, keep=False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "x", PRIVATE[:-2], PRIVATE[:20], f"{PRIVATE} {PRIVATE}"])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(CredentialError) as error:
        private_key("a", directory=tmp_path, given={"wireguard-a": key})

    assert str(error.value) == (
        "the given key 'wireguard-a' is no key of WireGuard: write the 44 characters that "
        "'wg genkey' prints"
    )


def test_a_stored_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "wireguard-a.txt").write_text("secret\n")

    with pytest.raises(CredentialError) as error:
        private_key("a", directory=tmp_path, given={})

    assert str(error.value) == (
        f"the key in {tmp_path}/wireguard-a.txt is no key of WireGuard: write the 44 characters "
        "that 'wg genkey' prints"
    )


def test_a_host_whose_name_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="its name is no name of a file"):
        private_key("../up", directory=tmp_path, given={})


def lookup(terms: list[Any], variables: dict[str, Any], **options: Any) -> Any:
    # by its folder: the loader of collections is at work only inside an Ansible process
    lookup_loader.add_directory(str(Path(__file__).parents[3] / "plugins" / "lookup"))
    return lookup_loader.get("tunnel_keys").run(terms, variables, **options)


def test_the_lookup_returns_the_private_key_of_one_host_only(tmp_path: Path) -> None:
    given = {"wireguard-me": private_key("me", directory=tmp_path, given={})}
    [found] = lookup(
        ["me"],
        {},
        peers=["alice"],
        directory=str(tmp_path),
        given=given | {"wireguard-alice": PRIVATE},
    )

    assert found == {"private_key": given["wireguard-me"], "public_keys": {"alice": PUBLIC}}


def test_the_lookup_writes_nothing_in_check_mode(tmp_path: Path) -> None:
    [found] = lookup(["me"], {"ansible_check_mode": True}, directory=str(tmp_path))

    assert found["public_keys"] == {}
    assert list(tmp_path.iterdir()) == []


def test_the_lookup_fails_with_the_plain_message(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match="the given key 'wireguard-me' is no key"):
        lookup(["me"], {}, directory=str(tmp_path), given={"wireguard-me": "x"})
