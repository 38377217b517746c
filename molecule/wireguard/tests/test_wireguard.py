"""The tunnel between regions, on hosts whose kernel has no WireGuard."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import eventually, request

ENDS = ("wireguard-us", "wireguard-eu")
ADDRESSES = {"wireguard-us": "10.44.1.11", "wireguard-eu": "10.44.2.11"}
CREDENTIALS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "credentials"
METRICS = Path(__file__).parents[3] / "tests/unit/data/metrics/meridian/wireguard.txt"
# On every page of the role's program, so it is readable where the page is.
TEXT = "wireguard_"

testinfra_hosts = [f"ansible://{name}" for name in ENDS]


def name_of(host: Any) -> str:
    return str(host.backend.host)


def other(host: Any) -> str:
    """The name of the other end."""
    return next(name for name in ENDS if name != name_of(host))


@pytest.fixture
def tunnel(other_host: Callable[[str], Any]) -> dict[str, str]:
    """Each end's address inside of the tunnel, as its interface has it."""
    return {
        name: re.findall(
            r"inet (\S+)/32",
            other_host(name).check_output("ip -4 address show dev wg-meridian"),
        )[0]
        for name in ENDS
    }


def fetch(host: Any, address: str) -> Any:
    """Fetch the other end's metrics from a host, with a look at its network card."""
    return json.loads(
        host.check_output(f"/root/wire.py fetch http://{address}:9586/metrics {TEXT}")
    )


def shown(host: Any, what: str) -> dict[str, str]:
    """What `wg` shows for each peer, by its public key."""
    rows = host.check_output(f"wg show wg-meridian {what}").splitlines()
    return dict(row.split("\t", 1) for row in rows)


def counted(address: str) -> dict[str, float]:
    """The bytes of one end's metrics, by name."""
    page = request(f"http://{address}:9586/metrics").text
    return {
        name: float(value) for name, value in re.findall(r"^(\w+)\{peer=.*\} (\S+)$", page, re.M)
    }


def test_what_goes_through_the_tunnel_cannot_be_read_outside(
    host: Any, tunnel: dict[str, str]
) -> None:
    seen = fetch(host, tunnel[other(host)])

    assert (seen["status"], seen["bytes"] > 100) == (200, True), seen
    assert seen["readable"] == 0
    ends = {f"udp {address}:51820" for address in ADDRESSES.values()}
    assert set(seen["kinds"]) == ends
    assert sum(seen["kinds"].values()) > seen["bytes"]


def test_the_same_page_outside_of_the_tunnel_could_be_read(host: Any) -> None:
    seen = fetch(host, ADDRESSES[other(host)])

    assert seen["status"] == 200
    assert seen["readable"] > 0
    assert f"tcp {ADDRESSES[other(host)]}:9586" in seen["kinds"]


def test_what_goes_through_is_counted_at_both_ends(host: Any, tunnel: dict[str, str]) -> None:
    here, there = ADDRESSES[name_of(host)], ADDRESSES[other(host)]
    before = counted(here), counted(there)
    size = fetch(host, tunnel[other(host)])["bytes"]
    after = counted(here), counted(there)

    received, sent = "wireguard_received_bytes_total", "wireguard_sent_bytes_total"
    assert after[0][received] - before[0][received] > size
    assert after[1][sent] - before[1][sent] > size
    assert after[0]["wireguard_latest_handshake_seconds"] > 1.7e9


def test_its_metrics_are_those_that_alerts_may_ask_for(host: Any) -> None:
    page = request(f"http://{ADDRESSES[name_of(host)]}:9586/metrics").text

    assert set(re.findall(r"^(\w+)", page, re.M)) == set(METRICS.read_text().split())


def test_a_peer_may_send_from_its_own_address_only(host: Any, tunnel: dict[str, str]) -> None:
    assert list(shown(host, "allowed-ips").values()) == [f"{tunnel[other(host)]}/32"]


def test_the_interface_is_as_stated(host: Any) -> None:
    link = host.check_output("ip link show dev wg-meridian")

    assert " mtu 1420 " in link
    assert list(shown(host, "persistent-keepalive").values()) == ["25"]
    assert host.check_output("wg show wg-meridian listen-port") == "51820"


