# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup: folders of Grafana dashboards on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_dashboards
author: Meridian contributors (@meridian-metrics)
short_description: Dashboards in folders of the controller, as files of Grafana's host
version_added: 0.1.0
description:
  - Returns one list with the C(.json) files of all folders, in the form of
    O(meridian.metrics.daemon#module:files).
  - A file that is no dashboard, and two dashboards with one uid, are refused.
options:
  _terms:
    description:
      - One dictionary; the names of folders on the host, each with its folder on the controller.
      - A folder that is empty text is left out. A relative one is looked for as other files are.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the names of the files
  ansible.builtin.debug:
    msg: >-
      {{ lookup('meridian.metrics.grafana_dashboards', {'own': inventory_dir ~ '/dashboards'})
         | map(attribute='path') }}
"""

RETURN = r"""
_raw:
  description: One list of files.
  type: list
  elements: list
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_dashboards import (
    DashboardError,
    dashboard_files,
)


class LookupModule(LookupBase):
    """One list for all folders, for a uid is one of its kind in all of them."""

    def run(
        self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[list[dict[str, object]]]:
        """Return the files of the folders in the first term."""
        self.set_options(var_options=variables, direct=kwargs)
        folders = {
            str(name): Path(self._folder(str(folder), variables)).expanduser()
            for name, folder in terms[0].items()
            if folder
        }
        try:
            return [dashboard_files(folders)]
        except DashboardError as error:
            raise AnsibleLookupError(f"{error}") from error

    def _folder(self, folder: str, variables: Mapping[str, Any] | None) -> str:
        found = self.find_file_in_search_path(variables, "files", folder, ignore_missing=True)
        return str(found or folder)
