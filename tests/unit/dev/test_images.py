"""Images of the test hosts: where their packages come from."""

from __future__ import annotations

from images import parse_mirror


def test_debians_main_archive_is_taken_from_the_machines_own_sources():
    targets = (
        "Docker|Docker CE|https://mirror.example/docker/\n"
        "Debian|Debian-Security|https://mirror.example/security/\n"
        "Debian|Debian|https://mirror.example/debian/\n"
        "Debian|Debian|https://mirror.example/debian/\n"
    )
    assert parse_mirror(targets) == ["https://mirror.example/debian/"]


def test_without_a_debian_archive_debootstrap_uses_its_default():
    assert parse_mirror("Ubuntu|Ubuntu|https://mirror.example/ubuntu/\n") == []
