# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.copies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: url_relabeling
short_description: vmagent's rules of what is sent to which URL
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the value of C(-remoteWrite.urlRelabelConfig) and the files that it names.
positional: _input, labels, directory
options:
  _input:
    description: Selectors by URL, as P(meridian.metrics.write_keep#filter) returns them.
    type: list
    elements: list
    required: true
  labels:
    description: Labels that every sample has, and that selectors may ask for.
    type: dict
    required: true
  directory:
    description: Folder of the files.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what is kept for the second URL
  ansible.builtin.debug:
    msg: >-
      {{ [[], ['{__name__=~"slo_.*"}']]
         | meridian.metrics.url_relabeling({'env': 'prod'}, '/etc/meridian/vmagent') }}
"""

RETURN = r"""
_value:
  description:
    - C(args), the flag's values, one for each URL; none where every URL gets every sample.
    - C(files), in the form of O(meridian.metrics.daemon#module:files).
  type: dict
"""

from collections.abc import Callable

from ansible_collections.meridian.metrics.plugins.plugin_utils.copies import url_relabeling


class FilterModule:
    """vmagent's rules of what is sent to which URL."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"url_relabeling": url_relabeling}
