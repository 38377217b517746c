#!/usr/bin/python
# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: daemon
short_description: Run one long-running program exactly as declared
version_added: 0.1.0
author:
  - Meridian contributors (@meridian)
description:
  - Brings a program, its files and its hardened systemd unit to a host, starts it and waits until
    it serves.
  - The truth is the running process. Its unit exports a generation, the SHA-256 over unit text,
    program and the files that need a restart, and the module reads it back from the process. An
    interrupted run, a hand edit or a crash in between is therefore seen and mended by the next run.
  - A state that does not become ready is replaced by the last one that did. Where several hosts
    run the task, the first that fails ends the roll; the others are not touched.
  - One round trip when nothing changed, and a second one that carries only what the host lacks.
options:
  name:
    description:
      - Name of the daemon. Its unit is C(meridian-<name>.service), its files lie in
        C(/etc/meridian/<name>), its data in C(/var/lib/<name>).
    type: str
    required: true
  state:
    description:
      - V(staged) puts program, files and unit in place and leaves a running daemon alone.
      - V(started) does the same, then starts, restarts or reloads the daemon where its process is
        not as declared.
      - V(absent) removes all but the data.
    type: str
    choices: [staged, started, absent]
    default: started
  start_stopped:
    description:
      - With O(state=staged), start a daemon that is not running; there is nothing to interrupt.
    type: bool
    default: false
  source:
    description:
      - Where the program comes from. V(archive) is a release archive, V(package) the distribution's
        package, V(files) a program that is among O(files) or already on the host.
    type: str
    choices: [archive, package, files]
    default: archive
  release:
    description: Entry of the release list; O(name) when it is not given.
    type: str
  version:
    description:
      - Version of the archive, by default the release list's; or the exact version of the first
        package, by default any.
    type: str
  archive:
    description:
      - Parts of the release list's archive entry to replace, or a whole entry of one's own.
    type: dict
    suboptions:
      name:
        description: Name of the archive, and of the folder below C(/opt/meridian).
        type: str
      file:
        description: File name, with C({version}) and C({arch}).
        type: str
      url:
        description: Where the vendor publishes it, with C({version}), C({arch}) and C({file}).
        type: str
      checksums:
        description: Name of the release's own checksum file, with C({version}) and C({arch}).
        type: str
      architectures:
        description: Architectures that exist, of V(amd64) and V(arm64).
        type: list
        elements: str
      program:
        description: Path of the program inside of the archive.
        type: str
      tree:
        description: Whether the program needs the archive's whole tree.
        type: bool
      sha256:
        description:
          - Pinned SHA-256 of the archive by architecture. It wins over the release's own checksum
            file.
        type: dict
  package:
    description:
      - Parts of the release list's package entry to replace, or a whole entry of one's own.
    type: dict
    suboptions:
      names:
        description: Packages to install; the first one gives the version.
        type: list
        elements: str
      program:
        description: Path of the program in the package.
        type: str
      units:
        description: The package's own units, masked before it is installed.
        type: list
        elements: str
  archive_dir:
    description: Folder on the controller that holds release archives under their upstream names.
    type: str
    default: ~/.cache/meridian/archives
  mirror:
    description:
      - Base URL that holds the files of O(archive_dir); it replaces the vendor's release page.
    type: str
  program:
    description: Absolute path of the program, for O(source=files).
    type: str
  user:
    description:
      - System user, and group of the same name, that the daemon runs as, made where missing;
        O(name) when it is not given.
    type: str
  subcommand:
    description: Word between the program and its flags, such as V(server) of C(grafana server).
    type: str
  args:
    description: Flags by name, without dashes. A list repeats the flag, null leaves it out.
    type: dict
    default: {}
  arg_style:
    description:
      - V(go) writes C(-flag=value) and C(-flag=true), V(gnu) C(--flag=value), C(--flag) and
        C(--no-flag).
    type: str
    choices: [go, gnu]
    default: go
  check_args:
    description:
      - Command that checks O(args) before anything is changed, as a list in the form of
        O(files[].validate). For most programs it is C([{program}, {args}, --version]), which fails
        at a flag that the program does not know.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables. Not for secrets.
    type: dict
    default: {}
  files:
    description:
      - Files of the daemon, owned by root and readable by its group. Files that are no longer
        declared are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path below C(/etc/meridian/<name>), or an absolute one.
        type: str
        required: true
      content:
        description: The text.
        type: str
      mode:
        description: Mode, an octal number in quotes.
        type: str
        default: "0640"
      secret:
        description: Keep the text out of diffs, logs and results.
        type: bool
        default: false
      on_change:
        description: What a changed text asks of the daemon.
        type: str
        choices: [restart, reload, none]
        default: restart
      validate:
        description:
          - Command that checks the file before anything is changed, as a list.
          - C({program}) is the new program, C({folder}) the folder it is in, C({path}) a copy of
            the file, C({args}) all of O(args).
          - Every mention of C(/etc/meridian/<name>) points at copies of all files.
        type: list
        elements: str
        default: []
      block:
        description:
          - Name of a managed block. The text is then a part of an existing file that others own
            too.
        type: str
  unit:
    description:
      - Settings by section (Unit, Service, Install), laid over the hardened unit. A list repeats a
        key, null removes it.
    type: dict
    default: {}
  ready:
    description: When the daemon counts as serving.
    type: dict
    default: {}
    suboptions:
      url:
        description:
          - Health URL, asked from the host itself. Without it, running for one second is enough.
        type: str
      status:
        description: Status that it has to answer.
        type: int
        default: 200
      body:
        description: Regular expression that its body has to hold.
        type: str
      timeout:
        description: Longest wait in seconds.
        type: int
        default: 60
  reload:
    description: How the daemon reads its files again; without it, a reload is a restart.
    type: dict
    suboptions:
      signal:
        description: Signal to its main process, for example V(HUP).
        type: str
      url:
        description: URL to ask instead.
        type: str
      method:
        description: Method of that request.
        type: str
        default: POST
  gate:
    description:
      - What has to hold before a running process is interrupted, and again before the task ends, so
        that the next host of a roll is only changed when nothing is missing from this one.
      - Asked when the process is restarted, not at a first start or a reload. A gate that was not
        passed is asked again by the next run.
      - Series are judged by target, which is one C(job) on one C(instance). A target with a sample
        in O(gate.window) before the change needs a newer one after it. What nobody can answer
        before the change is left out, with a warning.
    type: dict
    suboptions:
      urls:
        description: Base URLs of gateways with the Prometheus API; the first that answers counts.
        type: list
        elements: str
        default: []
      username:
        description: User of the gateways.
        type: str
      password:
        description: Password of that user.
        type: str
      timeout:
        description:
          - Longest wait in seconds, before the change, and after it and O(gate.settle).
          - V(0) is no gate.
        type: int
        default: 300
      settle:
        description: Seconds after the change before it is asked whether all holds again.
        type: float
        default: 0
      window:
        description: A target is asked for if it has a sample of the last seconds.
        type: int
        default: 90
      checks:
        description: What has to hold.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: What it means, for messages; unique.
            type: str
            required: true
          query:
            description: A selector of series; with O(gate.checks[].metrics_url), a metric's name.
            type: str
            required: true
          metrics_url:
            description: Page of metrics to read on the host itself, instead of asking a gateway.
            type: str
          wanted:
            description: Value that each series has to have, before and after.
            type: float
          own:
            description:
              - Labels of series that are this host's own, and need not have
                O(gate.checks[].wanted) before the change.
            type: dict
          growth:
            description:
              - The sum of a target's series may be larger by this than its maximum before. Targets
                that grew by more before the change are left out, with a warning.
            type: float
  purge_data:
    description: With O(state=absent), remove C(/var/lib/<name>) and the user as well.
    type: bool
    default: false
  secrets:
    description: Texts of secret files by path. Filled in by the action plugin.
    type: dict
  payload:
    description: The program as the controller brought it. Filled in by the action plugin.
    type: dict
    suboptions:
      path:
        description: Where it lies on the host.
        type: str
      files:
        description: SHA-256 by path.
        type: dict
      archive_sha256:
        description: SHA-256 of the archive that it was cut from.
        type: str
