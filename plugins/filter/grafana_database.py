# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.grafana_database."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_database
short_description: The section of grafana.ini for Grafana's own database
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the section C(database) of C(grafana.ini).
  - A setting that Grafana could not use is refused.
positional: _input, password
options:
  _input:
    description: Type, and for PostgreSQL host, port, name, user and ssl_mode.
    type: dict
    required: true
  password:
    description: PostgreSQL's password.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the section
  ansible.builtin.debug:
    msg: "{{ {'type': 'sqlite3'} | meridian.metrics.grafana_database('') }}"
"""

RETURN = r"""
_value:
  description: The section.
  type: dict
"""

from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_database import (
    DatabaseError,
    database,
)


def _filter(settings: Mapping[str, object], password: str) -> dict[str, object]:
    try:
        return database(settings, password)
    except DatabaseError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"grafana_database": _filter}
