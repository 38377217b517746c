"""Each Alertmanager by itself: what runs, what only it can read, what it refuses and reloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from samples import request

CONFIG = "/etc/meridian/alertmanager"
SECRETS = [
    f"{which}-{what}"
    for which in ("first", "second")
    for what in ("webhook-token", "pagerduty-key", "slack-token", "mail-password")
]
REFUSALS = {
    "url": "webhook[0] of receiver 'everyone' has no url; write the URL that alerts are posted to",
    "receiver": (
        "alertmanager_env_receivers['prod'] is the unknown receiver 'pagre'; write one of: chat, "
        "everyone, heartbeats, mail, pager, none; or add it to alertmanager_receivers"
    ),
    "matcher": f"{CONFIG}/alertmanager.yml was refused by its check (status 1):",
    "flag": "unknown long flag '--cluster.peer-timeuot'",
}


@pytest.fixture
def seen(host: Any) -> Any:
    """What side_effect.yml saw."""
    return json.loads(host.file("/root/side_effect.json").content_string)


def main_pid(host: Any) -> str:
    return str(host.check_output("systemctl show -P MainPID meridian-alertmanager"))


def test_it_is_healthy(address: str) -> None:
    assert request(f"http://{address}:9093/-/healthy").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("alertmanager") == []


def test_the_units_of_the_package_stay_off(host: Any) -> None:
    assert host.service("prometheus-alertmanager").is_masked
    assert not host.service("prometheus-alertmanager").is_running


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_is_named(host: Any, case: str) -> None:
    assert REFUSALS[case] in host.file(f"/root/refused-{case}").content_string


def test_what_was_refused_changed_nothing(seen: Any) -> None:
    assert seen["before"][0] != "0"
    assert seen["after_refusals"] == seen["before"]


def test_new_secrets_a_template_and_a_route_need_no_restart(host: Any, seen: Any) -> None:
    assert seen["after_change"][1:] != seen["before"][1:]
    assert seen["after_change"][0] == seen["before"][0] == main_pid(host)


def test_the_secrets_lie_where_only_the_service_reads(host: Any) -> None:
    files = host.check_output(f"find {CONFIG}/secrets -type f -printf '%m %u %g\\n'").splitlines()
    assert set(files) == {"640 root alertmanager"}
    assert len(files) == 6
    folder = host.file(CONFIG)
    assert (folder.user, folder.group, folder.mode) == ("root", "alertmanager", 0o750)


def test_no_secret_is_anywhere_else(host: Any) -> None:
    pattern = "-e " + " -e ".join(SECRETS)
    elsewhere = f"! -path '{CONFIG}/secrets/*' -type f -readable -perm /004"
    folders = "/etc /var /opt /tmp /run -ignore_readdir_race"
    found = host.run(f"find {folders} {elsewhere} -exec grep -lF {pattern} {{}} +")
    assert found.stdout == ""
    assert found.stderr == ""
    assert host.run(f"grep -F {pattern} {CONFIG}/alertmanager.yml").rc == 1
    assert host.run(f"ps axww -o args | grep -v grep | grep -F {pattern}").rc == 1
    assert host.run(f"journalctl --no-pager | grep -F {pattern}").rc == 1


def test_no_secret_was_shown_by_the_change_that_brought_it(seen: Any) -> None:
    assert "meridian.tmpl" in seen["output"]
    assert "second-" not in seen["output"]
    assert [secret for secret in SECRETS if secret in seen["output"]] == []


def test_its_pages_do_not_show_a_secret(address: str) -> None:
    status = request(f"http://{address}:9093/api/v2/status").text
    assert "api_url_file" in status
    assert [secret for secret in SECRETS if secret in status] == []