attributes:
  check_mode:
    description:
      - Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in check_mode), when in
        diff mode.
    support: full
"""

EXAMPLES = r"""
- name: Run vmagent from the vendor's release archive
  meridian.metrics.daemon:
    name: vmagent
    args:
      promscrape.config: /etc/meridian/vmagent/scrape.yml
      remoteWrite.url: http://gateway.example.net:8427/api/v1/write
      remoteWrite.tmpDataPath: /var/lib/vmagent
    files:
      - path: scrape.yml
        content: "{{ scrape_config | to_nice_yaml }}"
        on_change: reload
        validate: ["{program}", "{args}", "-dryRun"]
    ready:
      url: http://127.0.0.1:8429/health
    reload:
      signal: HUP

- name: Run the distribution's blackbox exporter
  meridian.metrics.daemon:
    name: blackbox
    source: package
    arg_style: gnu
    args:
      config.file: /etc/meridian/blackbox/blackbox.yml
    files:
      - path: blackbox.yml
        content: "{{ modules | to_nice_yaml }}"
        on_change: reload
    unit:
      Service:
        AmbientCapabilities: CAP_NET_RAW
        CapabilityBoundingSet: CAP_NET_RAW
    reload:
      signal: HUP

- name: Remove vmagent and its queue
  meridian.metrics.daemon:
    name: vmagent
    state: absent
    purge_data: true
