from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils.unit import (
    render_unit,
    with_generation,
)


def rendered(
    overrides: dict[str, Any] | None = None, environment: dict[str, Any] | None = None
) -> list[str]:
    text = render_unit(
        "vmagent",
        user="vmagent",
        argv=["/opt/meridian/vmutils/1.149.0/vmagent-prod", "-a=b c"],
        environment=environment or {},
        overrides=overrides or {},
    )
    return text.splitlines()


def test_unit_runs_the_program_as_its_user() -> None:
    lines = rendered()
    assert 'ExecStart=/opt/meridian/vmutils/1.149.0/vmagent-prod "-a=b c"' in lines
    assert {"User=vmagent", "Group=vmagent", "StateDirectory=vmagent"} <= set(lines)


def test_unit_is_hardened() -> None:
    assert {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "UMask=0077",
    } <= set(rendered())


def test_override_replaces_a_default() -> None:
    lines = rendered({"Service": {"TimeoutStopSec": 300}})
    assert [line for line in lines if line.startswith("TimeoutStopSec")] == ["TimeoutStopSec=300"]


def test_null_removes_a_default() -> None:
    lines = rendered({"Service": {"PrivateDevices": None}})
    assert not [line for line in lines if line.startswith("PrivateDevices")]


def test_list_repeats_a_key() -> None:
    lines = rendered({"Service": {"ExecStartPre": ["/bin/a", "/bin/b"]}})
    assert [line for line in lines if line.startswith("ExecStartPre")] == [
        "ExecStartPre=/bin/a",
        "ExecStartPre=/bin/b",
    ]


def test_environment_is_sorted_and_quoted() -> None:
    lines = rendered(environment={"B": "x y", "A": True, "C": 3})
    assert [line for line in lines if line.startswith("Environment")] == [
        "Environment=A=true",
        'Environment="B=x y"',
        "Environment=C=3",
    ]


def test_generation_is_the_only_difference_it_makes() -> None:
    text = "\n".join(rendered())
    added = set(with_generation(text, "f00").splitlines()) - set(text.splitlines())
    assert added == {"Environment=MERIDIAN_GENERATION=f00"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"Socket": {}}, "unit section 'Socket' is not one of Unit, Service, Install"),
        ({"Service": "x"}, "unit section 'Service' is no dictionary of settings"),
        (
            {"Service": {"Nice": {}}},
            "unit setting Service.Nice has a value of type dict; "
            "write a string, a number, a boolean, a list of them, or null to remove it",
        ),
        (
            {"Service": {"ExecStartPre": "a\nUser=root"}},
            "unit setting Service.ExecStartPre has a line break; write a list to repeat the key",
        ),
    ],
)
def test_bad_override_is_named(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rendered(overrides)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"A-B": 1}, "'A-B' is no name of an environment variable"),
        (
            {"A": None},
            "environment variable A has a value of type NoneType; "
            "write a string, a number or a boolean",
        ),
        (
            {"A": "x\nUser=root"},
            "environment variable A has a control character in its value; put such text in a file",
        ),
    ],
)
def test_bad_variable_is_named(environment: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rendered(environment=environment)
