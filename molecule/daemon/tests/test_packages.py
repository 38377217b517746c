"""A daemon from the distribution's package: installed, upgraded, rolled back, removed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from daemon_fleet import HOSTS, Fleet, Machine, Run, release

PACKAGE = {"names": ["testd"], "program": "/usr/bin/testd", "units": ["testd.service"]}
REPOSITORY = "/srv/repository"
# A package as distributions make them: its service starts with the installation.
BUILD = f"""
set -e
mkdir -p {REPOSITORY}/VERSION
cd {REPOSITORY}/VERSION
mkdir -p DEBIAN usr/bin lib/systemd/system
echo PROGRAM | base64 -d > usr/bin/testd
chmod 0755 usr/bin/testd
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > lib/systemd/system/testd.service
printf '%s\\n' 'Package: testd' 'Version: VERSION' 'Architecture: all' 'Description: x' \\
  'Maintainer: x <x@example.net>' > DEBIAN/control
printf '#!/bin/sh\\nsystemctl daemon-reload; systemctl start testd || true\\n' > DEBIAN/postinst
chmod 0755 DEBIAN/postinst
cd ..
dpkg-deb --root-owner-group -Znone --build VERSION testd_VERSION_all.deb > /dev/null
rm -r VERSION
"""
INDEX = f"""
set -e
cd {REPOSITORY}
rm -f Packages
for deb in *.deb; do
  dpkg-deb --field $deb >> Packages
  echo "Filename: ./$deb" >> Packages
  echo "Size: $(stat -c %s $deb)" >> Packages
  echo "SHA256: $(sha256sum $deb | cut -d ' ' -f 1)" >> Packages
  echo >> Packages
done
echo 'deb [trusted=yes] file:{REPOSITORY} ./' > /etc/apt/sources.list.d/testd.list
apt-get update -qq -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/testd.list \
  -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
"""


@pytest.fixture(scope="module")
def repository(fleet: Fleet, machines: dict[str, Machine]) -> None:
    """A package repository on each host, of two versions that serve and one that exits."""
    fleet.bare()
    for machine in machines.values():
        machine.sh(f"apt-get purge -qq --yes testd 2>/dev/null; rm -rf {REPOSITORY}")
    for version, behaviour in (("1.0-1", "serve"), ("1.0-2", "serve"), ("1.0-3", "exit")):
        program = base64.b64encode(release(version, behaviour)).decode()
        for machine in machines.values():
            machine.sh(BUILD.replace("VERSION", version).replace("PROGRAM", program))
    for machine in machines.values():
        machine.sh(f"{INDEX}\ndate +%s > /root/since")


def packaged(fleet: Fleet, version: str | None = "1.0-1", *options: str, **changes: Any) -> Run:
    changes = {"archive": None, "source": "package", "package": PACKAGE, **changes}
    return fleet.run(*options, version=version, **changes)


@pytest.fixture(scope="module")
def installed(repository: None, fleet: Fleet) -> Run:  # noqa: ARG001
    """The first version, installed."""
    run = packaged(fleet)
    assert run.ok, run.output
    return run


class TestPackage:
    @pytest.mark.usefixtures("repository")
    def test_in_check_mode_is_not_installed(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        before = [machines[name].listing() for name in HOSTS]
        run = packaged(fleet, "1.0-1", "--check", "--diff")
        assert [run[name]["changed"] for name in HOSTS] == [True, True]
        assert "+testd 1.0-1" in run.output
        assert [machines[name].listing() for name in HOSTS] == before

    def test_serves(self, installed: Run, machine: Machine) -> None:
        assert installed[machine.name]["version"] == "1.0-1"
        assert machine.ask()["version"] == "1.0-1"

    @pytest.mark.usefixtures("installed")
    def test_never_starts_a_service_of_its_own(self, machine: Machine) -> None:
        assert machine.sh("systemctl is-enabled testd || true") == "masked"
        assert "Started testd" not in machine.sh(
            "journalctl --unit testd --no-pager --since @$(cat /root/since)"
        )
        assert machine.sh("pgrep -x sleep || true") == ""

    @pytest.mark.usefixtures("installed")
    def test_changes_nothing_the_second_time(self, fleet: Fleet) -> None:
        again = packaged(fleet)
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    @pytest.mark.usefixtures("installed")
    def test_with_an_unmasked_service_is_mended(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        for machine in machines.values():
            machine.sh("systemctl unmask --quiet testd && systemctl start testd")
        packaged(fleet)
        for machine in machines.values():
            assert machine.sh("systemctl is-active testd || true") == "inactive"
            assert machine.sh("systemctl is-enabled testd || true") == "masked"

    @pytest.mark.usefixtures("installed")
    def test_of_any_version_stays_what_it_is(self, fleet: Fleet) -> None:
        again = packaged(fleet, None)
        assert [again[name]["changed"] for name in HOSTS] == [False, False]

    @pytest.mark.usefixtures("installed")
    def test_that_the_host_upgrades_restarts_the_daemon_with_the_next_run(
        self, fleet: Fleet, machines: dict[str, Machine]
    ) -> None:
        for machine in machines.values():
            machine.sh("apt-get install -qq --yes testd=1.0-2")
            assert machine.ask()["version"] == "1.0-1"
        run = packaged(fleet, None)
        assert [run[name]["version"] for name in HOSTS] == ["1.0-2", "1.0-2"]
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.0-2", "1.0-2"]

    @pytest.mark.usefixtures("installed")
    def test_is_downgraded(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        packaged(fleet, "1.0-2")
        packaged(fleet, "1.0-1")
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.0-1", "1.0-1"]

    @pytest.mark.usefixtures("installed")
    def test_that_exits_is_rolled_back(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        packaged(fleet)
        package = {"archive": None, "source": "package", "package": PACKAGE}
        for name, run in fleet.each(version="1.0-3", **package).items():
            assert "The previous state (1.0-1) was put back and serves." in run[name]["msg"]
        assert [machines[name].ask()["version"] for name in HOSTS] == ["1.0-1", "1.0-1"]

    @pytest.mark.usefixtures("installed")
    def test_that_does_not_exist_is_named(self, fleet: Fleet) -> None:
        wrong = {**PACKAGE, "names": ["no-such-package"]}
        run = packaged(fleet, None, package=wrong, hosts=HOSTS[0])
        assert run[HOSTS[0]]["msg"] == (
            "testd: apt-get install no-such-package failed: "
            "E: Unable to locate package no-such-package\nWhat runs was not touched."
        )

    @pytest.mark.usefixtures("installed")
    def test_goes_with_the_daemon(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        run = packaged(fleet, state="absent", purge_data=True)
        assert run.ok, run.output
        for machine in machines.values():
            assert machine.sh("dpkg-query -W testd 2>/dev/null | grep -c '1.0' || true") == "0"
            assert machine.sh("ls /etc/systemd/system/testd.service 2>/dev/null || true") == ""

    @pytest.mark.usefixtures("installed")
    def test_that_was_there_before_stays(self, fleet: Fleet, machines: dict[str, Machine]) -> None:
        for machine in machines.values():
            machine.sh("apt-get install -qq --yes testd=1.0-1")
        run = packaged(fleet)
        assert run.ok, run.output
        packaged(fleet, state="absent", purge_data=True)
        for machine in machines.values():
            assert machine.sh("dpkg-query -W testd") == "testd\t1.0-1"
            assert machine.sh("systemctl is-enabled testd || true") == "static"