"""

RETURN = r"""
pending:
  description:
    - What the running process is still owed, V(none), V(start), V(reload), V(restart) or V(gate).
  returned: O(state) is V(staged) or V(started)
  type: str
  sample: restart
generation:
  description: SHA-256 over unit text, program and the files that need a restart.
  returned: O(state) is V(staged) or V(started)
  type: str
version:
  description: Version of the program.
  returned: O(state) is V(staged) or V(started)
  type: str
gate:
  description:
    - How the gate was passed, the C(seconds) that it took after the change, and what was
      C(skipped).
  returned: a gate was asked
  type: dict
  sample: {seconds: 12.3, skipped: []}
log:
  description: The program's own last log lines.
  returned: the daemon did not become ready
  type: list
  elements: str
rolled_back:
  description: Whether an earlier state was put back and serves.
  returned: the daemon did not become ready
  type: bool
"""

import fcntl
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meridian.metrics.plugins.module_utils.declaration import Failure
from ansible_collections.meridian.metrics.plugins.module_utils.lifecycle import Daemon, explain
from ansible_collections.meridian.metrics.plugins.module_utils.sources import Needs
from ansible_collections.meridian.metrics.plugins.module_utils.systemd import booted


def _specification() -> dict[str, Any]:
    files = {
        "path": {"type": "str", "required": True},
        "content": {"type": "str"},
        "mode": {"type": "str", "default": "0640"},
        "secret": {"type": "bool", "default": False, "no_log": False},
        "on_change": {
            "type": "str",
            "default": "restart",
            "choices": ["restart", "reload", "none"],
        },
        "validate": {"type": "list", "elements": "str", "default": []},
        "block": {"type": "str"},
    }
    archive = {
        **{key: {"type": "str"} for key in ("name", "file", "url", "checksums", "program")},
        "architectures": {"type": "list", "elements": "str"},
        "tree": {"type": "bool"},
        "sha256": {"type": "dict"},
    }
    package = {
        "names": {"type": "list", "elements": "str"},
        "program": {"type": "str"},
        "units": {"type": "list", "elements": "str"},
    }
    ready = {
        "url": {"type": "str"},
        "status": {"type": "int", "default": 200},
        "body": {"type": "str"},
        "timeout": {"type": "int", "default": 60},
    }
    reload = {
        "signal": {"type": "str"},
        "url": {"type": "str"},
        "method": {"type": "str", "default": "POST"},
    }
    checks = {
        "name": {"type": "str", "required": True},
        "query": {"type": "str", "required": True},
        "metrics_url": {"type": "str"},
        "wanted": {"type": "float"},
        "own": {"type": "dict"},
        "growth": {"type": "float"},
    }
    gate = {
        "urls": {"type": "list", "elements": "str", "default": []},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "timeout": {"type": "int", "default": 300},
        "settle": {"type": "float", "default": 0},
        "window": {"type": "int", "default": 90},
        "checks": {"type": "list", "elements": "dict", "options": checks, "default": []},
    }
    payload = {
        "path": {"type": "str"},
        "files": {"type": "dict"},
        "archive_sha256": {"type": "str"},
    }
    return {
        "name": {"type": "str", "required": True},
        "state": {
            "type": "str",
            "default": "started",
            "choices": ["staged", "started", "absent"],
        },
        "start_stopped": {"type": "bool", "default": False},
        "source": {
            "type": "str",
            "default": "archive",
            "choices": ["archive", "package", "files"],
        },
        "release": {"type": "str"},
        "version": {"type": "str"},
        "archive": {"type": "dict", "options": archive},
        "package": {"type": "dict", "options": package},
        "archive_dir": {"type": "str", "default": "~/.cache/meridian/archives"},
        "mirror": {"type": "str"},
        "program": {"type": "str"},
        "user": {"type": "str"},
        "subcommand": {"type": "str"},
        "args": {"type": "dict", "default": {}},
        "arg_style": {"type": "str", "default": "go", "choices": ["go", "gnu"]},
        "check_args": {"type": "list", "elements": "str", "default": []},
        "environment": {"type": "dict", "default": {}},
        "files": {"type": "list", "elements": "dict", "options": files, "default": []},
        "unit": {"type": "dict", "default": {}},
        "ready": {"type": "dict", "options": ready, "default": {}, "apply_defaults": True},
        "reload": {
            "type": "dict",
            "options": reload,
            "mutually_exclusive": [["signal", "url"]],
            "required_one_of": [["signal", "url"]],
        },
        "gate": {"type": "dict", "options": gate},
        "purge_data": {"type": "bool", "default": False},
        "secrets": {"type": "dict", "no_log": True},
        "payload": {"type": "dict", "options": payload},
    }


def _run(module: AnsibleModule, daemon: Daemon) -> dict[str, Any]:
    if module.params["state"] == "absent":
        return {"changed": daemon.remove()}
    try:
        staged = daemon.stage()
    except (OSError, RuntimeError, ValueError, Failure) as error:
        raise Failure(f"{explain(error)}\nWhat runs was not touched.") from error
    pending, now = daemon.pending(staged.generation)
    starts = module.params["state"] == "started" or (
        module.params["start_stopped"] and pending == "start"
    )
    if starts and pending != "none" and not module.check_mode:
        daemon.activate(staged, pending, now)
    for skipped in daemon.passed.get("skipped", []):
        module.warn(f"{daemon.name}: the gate leaves out {skipped}")
    return {
        "changed": staged.changed or (starts and pending not in ("none", "gate")),
        "generation": staged.generation,
        "version": staged.program.version,
        "pending": daemon.owed() if starts else pending,
        **({"gate": daemon.passed} if daemon.passed else {}),
        **({"diff": daemon.diff} if module._diff else {}),
    }


def _refuse(module: AnsibleModule) -> None:
    """Fail on a host, or with a name, that this cannot work with."""
    name = module.params["name"]
    if not re.match(r"[a-z][a-z0-9_-]{0,30}\Z", name):
        module.fail_json(
            msg=f"'{name}' is no daemon name; write lower-case letters, digits, '_' and '-', "
            "a letter first, at most 31 characters"
        )
    if name == "meridian":
        module.fail_json(msg="a daemon cannot be named 'meridian': /var/lib/meridian is taken")
    if not booted():
        module.fail_json(msg=f"{name}: this host does not run systemd, which every daemon needs")
    if os.geteuid() != 0:
        module.fail_json(msg=f"{name}: only root can do this; set become: true")


@contextmanager
def _alone() -> Iterator[None]:
    """One daemon at a time: they share packages, program folders and each other's records."""
    with open("/run/meridian.lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    module = AnsibleModule(
        argument_spec=_specification(),
        supports_check_mode=True,
        required_if=[("source", "files", ("program",))],
    )
    _refuse(module)
    os.umask(0o022)
    try:
        with nullcontext() if module.check_mode else _alone():
            daemon = Daemon(
                module.params,
                check_mode=module.check_mode,
                label=lambda path: module.set_default_selinux_context(path, False),
            )
            result = _run(module, daemon)
    except Needs:
        module.exit_json(changed=False, needs_program=True, machine=platform.machine())
    except Failure as failure:
        module.fail_json(msg=f"{module.params['name']}: {failure}", **failure.facts)
    except (OSError, RuntimeError, ValueError) as error:
        module.fail_json(msg=f"{module.params['name']}: {explain(error)}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
