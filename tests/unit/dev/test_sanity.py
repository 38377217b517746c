"""The home of ansible-test: pip's settings."""

from __future__ import annotations

from sanity import pip_configuration


def test_pips_settings_become_a_file_and_the_environments_win():
    settings = (
        ":env:.index-url='https://from-environment.example/simple'\n"
        "global.index-url='https://from-file.example/simple'\n"
        "global.extra-index-url='https://a.example\\nhttps://b.example'\n"
        "install.no-input='true'\n"
        "freeze.timeout='10'\n"
    )
    assert pip_configuration(settings) == (
        "[global]\n"
        "extra-index-url = https://a.example https://b.example\n"
        "index-url = https://from-environment.example/simple\n"
        "no-input = true\n"
    )


def test_no_settings_are_an_empty_section():
    assert pip_configuration("") == "[global]\n"