def test_nothing_leaves_in_the_clear_while_the_tunnel_is_down(
    host: Any, tunnel: dict[str, str]
) -> None:
    far = tunnel[other(host)]
    host.check_output("systemctl stop meridian-wireguard")
    try:
        tried = [fetch(host, far) for _ in range(3)]
    finally:
        host.check_output("systemctl start meridian-wireguard")

    for seen in tried:
        assert "No route to host" in seen["error"]
        assert not [kind for kind in seen["kinds"] if far in kind]
    # At once; a busy machine may hold up one of them.
    assert min(seen["seconds"] for seen in tried) < 3
    eventually(lambda: fetch(host, far)["status"] == 200, seconds=120)


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("wireguard") == []


def test_the_right_to_change_the_network_is_its_only_privilege(host: Any) -> None:
    pid = host.check_output("systemctl show -P MainPID meridian-wireguard")
    status = host.file(f"/proc/{pid}/status").content_string
    sets = dict(re.findall(r"^(Cap\w+):\t(\w+)$", status, flags=re.MULTILINE))

    net_admin = 1 << 12
    assert {name: int(value, 16) for name, value in sets.items()} == dict.fromkeys(
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"], net_admin
    )


def key_of(name: str) -> str:
    return (CREDENTIALS / f"wireguard-{name}.txt").read_text().strip()


def test_the_private_key_is_a_file_for_root_alone(host: Any) -> None:
    file = host.file("/etc/meridian/wireguard/private_key")

    assert (file.user, file.group, file.mode) == ("root", "wireguard", 0o600)
    assert file.content_string.strip() == key_of(name_of(host))
    assert host.check_output("wg show wg-meridian private-key") == key_of(name_of(host))


def search(host: Any, key: str) -> Any:
    """Where a key is on a host; it goes there backwards, or it would be found in this command."""
    return json.loads(host.check_output(f"/root/wire.py search {key[::-1]}"))


def test_the_private_key_is_nowhere_that_others_can_look(host: Any) -> None:
    found = search(host, key_of(name_of(host)))

    assert "/etc/meridian/wireguard/private_key" in found["files"]
    assert [found[place] for place in ("for everybody", "processes", "log")] == [[], [], []]


def test_the_other_ends_private_key_is_nowhere(host: Any) -> None:
    assert not any(search(host, key_of(other(host))).values())


@pytest.fixture
def seen(other_host: Callable[[str], Any]) -> Any:
    """What side_effect.yml saw."""
    return json.loads(other_host("wireguard-ap").file("/root/side_effect.json").content_string)


def test_a_key_that_nobody_knows_gets_nothing(seen: Any) -> None:
    intruder = seen["intruder"]

    assert intruder["sent"] > 0
    assert (intruder["status"], intruder["received"]) == (0, 0)


def test_a_member_gets_what_it_asks_for_until_it_is_one_no_more(seen: Any) -> None:
    assert [seen[when]["status"] for when in ("member", "renewed", "former")] == [200, 200, 0]
    assert seen["member"]["readable"] == 0


def test_a_forgotten_key_is_made_anew(seen: Any) -> None:
    old, new = seen["keys"]

    assert old != new


def test_a_host_that_comes_and_goes_interrupts_no_connection(
    other_host: Callable[[str], Any],
) -> None:
    stream = json.loads(other_host("wireguard-us").file("/root/stream.json").content_string)

    assert stream["error"] == ""
    assert stream["echoed"] > 100


def test_peers_come_and_go_without_a_restart(host: Any) -> None:
    before, after = json.loads(host.file("/root/pids.json").content_string)

    assert int(before) == int(after) > 0


def test_what_is_removed_is_gone(other_host: Callable[[str], Any]) -> None:
    removed = other_host("wireguard-ap")

    assert not removed.file("/etc/meridian/wireguard").exists
    assert not removed.interface("wg-meridian").exists
    assert removed.run("pgrep wireguard-go").stdout == ""


def test_a_check_of_a_bare_host_leaves_nothing(seen: Any) -> None:
    assert seen["exists_after_check"] is False
