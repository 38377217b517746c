# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup: the keys of one end of the tunnel between regions."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tunnel_keys
author: Meridian contributors (@meridian-metrics)
short_description: A host's private key of WireGuard, and the public keys of its peers
version_added: 0.1.0
description:
  - Returns the private key of one host, and the public keys of others.
  - A key that is not given is generated on the controller at the first need and kept in a file
    C(wireguard-<host>.txt), mode C(0600), beside the passwords of the gateways' users.
  - In check mode nothing is written, so a key that is not stored yet is another one in each call.
  - To change a host's key, remove its file and run the playbook again for all hosts of the group.
options:
  _terms:
    description: The host whose private key is returned.
    type: list
    elements: str
    required: true
  peers:
    description: Hosts whose public keys are returned.
    type: list
    elements: str
    default: []
  directory:
    description: Where the files are kept, on the controller. Keep it out of version control.
    type: path
    required: true
  given:
    description:
      - Private keys by C(wireguard-<host>), which win over the files. Meant for variables encrypted
        by Ansible Vault.
      - Other names are ignored.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the public key of another host
  ansible.builtin.debug:
    msg: "{{ keys.public_keys['eu-west-1-select-1'] }}"
  vars:
    keys: >-
      {{ lookup('meridian.metrics.tunnel_keys', inventory_hostname, peers=['eu-west-1-select-1'],
                directory=inventory_dir ~ '/.credentials') }}
"""

RETURN = r"""
_raw:
  description: One dictionary, with C(private_key) and C(public_keys) by host.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.meridian.metrics.plugins.plugin_utils.credentials import CredentialError
from ansible_collections.meridian.metrics.plugins.plugin_utils.tunnel_keys import (
    private_key,
    public_keys,
)


class LookupModule(LookupBase):
    """One dictionary for one host."""

    def run(
        self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the private key of the host in ``terms``, and its peers' public keys."""
        self.set_options(var_options=variables, direct=kwargs)
        [host] = self._flatten(terms)
        where: dict[str, Any] = {
            "directory": Path(self.get_option("directory")).expanduser(),
            "given": self.get_option("given"),
            "keep": not (variables or {}).get("ansible_check_mode", False),
        }
        try:
            return [
                {
                    "private_key": private_key(f"{host}", **where),
                    "public_keys": public_keys(map(str, self.get_option("peers")), **where),
                }
            ]
        except CredentialError as error:
            raise AnsibleLookupError(str(error)) from error
