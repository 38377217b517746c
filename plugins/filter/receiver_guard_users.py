# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter over plugin_utils.receiver_guard."""

from __future__ import annotations

DOCUMENTATION = r"""
name: receiver_guard_users
short_description: HAProxy's list of the senders that a receiver's guard lets through
version_added: 0.1.0
author: Meridian contributors (@meridian-metrics)
description:
  - Returns the file beside that of P(meridian.metrics.receiver_guard_config#filter), with the
    senders' passwords in it.
  - Fails for a sender without a password.
positional: _input, passwords
options:
  _input:
    description: User names of the senders.
    type: list
    elements: str
    required: true
  passwords:
    description: Passwords by user name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the list of one sender
  ansible.builtin.debug:
    msg: "{{ ['shop'] | meridian.metrics.receiver_guard_users({'shop': vault_shop_password}) }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver import ReceiverError
from ansible_collections.meridian.metrics.plugins.plugin_utils.receiver_guard import guard_users


def _filter(senders: Sequence[str], passwords: Mapping[str, str]) -> str:
    try:
        return guard_users(senders, passwords)
    except ReceiverError as error:
        raise AnsibleFilterError(f"{error}") from error


class FilterModule:
    """HAProxy's list of the senders that a receiver's guard lets through."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"receiver_guard_users": _filter}
