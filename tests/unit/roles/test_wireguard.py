"""The program at one end of the tunnel: its settings, what it tells `wg`, and its routes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "roles" / "wireguard" / "files" / "tunnel.py"
SPEC = importlib.util.spec_from_file_location("tunnel", PROGRAM)
assert SPEC
assert SPEC.loader
tunnel = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tunnel)

ALICE = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
BOB = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
PRIVATE = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "address": "10.255.0.1",
        "port": 51820,
        "mtu": 1420,
        "keepalive": 25,
        "peers": {
            "bob": {"endpoint": "192.0.2.2:51820", "addresses": ["10.255.0.2/32"]},
            "alice": {
                "endpoint": "192.0.2.1:51820",
                "addresses": ["10.255.0.3/32", "10.9.0.0/24"],
                "public_key": ALICE,
            },
        },
        "public_keys": {"bob": BOB},
        **changes,
    }


def read(stated: dict[str, Any]) -> Any:
    return tunnel.read_settings(json.dumps(stated))


def test_wg_is_told_of_every_peer_and_of_no_address_but_theirs() -> None:
    assert tunnel.configuration(read(settings()), PRIVATE) == (
        "[Interface]\n"
        f"PrivateKey = {PRIVATE}\n"
        "ListenPort = 51820\n"
        "[Peer]\n"
        f"PublicKey = {ALICE}\n"
        "Endpoint = 192.0.2.1:51820\n"
        "AllowedIPs = 10.255.0.3/32, 10.9.0.0/24\n"
        "PersistentKeepalive = 25\n"
        "[Peer]\n"
        f"PublicKey = {BOB}\n"
        "Endpoint = 192.0.2.2:51820\n"
        "AllowedIPs = 10.255.0.2/32\n"
        "PersistentKeepalive = 25\n"
    )


def test_no_keepalive_is_said_in_the_word_of_wg() -> None:
    told = tunnel.configuration(read(settings(keepalive=0)), PRIVATE)

    assert told.count("PersistentKeepalive = off\n") == 2


@pytest.mark.parametrize(
    ("peers", "message"),
    [
        (
            {"eve": {"endpoint": "192.0.2.3:1", "addresses": ["10.255.0.4/32"]}},
            "peer 'eve' has no public_key",
        ),
        ({"bob": {"addresses": []}}, "peer 'bob' has no endpoint, addresses"),
        (
            {"eve": {"public_key": "eve", "endpoint": "192.0.2.3:1", "addresses": ["10.9.9.9/32"]}},
            "the public_key of peer 'eve' is no key of WireGuard; write what 'wg show' prints on "
            "that host",
        ),
        (
            {
                name: {"public_key": BOB, "endpoint": "192.0.2.3:1", "addresses": ["10.9.9.9/32"]}
                for name in ("bob", "eve")
            },
            "two peers have the same public key; give each host a key of its own",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(peers: dict[str, Any], message: str) -> None:
    with pytest.raises(tunnel.TunnelError) as error:
        read(settings(peers=peers))

    assert str(error.value) == message


@pytest.mark.parametrize(("text", "code"), [(json.dumps(settings()), 0), ("{", 1)])
def test_the_check_of_a_file_says_whether_it_can_work(tmp_path: Path, text: str, code: int) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--check", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code
    assert ("the settings are no JSON" in done.stderr) == bool(code)


class Host:
    """What the programs of a host answer, and the commands that it was given."""

    def __init__(self, *, kernel: bool = True) -> None:
        self.kernel = kernel
        self.commands: list[str] = []
        self.routes: list[dict[str, Any]] = []
        self.told = ""

    def run(self, *command: str, text: str = "") -> str:
        line = " ".join(command)
        self.commands.append(line)
        self.told = text or self.told
        if line.startswith("ip link add") and not self.kernel:
            raise tunnel.TunnelError(f"{line}: Error: Unknown device type.")
        if "address show" in line:
            stale = {"local": "10.8.8.8", "prefixlen": 32, "family": "inet"}
            return json.dumps([{"addr_info": [stale]}])
        if "route show" in line:
            return json.dumps(self.routes)
        return "wg-meridian" if line == "wg show interfaces" else ""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(tunnel, "run", made.run)
    return made


def end(tmp_path: Path, implementation: str = "auto", **changes: Any) -> Any:
    """One end with these settings."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings(**changes)))
    return tunnel.Tunnel("wg-meridian", implementation, file, PRIVATE)


@pytest.mark.parametrize("implementation", ["auto", "kernel"])
def test_the_kernels_wireguard_is_used_where_there_is_one(
    tmp_path: Path, host: Host, implementation: str
) -> None:
    made = end(tmp_path, implementation)
    made.start()

    assert host.commands[0] == "ip link add dev wg-meridian type wireguard"
    assert made.in_kernel
    assert made.fault() == ""
    assert f"PrivateKey = {PRIVATE}\n" in host.told
    assert not any(PRIVATE in command for command in host.commands)


def test_a_kernel_without_wireguard_is_said_where_it_is_asked_for(
    tmp_path: Path, host: Host
) -> None:
    host.kernel = False

    with pytest.raises(tunnel.TunnelError, match="Unknown device type"):
        end(tmp_path, "kernel").start()


def test_a_host_with_neither_is_told_what_it_lacks(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.kernel = False
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(tunnel.TunnelError) as error:
        end(tmp_path).start()

    assert str(error.value) == ("this kernel has no WireGuard, and wireguard-go is not installed")


def test_every_peer_has_its_route_and_one_for_when_the_tunnel_is_down(
    tmp_path: Path, host: Host
) -> None:
    end(tmp_path).start()

    for address in ("10.255.0.2/32", "10.255.0.3/32", "10.9.0.0/24"):
        for route in (
            f"ip route replace {address} dev wg-meridian src 10.255.0.1 proto 190",
            f"ip route replace unreachable {address} metric 4294967295 proto 190",
        ):
            assert route in host.commands


def test_routes_and_addresses_of_before_are_removed(tmp_path: Path, host: Host) -> None:
    host.routes = [
        {"dst": "10.255.0.2", "dev": "wg-meridian"},
        {"dst": "10.255.0.9", "dev": "wg-meridian"},
        {"type": "unreachable", "dst": "10.255.0.9", "metric": 4294967295},
    ]
    end(tmp_path).start()

    assert [command for command in host.commands if "delete" in command] == [
        "ip address delete 10.8.8.8/32 dev wg-meridian",
        "ip route delete unicast 10.255.0.9/32 metric 0 proto 190",
        "ip route delete unreachable 10.255.0.9/32 metric 4294967295 proto 190",
    ]


def test_settings_that_changed_are_a_fault_until_they_are_read(tmp_path: Path, host: Host) -> None:
    made = end(tmp_path)
    made.start()
    end(tmp_path, mtu=1380)

    assert made.fault() == "the settings were changed and not read yet"
    made.follow()
    assert made.fault() == ""
    assert "ip link set dev wg-meridian mtu 1380 up" in host.commands


def test_settings_that_are_refused_stay_a_fault_and_leave_the_tunnel_alone(
    tmp_path: Path, host: Host
) -> None:
    made = end(tmp_path)
    made.start()
    before = len(host.commands)
    (tmp_path / "settings.json").write_text("{")
    tunnel.reload(made)

    assert made.fault().startswith("the settings are no JSON")
    assert len(host.commands) == before
    assert made.end() == ""
