# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords of the gateways' users: given, stored, generated, refused."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible_collections.meridian.metrics.plugins.plugin_utils.credentials import (
    PASSWORD_LENGTH,
    CredentialError,
    passwords,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _ask(directory: Path) -> dict[str, str]:
    return passwords(["grafana", "operator"], directory=directory, given={})


def test_a_generated_password_is_stored_for_the_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "credentials"

    found = passwords(["grafana"], directory=directory, given={})

    assert len(found["grafana"]) == PASSWORD_LENGTH
    assert found["grafana"].isalnum()
    assert mode(directory) == 0o700
    assert mode(directory / "grafana.txt") == 0o600
    assert (directory / "grafana.txt").read_text() == found["grafana"] + "\n"
    assert [path.name for path in directory.iterdir()] == ["grafana.txt"]


def test_a_second_call_returns_the_same_passwords(tmp_path: Path) -> None:
    first = _ask(tmp_path)

    assert _ask(tmp_path) == first


def test_every_user_gets_a_password_of_their_own(tmp_path: Path) -> None:
    found = _ask(tmp_path)

    assert found["grafana"] != found["operator"]


def test_a_given_password_wins_and_nothing_is_stored(tmp_path: Path) -> None:
    (tmp_path / "grafana.txt").write_text("stored\n")

    found = passwords(
        ["grafana", "operator"], directory=tmp_path, given={"grafana": "g1ven", "operator": "0ther"}
    )

    assert found == {"grafana": "g1ven", "operator": "0ther"}
    assert [path.name for path in tmp_path.iterdir()] == ["grafana.txt"]


def test_a_given_password_of_a_user_who_is_not_asked_for_is_ignored(tmp_path: Path) -> None:
    assert passwords([], directory=tmp_path, given={"grafana": ""}) == {}


def test_a_password_put_there_by_hand_is_taken_without_its_line_break(tmp_path: Path) -> None:
    (tmp_path / "grafana.txt").write_text("by-hand\r\n")

    assert passwords(["grafana"], directory=tmp_path, given={}) == {"grafana": "by-hand"}


def test_nothing_is_written_when_nothing_may_be_kept(tmp_path: Path) -> None:
    directory = tmp_path / "credentials"

    found = passwords(["grafana"], directory=directory, given={}, keep=False)

    assert len(found["grafana"]) == PASSWORD_LENGTH
    assert not directory.exists()


def test_parallel_calls_agree(tmp_path: Path) -> None:
    directory = tmp_path / "credentials"
    with ProcessPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(_ask, [directory] * 40))

    assert all(answer == found[0] for answer in found)
    assert sorted(path.name for path in directory.iterdir()) == ["grafana.txt", "operator.txt"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "the given password of user 'grafana' is empty"),
        (None, "the given password of user 'grafana' is not text: write it in quotes"),
        (123456, "the given password of user 'grafana' is not text: write it in quotes"),
        (True, "the given password of user 'grafana' is not text: write it in quotes"),
        ({"a": "b"}, "the given password of user 'grafana' is not text: write it in quotes"),
        (
            "two words",
            "the given password of user 'grafana' holds a space, a line break or a control "
            "character",
        ),
        (
            "line\n",
            "the given password of user 'grafana' holds a space, a line break or a control "
            "character",
        ),
        (
            "x%{GRAFANA}",
            "the given password of user 'grafana' holds '%{', which vmauth reads as the name of "
            "an environment variable",
        ),
    ],
)
def test_a_given_password_that_cannot_work_is_refused(
    tmp_path: Path, given: object, message: str
) -> None:
    with pytest.raises(CredentialError) as error:
        passwords(["grafana"], directory=tmp_path, given={"grafana": given})

    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("", "is empty"), ("\n", "is empty"), ("a\nb\n", "holds a space, a line break or a control")],
)
def test_a_stored_password_that_cannot_work_is_refused(
    tmp_path: Path, content: str, complaint: str
) -> None:
    (tmp_path / "grafana.txt").write_text(content)

    with pytest.raises(CredentialError) as error:
        passwords(["grafana"], directory=tmp_path, given={})

    assert str(error.value).startswith(f"the password in {tmp_path}/grafana.txt {complaint}")


@pytest.mark.parametrize("user", ["", "../up", "a/b", "a:b", ".hidden", "a b"])
def test_a_user_name_that_cannot_be_a_file_is_refused(tmp_path: Path, user: str) -> None:
    with pytest.raises(CredentialError) as error:
        passwords([user], directory=tmp_path, given={})

    assert str(error.value) == (
        f"user name {user!r} cannot have a password: "
        "use letters, digits and '._@-', and begin with a letter, digit or '_'"
    )


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CredentialError, match=r"cannot be (read|stored).*file/credentials/grafana"):
        passwords(["grafana"], directory=tmp_path / "file" / "credentials", given={})


def lookup(terms: list[Any], variables: dict[str, Any], **options: Any) -> Any:
    # by its folder: the loader of collections is at work only inside an Ansible process
    lookup_loader.add_directory(str(Path(__file__).parents[3] / "plugins" / "lookup"))
    return lookup_loader.get("credentials").run(terms, variables, **options)


def test_the_lookup_returns_one_dictionary_for_all_users(tmp_path: Path) -> None:
    [found] = lookup(
        [["grafana", "operator"]], {}, directory=str(tmp_path), given={"operator": "0wn"}
    )

    assert found == {"grafana": (tmp_path / "grafana.txt").read_text().strip(), "operator": "0wn"}


def test_the_lookup_writes_nothing_in_check_mode(tmp_path: Path) -> None:
    [found] = lookup(["grafana"], {"ansible_check_mode": True}, directory=str(tmp_path))

    assert list(found) == ["grafana"]
    assert list(tmp_path.iterdir()) == []


def test_the_lookup_fails_with_the_plain_message(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match="the given password of user 'grafana' is empty"):
        lookup(["grafana"], {}, directory=str(tmp_path), given={"grafana": ""})


@pytest.mark.parametrize("folder", [".credentials", "fleet"])
def test_an_inventory_does_not_take_the_password_files_for_hosts(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "hosts.yml").write_text("all: {hosts: {agent-1: {}}}\n")
    passwords(["grafana"], directory=tmp_path / folder, given={})

    inventory = InventoryManager(loader=DataLoader(), sources=[str(tmp_path)])

    assert [host.name for host in inventory.get_hosts()] == ["agent-1"]
