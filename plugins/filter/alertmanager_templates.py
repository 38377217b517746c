# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.alertmanager_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_templates
author: Meridian contributors (@meridian-metrics)
short_description: The templates of notifications in a folder
version_added: 0.1.0
description:
  - Returns the C(*.tmpl) files of a folder on the controller as files of the daemon.
options:
  _input:
    description: The folder; nothing for none.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the templates of a folder
  ansible.builtin.debug:
    msg: "{{ (inventory_dir ~ '/templates') | meridian.metrics.alertmanager_templates }}"
"""

RETURN = r"""
_value:
  description: Path and content of each file.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.alertmanager_config import (
    template_files,
)


def _filter(folder: str) -> list[dict[str, str]]:
    try:
        return template_files(f"{folder}")
    except (ValueError, OSError) as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """The templates of notifications in a folder."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"alertmanager_templates": _filter}
