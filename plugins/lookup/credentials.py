# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup: the passwords of the gateways' users."""

from __future__ import annotations

DOCUMENTATION = r"""
name: credentials
author: Meridian contributors (@meridian-metrics)
short_description: Passwords of the gateways' users, given or generated once
version_added: 0.1.0
description:
  - Returns one dictionary of user names and passwords.
  - A password that is not given is generated on the controller at the first need and kept in a
    file named after the user, C(operator.txt), mode C(0600), in a directory of mode C(0700). Every
    later run reads it from there. Ansible takes no file of that suffix for an inventory.
  - Several runs and several hosts may ask at once; all of them get the same password.
  - In check mode nothing is written, so a password that is not stored yet is another one in each
    call.
  - To change a password, remove its file or replace its content, and run the playbook again for
    the gateways and for the user's agents.
options:
  _terms:
    description: User names. Lists are flattened.
    type: list
    elements: str
    required: true
  directory:
    description: Where the files are kept, on the controller. Keep it out of version control.
    type: path
    required: true
  given:
    description:
      - Passwords by user name, which win over the files. Meant for variables encrypted by
        Ansible Vault.
      - Users who are not asked for are ignored.
    type: dict
    default: {}
notes:
  - An empty password is refused, so is one with white space, and one with C(%{), which vmauth would
    take for the name of an environment variable.
"""

EXAMPLES = r"""
- name: Show that a user has a password
  ansible.builtin.assert:
    that: passwords['grafana'] | length == 32
  vars:
    passwords: >-
      {{ lookup('meridian.metrics.credentials', ['grafana', 'operator'],
                directory=inventory_dir ~ '/.credentials',
                given=meridian_credentials | default({})) }}
"""

RETURN = r"""
_raw:
  description: One dictionary, user name to password.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.meridian.metrics.plugins.plugin_utils.credentials import (
    CredentialError,
    passwords,
)


class LookupModule(LookupBase):
    """One dictionary for all terms, so that a role's variable is one expression."""

    def run(
        self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, str]]:
        """Return the passwords of the users in ``terms``."""
        self.set_options(var_options=variables, direct=kwargs)
        users: list[str] = self._flatten(terms)
        try:
            found = passwords(
                users,
                directory=Path(self.get_option("directory")).expanduser(),
                given=self.get_option("given"),
                keep=not (variables or {}).get("ansible_check_mode", False),
            )
        except CredentialError as error:
            raise AnsibleLookupError(str(error)) from error
        return [found]
