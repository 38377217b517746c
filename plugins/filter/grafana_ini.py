# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.grafana_ini."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_ini
short_description: grafana.ini and the files of its secrets
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns C(grafana.ini) and one file per secret in it, in the form of
    O(meridian.metrics.daemon#module:files).
  - A name that Grafana does not know is refused, with the nearest one that it knows.
  - Booleans become V(true) and V(false), lists their items with commas in between.
positional: _input, own, unchecked
options:
  _input:
    description: Settings by section and key.
    type: dict
    required: true
  own:
    description: Settings laid over these. A setting or section that is null is left out.
    type: dict
    required: true
  unchecked:
    description: Settings laid over both, whose names may be any.
    type: dict
    required: true
  directory:
    description: Where the files lie on the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show grafana.ini
  ansible.builtin.debug:
    msg: "{{ files[0].content }}"
  vars:
    files: >-
      {{ {'server': {'http_port': 3000}}
         | meridian.metrics.grafana_ini({'security': {'admin_password': 'quiet'}}, {},
                                        directory='/etc/meridian/grafana') }}
"""

RETURN = r"""
_value:
  description: The files, C(grafana.ini) first.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_ini import (
    IniError,
    ini_files,
)


def _filter(
    derived: Mapping[str, object],
    own: Mapping[str, object],
    unchecked: Mapping[str, object],
    *,
    directory: str,
) -> list[dict[str, object]]:
    try:
        return ini_files(derived, own, unchecked, directory=directory)
    except IniError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"grafana_ini": _filter}
