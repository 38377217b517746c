# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module: several HTTP requests from one host in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: http_requests
short_description: Send several HTTP requests from a host and return every answer
version_added: 0.1.0
author: The Meridian authors (@meridian-metrics)
description:
  - Sends the requests one after the other and returns all answers, refused ones too. The caller
    judges them.
  - Proxy variables of the environment are not followed.
  - One run of the module replaces as many runs of M(ansible.builtin.uri), and the passwords stand
    apart from the requests, so that what was asked can be shown.
options:
  requests:
    description: The requests. No body is sent.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name under which the answer is returned; unique.
        type: str
        required: true
      url:
        description: Address, with its query string.
        type: str
        required: true
      method:
        description: HTTP method.
        type: str
        choices: [GET, POST]
        default: GET
      user:
        description: User of the basic authentication; without one the request is anonymous.
        type: str
  passwords:
    description: Passwords by user name.
    type: dict
    default: {}
  ca_path:
    description: Certificates on the host that sign the servers' ones; by default the system's.
    type: path
  timeout:
    description: Time limit of each request, in seconds.
    type: int
    default: 10
attributes:
  check_mode:
    description: The requests are sent in check mode too.
    support: full
"""

EXAMPLES = r"""
- name: Ask a gateway for what it serves
  meridian.metrics.http_requests:
    requests:
      - name: reader
        url: http://127.0.0.1:8427/api/v1/query?query=up
        user: operator
      - name: anonymous
        url: http://127.0.0.1:8427/api/v1/query?query=up
    passwords:
      operator: "{{ vaulted_password }}"
  register: answers
"""

RETURN = r"""
answers:
  description: The answers by the requests' names.
  returned: always
  type: dict
  contains:
    status:
      description: HTTP status, or 0 when there was no answer.
      type: int
    body:
      description: Text of the answer.
      type: str
    error:
      description: Why there was no answer; empty when there was one.
      type: str
"""

import http.client
from typing import Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.urls import open_url


def answer(
    request: dict[str, Any], passwords: dict[str, str], ca_path: str | None, timeout: int
) -> dict[str, Any]:
    """Send one request and return its status, body and error."""
    credentials = {}
    if request["user"]:
        credentials = {
            "url_username": request["user"],
            "url_password": passwords[request["user"]],
            "force_basic_auth": True,
        }
    try:
        response = open_url(
            request["url"],
            method=request["method"],
            ca_path=ca_path,
            timeout=timeout,
            use_proxy=False,
            follow_redirects="none",
            **credentials,
        )
    except HTTPError as error:
        response = error
    except URLError as error:
        return {"status": 0, "body": "", "error": to_text(error.reason)}
    except (OSError, ValueError) as error:
        return {"status": 0, "body": "", "error": to_text(error)}
    try:
        body = to_text(response.read())
    except (OSError, http.client.HTTPException) as error:
        return {"status": 0, "body": "", "error": to_text(error)}
    return {"status": response.code, "body": body, "error": ""}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "requests": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "url": {"type": "str", "required": True},
                    "method": {"type": "str", "choices": ["GET", "POST"], "default": "GET"},
                    "user": {"type": "str"},
                },
            },
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "ca_path": {"type": "path"},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    requests, passwords = module.params["requests"], module.params["passwords"]
    ca_path, timeout = module.params["ca_path"], module.params["timeout"]
    missing = sorted({r["user"] for r in requests if r["user"] and r["user"] not in passwords})
    if missing:
        module.fail_json(msg=f"no password is given for: {', '.join(missing)}")
    names = [request["name"] for request in requests]
    if len(set(names)) < len(names):
        module.fail_json(msg="two requests have the same name")
    module.exit_json(
        changed=False,
        answers={r["name"]: answer(r, passwords, ca_path, timeout) for r in requests},
    )


if __name__ == "__main__":
    main()
