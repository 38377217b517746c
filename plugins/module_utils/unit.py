# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one systemd unit text: hardened by default, a role states only its difference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.meridian.metrics.plugins.module_utils.flags import command_line, quote_word

GENERATION_VARIABLE = "MERIDIAN_GENERATION"
_SECTIONS = ("Unit", "Service", "Install")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _defaults(name: str, user: str, argv: list[str]) -> dict[str, dict[str, Any]]:
    return {
        "Unit": {
            "Description": f"Meridian {name}",
            "Wants": "network-online.target",
            "After": "network-online.target",
            # Restart=always means for ever: a start limit would end it after five quick failures.
            "StartLimitIntervalSec": 0,
        },
        "Service": {
            # exec: a program that cannot be executed fails the start instead of the first poll.
            "Type": "exec",
            "User": user,
            "Group": user,
            "ExecStart": command_line(argv),
            "Restart": "always",
            "RestartSec": 1,
            "TimeoutStopSec": 60,
            "LimitNOFILE": 1048576,
            "UMask": "0077",
            "StateDirectory": name,
            "StateDirectoryMode": "0750",
            "NoNewPrivileges": True,
            "ProtectSystem": "strict",
            "ProtectHome": True,
            "PrivateTmp": True,
            "PrivateDevices": True,
            "ProtectHostname": True,
            "ProtectClock": True,
            "ProtectKernelTunables": True,
            "ProtectKernelModules": True,
            "ProtectKernelLogs": True,
            "ProtectControlGroups": True,
            "ProtectProc": "invisible",
            "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
            "RestrictNamespaces": True,
            "RestrictRealtime": True,
            "RestrictSUIDSGID": True,
            "LockPersonality": True,
            "MemoryDenyWriteExecute": True,
            "RemoveIPC": True,
            "CapabilityBoundingSet": "",
            "SystemCallArchitectures": "native",
            # mincore: VictoriaMetrics asks whether a page of a file is in memory, and exits when
            # it may not; a storage that is still empty does not ask yet.
            "SystemCallFilter": ["@system-service", "mincore", "~@privileged @resources"],
            # A refused call answers EPERM; without it the kernel kills a program that only asked.
            "SystemCallErrorNumber": "EPERM",
        },
        "Install": {"WantedBy": "multi-user.target"},
    }


def _word(place: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (str, int, float)):
        raise ValueError(
            f"{place} has a value of type {type(value).__name__}; "
            "write a string, a number, a boolean, a list of them, or null to remove it"
        )
    if "\n" in str(value):
        raise ValueError(f"{place} has a line break; write a list to repeat the key")
    return str(value)


def _lines(section: str, key: str, value: Any) -> list[str]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return [f"{key}={_word(f'unit setting {section}.{key}', item)}" for item in items]


def _environment_line(variable: str, value: Any) -> str:
    if not _VARIABLE.match(variable):
        raise ValueError(f"'{variable}' is no name of an environment variable")
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (str, int, float)):
        text = str(value)
    else:
        raise ValueError(
            f"environment variable {variable} has a value of type {type(value).__name__}; "
            "write a string, a number or a boolean"
        )
    if any(ord(character) < 32 for character in text):
        raise ValueError(
            f"environment variable {variable} has a control character in its value; "
            "put such text in a file"
        )
    return "Environment=" + quote_word(f"{variable}={text}", expands_variables=False)


def render_unit(
    name: str,
    *,
    user: str,
    argv: list[str],
    environment: Mapping[str, Any],
    overrides: Mapping[str, Mapping[str, Any]],
) -> str:
    """Render the unit file of a daemon, without its generation.

    ``overrides`` maps the sections Unit, Service and Install to settings; a list repeats the key,
    None removes it. Raises ValueError that names the setting.
    """
    sections = _defaults(name, user, argv)
    for section, settings in overrides.items():
        if section not in _SECTIONS:
            raise ValueError(f"unit section '{section}' is not one of {', '.join(_SECTIONS)}")
        if not isinstance(settings, Mapping):
            raise ValueError(f"unit section '{section}' is no dictionary of settings")
        sections[section].update(settings)
    lines = [f"# Managed by meridian.metrics ({name}); a hand edit is undone by the next run."]
    for section in _SECTIONS:
        lines.append(f"[{section}]")
        for key, value in sections[section].items():
            if value is not None:
                lines.extend(_lines(section, key, value))
        if section == "Service":
            lines.extend(_environment_line(*item) for item in sorted(environment.items()))
        lines.append("")
    return "\n".join(lines)


def with_generation(unit_text: str, generation: str) -> str:
    """Let the unit export its generation, so that the running process can be asked for it."""
    return unit_text.replace(
        "[Service]\n", f"[Service]\nEnvironment={GENERATION_VARIABLE}={generation}\n", 1
    )
