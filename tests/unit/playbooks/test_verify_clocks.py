"""verify.yml on hosts of which some have wrong clocks: this machine, behind an ssh of our own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.meridian.metrics.tests.unit.playbooks.ansible_run import ROOT

SSH = """#!/bin/sh
case "$*" in
  *ahead.test*) off=259200 ;;
  *behind.test*) off=-3600 ;;
  *right.test*) off=1 ;;
  *) echo unreachable >&2; exit 255 ;;
esac
for last; do :; done
PATH={folder}:$PATH CLOCK_OFF=$off exec sh -c "$last"
"""
DATE = '#!/bin/sh\nexec /bin/date -d "$CLOCK_OFF seconds" +%s.%N\n'


def script(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_hosts_whose_clocks_are_off_are_named_and_others_are_not(tmp_path: Path) -> None:
    script(tmp_path / "date", DATE)
    ssh = script(tmp_path / "ssh", SSH.replace("{folder}", str(tmp_path)))
    hosts = {
        name: {"ansible_host": f"{name}.test"} for name in ("right", "ahead", "behind", "away")
    }
    agent = {
        "cluster": "us-east-1-eks-01-prod",
        "env": "prod",
        "availability_zone": "us-east-1a",
        "ansible_python_interpreter": sys.executable,
    }
    hosts["right"] |= agent
    fleet = {
        "meridian_topology": "centralized",
        "meridian_storage_region": "us-east-1",
        "meridian_regions": {"us-east-1": {}},
        "ansible_remote_tmp": str(tmp_path / "remote"),
    }
    groups = {
        "us_east_1": {"hosts": hosts},
        "vmagent": {"hosts": {"right": {}}},
        "vmsingle": {"hosts": {"ahead": {}}},
        "vmauth": {"hosts": {"behind": {}}},
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"vars": fleet, "children": groups}}))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory)),
            *("-e", "verify_seconds=1", str(ROOT / "playbooks" / "verify.yml")),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_EXECUTABLE": str(ssh),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    told = re.findall(
        r"^ERROR: the clock of (\w+) is (\d+) s (ahead of|behind) this machine's", done.stdout, re.M
    )
    assert [(host, way) for host, _, way in told] == [
        ("ahead", "ahead of"),
        ("behind", "behind"),
    ], done.stdout + done.stderr
    # A slow machine reads a clock some seconds late.
    assert [int(seconds) for _, seconds, _ in told] == pytest.approx([259200, 3600], abs=300)
    # Samples are asked for nevertheless.
    assert "ERROR: us-east-1: no answer from the gateway of us-east-1" in done.stdout
    assert done.returncode != 0
