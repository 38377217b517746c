# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.auth_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: auth_config
author: Meridian contributors (@meridian-metrics)
short_description: The whole configuration of vmauth, refused with a placeholder in it
version_added: 0.1.0
description:
  - Returns vmauth's configuration with further users after its own.
  - Fails when C(%{NAME}) is left anywhere in it. vmauth replaces that by an environment variable,
    but takes it literally when there is none, so that the name of an unset variable is a working
    password.
positional: _input, extra_users
options:
  _input:
    description: Configuration, such as that of P(meridian.metrics.gateway_config#filter).
    type: dict
    required: true
  extra_users:
    description: Further users, in the form of vmauth's C(users).
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show a configuration with a further user
  ansible.builtin.debug:
    msg: "{{ {'users': []} | meridian.metrics.auth_config(extra_users) }}"
  vars:
    extra_users:
      - username: reporting
        password: "{{ vault_reporting_password }}"
        url_prefix: "http://10.20.1.11:8428/"
"""

RETURN = r"""
_value:
  description: The configuration.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.auth_config import auth_config


def _filter(
    config: Mapping[str, object], extra_users: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    try:
        return auth_config(config, extra_users)
    except ValueError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """The whole configuration of vmauth."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"auth_config": _filter}
