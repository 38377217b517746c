from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils.flags import (
    command_line,
    quote_word,
    render_args,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"httpListenAddr": ":8482"}, ["-httpListenAddr=:8482"]),
        ({"replicationFactor": 2, "ratio": 0.5}, ["-replicationFactor=2", "-ratio=0.5"]),
        ({"a": True, "b": False}, ["-a=true", "-b=false"]),
        ({"storageNode": ["b:8400", "a:8400"]}, ["-storageNode=b:8400", "-storageNode=a:8400"]),
        ({"gone": None, "list": ["x", None]}, ["-list=x"]),
        ({"empty": "", "none": []}, ["-empty="]),
        ({"z": 1, "a": 2}, ["-z=1", "-a=2"]),
    ],
)
def test_go_flags(args: dict[str, Any], expected: list[str]) -> None:
    assert render_args(args) == expected


def test_gnu_flags() -> None:
    args = {"config.file": "/etc/x.yml", "web.enable": True, "log.color": False, "n": [1, 2]}
    expected = ["--config.file=/etc/x.yml", "--web.enable", "--no-log.color", "--n=1", "--n=2"]
    assert render_args(args, "gnu") == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"-x": 1}, "'-x' is no flag name; write it without leading dashes or '='"),
        ({"x=1": 1}, "'x=1' is no flag name; write it without leading dashes or '='"),
        ({"x\n": 1}, "'x\n' is no flag name; write it without leading dashes or '='"),
        (
            {"x": {"a": 1}},
            "flag 'x' has a value of type dict; "
            "write a string, a number, a boolean, a list of them, or null to leave it out",
        ),
        (
            {"x": ["a\tb"]},
            "flag 'x' has a control character in its value 'a\\tb'; put such text in a file",
        ),
    ],
)
def test_bad_flag_is_named(args: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        render_args(args)


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("-httpListenAddr=[::1]:80", '"-httpListenAddr=[::1]:80"'),
        ("-a=/var/lib/x,y@z:1+2", "-a=/var/lib/x,y@z:1+2"),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\\n", '"a\\\\n"'),
        ("", '""'),
        (";", '";"'),
    ],
)
def test_quoted_word(word: str, quoted: str) -> None:
    assert quote_word(word) == quoted


def test_variables_stay_where_systemd_does_not_expand_them() -> None:
    assert quote_word("A=$HOME %h", expands_variables=False) == '"A=$HOME %%h"'


def _as_systemd_reads(line: str) -> list[str]:
    """Split a line as systemd.syntax(7) says, then replace %% and $$."""
    words = re.findall(r'"(?:[^"\\]|\\.)*"|[^ ]+', line)
    plain = []
    for word in words:
        text = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        plain.append(text.replace("%%", "%").replace("$$", "$"))
    return plain


@given(st.lists(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"))))
def test_any_words_survive_the_unit_file(words: list[str]) -> None:
    escaped = [word.replace("%%", "%").replace("$$", "$") for word in words]
    assert _as_systemd_reads(command_line(escaped)) == escaped
