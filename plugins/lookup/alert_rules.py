# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup: the rule files of a vmalert."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_rules
author: Meridian contributors (@meridian-metrics)
short_description: Rule files of vmalert, the collection's and the site's own
version_added: 0.1.0
description:
  - Returns a list of files, each with its C(path), below C(rules), and its C(content).
  - The collection's alerts get the annotation C(runbook_url). The site's own files are taken as
    they are, and lie in the folder C(rules/own).
options:
  _terms:
    description:
      - Folder on the controller with the site's own rule files, C(*.yml) and C(*.yaml); empty for
        none.
    type: list
    elements: str
    required: true
  disabled:
    description: Names of the collection's rules to leave out.
    type: list
    elements: str
    default: []
  runbook_url:
    description: URL of the folder with one page for each alert.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the names of the rule files
  ansible.builtin.debug:
    msg: "{{ files | map(attribute='path') }}"
  vars:
    files: >-
      {{ lookup('meridian.metrics.alert_rules', inventory_dir ~ '/rules',
                disabled=['HostCpuBusy'], runbook_url='https://wiki.example/runbooks') }}
"""

RETURN = r"""
_raw:
  description: One list of files.
  type: list
  elements: list
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.meridian.metrics.plugins.plugin_utils.alert_rules import (
    RuleError,
    rule_files,
)


class LookupModule(LookupBase):
    """One list of files for the one folder, so that a role's variable is one expression."""

    def run(
        self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[list[dict[str, str]]]:
        """Return the rule files of the folder in ``terms`` and of the collection."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [
                rule_files(
                    rules_dir=f"{folder}",
                    disabled=[f"{name}" for name in self.get_option("disabled")],
                    runbook_url=self.get_option("runbook_url"),
                )
                for folder in terms
            ]
        except RuleError as error:
            raise AnsibleLookupError(str(error)) from error
