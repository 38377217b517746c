# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.grafana_data_sources."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_data_sources
short_description: The provisioning file of Grafana's data sources
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the content of the file, and the files of the secrets that it names.
  - What is in no file any more is deleted by Grafana, so are data sources with the names of regions
    that store nothing.
  - Two data sources with one name or uid, or as the default one, are refused.
positional: _input, extra
options:
  _input:
    description: The fleet's data sources, as P(meridian.metrics.data_sources#filter) gives them.
    type: list
    elements: dict
    required: true
  extra:
    description: Further ones in the form of Grafana's own provisioning files.
    type: list
    elements: dict
    required: true
  type:
    description: Type of the fleet's data sources.
    type: str
    required: true
  password:
    description: The gateways' password of the user C(grafana).
    type: str
    required: true
  global_password:
    description: That of the user C(grafana-global), where one reads all regions at once.
    type: str
    default: ""
  interval:
    description: Time between two samples of a series, with its unit.
    type: str
    required: true
  regions:
    description: Names of all regions.
    type: list
    elements: str
    required: true
  directory:
    description: Where the files lie on the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the provisioning file of a Grafana that reads one region
  ansible.builtin.debug:
    msg: "{{ provisioned.content }}"
  vars:
    source:
      name: us-east-1
      uid: meridian-us-east-1
      url: http://gateway.us-east-1.meridian.internal:8427
      user: grafana
      default: true
    provisioned: >-
      {{ [source] | meridian.metrics.grafana_data_sources(
           [], type='prometheus', password='quiet', interval='15s', regions=['us-east-1'],
           directory='/etc/meridian/grafana') }}
"""

RETURN = r"""
_value:
  description:
    - C(content) is that of the provisioning file, C(deleted) of the one with what Grafana is not to
      have, C(secret_files) are files in the form of O(meridian.metrics.daemon#module:files).
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_data_sources import (
    DataSourceError,
    provisioning,
)


def _filter(
    derived: Sequence[Mapping[str, object]],
    extra: Sequence[object],
    *,
    type: str,  # noqa: A002 - the option's name
    password: str,
    interval: str,
    regions: Iterable[str],
    directory: str,
    global_password: str = "",
) -> dict[str, object]:
    try:
        return provisioning(
            derived,
            extra,
            type_=type,
            password=password,
            interval=interval,
            regions=regions,
            directory=directory,
            global_password=global_password,
        )
    except DataSourceError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"grafana_data_sources": _filter}
