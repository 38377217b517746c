"""Two vmalerts on one storage; side_effect.yml came before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from samples import eventually, metric, query, request, scalar, vector

testinfra_hosts = ["ansible://vmalert"]

CONFIG = "/etc/meridian/vmalert"
SHIPPED = Path(__file__).parents[3] / "roles" / "vmalert" / "files" / "rules"

Alert = dict[str, Any]


@pytest.fixture
def url(address: str) -> str:
    return f"http://{address}:8880"


@pytest.fixture
def storage(host: Any) -> str:
    """The base URL of the storage, past the gateway."""
    name = "gateway.us-east-1.meridian.internal"
    return f"http://{host.check_output(f'getent ahostsv4 {name}').split()[0]}:8428"


@pytest.fixture
def kept(host: Any) -> Callable[[str], str]:
    """What side_effect.yml kept."""
    return lambda name: str(host.check_output(f"cat /root/side_effect/{name}"))


@pytest.fixture
def password(host: Any) -> str:
    return str(host.check_output(f"cat {CONFIG}/password")).strip()


def main_pid(host: Any) -> str:
    return str(host.check_output("systemctl show -P MainPID meridian-vmalert"))


def alerts(text: str) -> dict[str, Alert]:
    """Return the alerts that vmalert's API tells, by what makes them one for Alertmanager."""
    found = json.loads(text)["data"]["alerts"]
    return {json.dumps(alert["labels"], sort_keys=True): alert for alert in found}


def named(found: dict[str, Alert], name: str) -> list[Alert]:
    return [alert for alert in found.values() if alert["name"] == name]


def groups(url: str) -> dict[str, list[dict[str, Any]]]:
    found = json.loads(request(f"{url}/api/v1/rules").text)["data"]["groups"]
    return {group["name"]: group["rules"] for group in found}


def names(document: Any) -> list[str]:
    return [
        rule.get("alert", rule.get("record"))
        for group in document["groups"]
        for rule in group["rules"]
    ]


def test_it_is_healthy(url: str) -> None:
    assert request(f"{url}/health").status == 200


def test_its_service_is_sound(service_faults: Callable[[str], list[str]]) -> None:
    assert service_faults("vmalert") == []


def test_every_shipped_rule_but_the_disabled_one_is_evaluated_without_an_error(url: str) -> None:
    shipped = {path.stem: names(yaml.safe_load(path.read_text())) for path in SHIPPED.glob("*.yml")}
    shipped["hosts"].remove("HostCpuBusy")

    def evaluated() -> bool:
        rules = [rule for group in groups(url).values() for rule in group]
        return all(rule["lastEvaluation"] > "2000" for rule in rules)

    eventually(evaluated, seconds=180)
    found = groups(url)
    assert {name: sorted(rule["name"] for rule in found[name]) for name in shipped} == {
        name: sorted(rules) for name, rules in shipped.items()
    }
    assert metric(url, "vmalert_execution_errors_total") == 0
    # A change of rules breaks an evaluation off; that is no error, but is told until the next one.
    eventually(
        lambda: not any(rule["lastError"] for group in groups(url).values() for rule in group),
        seconds=180,
    )


def test_what_is_recorded_has_the_agreed_labels(storage: str) -> None:
    cluster = (
        ("__name__", "cluster:vmagent_rows_pushed:rate5m"),
        ("cluster", "us-east-1-eks-01-prod"),
        ("env", "prod"),
        ("region", "us-east-1"),
        ("storage_region", "us-east-1"),
    )
    eventually(lambda: vector(query(storage, cluster[0][1])), seconds=240)
    found = vector(query(storage, cluster[0][1]))
    assert list(found) == [cluster]
    assert found[cluster] > 0
    ratio = "cluster:vmagent_remotewrite_requests_success:ratio5m"
    slowest = "cluster:vmagent_remotewrite_duration_seconds:p99"
    # A new series may be seen later than the one beside it.
    eventually(lambda: vector(query(storage, ratio)))
    eventually(lambda: vector(query(storage, slowest)))
    assert 0.9 < scalar(query(storage, ratio)) <= 1
    assert 0 < scalar(query(storage, slowest)) < 10


def test_two_vmalerts_record_every_sample_once(url: str, storage: str) -> None:
    # one sample each 30 s, whoever writes it
    series = "cluster:vmagent_rows_pushed:rate5m"
    steps = f"count_over_time({series}[2m]) / (duration_over_time({series}[2m], 1h) / 30 + 1)"
    assert metric(url, "vmalert_remotewrite_sent_rows_total") > 0
    assert metric(url, "vmalert_remotewrite_dropped_rows_total") == 0
    eventually(lambda: scalar(query(storage, f"count_over_time({series}[2m])")) >= 3, seconds=240)
    assert scalar(query(storage, steps)) == pytest.approx(1, abs=0.01)


def test_both_tell_the_same_alerts(other_host: Callable[[str], Any]) -> None:
    def told(name: str) -> dict[str, tuple[str, ...]]:
        address = other_host(name).ansible.get_variables()["ansible_host"]
        found = alerts(request(f"http://{address}:8880/api/v1/alerts").text)
        return {
            key: (
                alert["source"],
                alert["annotations"]["summary"],
                alert["annotations"]["runbook_url"],
                # one that has to wait for nothing begins anew with a restart
                alert["activeAt"] if alert["name"] == "HostDown" else "",
            )
            for key, alert in found.items()
            if alert["name"] in ("HostDown", "Watchdog") and alert["state"] == "firing"
        }

    # three hosts without a node exporter, and the watchdog
    both = ("alert-1", "alert-2")
    eventually(lambda: all(len(told(name)) == 4 for name in both), seconds=300)
    assert told("alert-1") == told("alert-2")


def test_an_alert_has_its_labels_its_runbook_and_a_link_to_its_expression(url: str) -> None:

    def down() -> list[Alert]:
        return named(alerts(request(f"{url}/api/v1/alerts").text), "HostDown")

    # of three hosts, none of which has a node exporter
    eventually(lambda: len(down()) == 3, seconds=180)
    found = down()
    labels = {alert["labels"]["instance"]: alert["labels"] for alert in found}["gateway-1"]
    assert labels == {
        "alertgroup": "hosts",
        "alertname": "HostDown",
        "availability_zone": "us-east-1a",
        "cluster": "us-east-1-eks-01-prod",
        "env": "prod",
        "instance": "gateway-1",
        "job": "node_exporter",
        "region": "us-east-1",
        "severity": "critical",
        "storage_region": "us-east-1",
    }
    assert found[0]["annotations"]["runbook_url"] == (
        "https://github.com/meridian-metrics/meridian.metrics/blob/main/docs/runbooks/HostDown.md"
    )
    assert found[0]["source"] == (
        "http://gateway.us-east-1.meridian.internal:8427/vmui/#/?g0.expr="
        "up%7Bjob%3D%22node_exporter%22%7D+%3D%3D+0"
    )


def test_without_an_alertmanager_it_sends_to_nobody(url: str) -> None:
    metrics = request(f"{url}/metrics").text
    assert "vmalert_iteration_total" in metrics
    assert "vmalert_alerts_sent_total" not in metrics


def test_how_long_an_alert_has_been_true_survives_a_restart(
    other_host: Callable[[str], Any],
) -> None:
    restarted = other_host("alert-1")
    before, after = (
        named(alerts(restarted.check_output(f"cat /root/side_effect/alerts_{when}")), "ShopWaits")
        for when in ("before", "after")
    )
    assert before[0]["state"] == after[0]["state"] == "pending"
    assert before[0]["activeAt"] == after[0]["activeAt"]
    assert after[0]["restored"] is True


def test_own_rules_that_were_removed_are_gone_and_new_ones_are_evaluated(
    host: Any, url: str, kept: Callable[[str], str]
) -> None:
    assert host.file(f"{CONFIG}/rules/own").listdir() == ["bank.yml"]
    assert [rule["name"] for rule in groups(url)["bank"]] == ["BankOpen"]
    assert "shop" not in groups(url)
    assert main_pid(host) == kept("pid")


def test_a_rule_that_does_not_parse_was_refused_before_anything_changed(
    host: Any, kept: Callable[[str], str]
) -> None:
    refusal = kept("refused_rule")
    assert f"{CONFIG}/rules/own/broken.yml was refused by its check" in refusal
    assert re.search('invalid expression for rule +"TillEmpty"', refusal)
    assert "What runs was not touched." in refusal
    files = f"{CONFIG} /etc/systemd/system/meridian-vmalert.service"
    sums = host.check_output(f"find {files} -type f -exec sha256sum {{}} +")
    assert sorted(sums.splitlines()) == kept("in_place").splitlines()
    assert main_pid(host) == kept("pid")


def test_a_folder_of_rules_that_is_not_there_was_refused(kept: Callable[[str], str]) -> None:
    assert "files/nowhere' does not exist on the controller; make the folder" in kept(
        "refused_folder"
    )


def test_the_password_is_for_its_group_only(host: Any, password: str) -> None:
    file = host.file(f"{CONFIG}/password")
    assert (file.user, file.group, file.mode) == ("root", "vmalert", 0o640)
    assert len(password) >= 16


def test_the_password_is_in_no_process_list_and_in_no_log(host: Any, password: str) -> None:
    assert password not in host.check_output("ps -eo args")
    assert password not in host.check_output("systemctl show meridian-vmalert")
    assert password not in host.check_output("journalctl --no-pager")


def test_the_password_is_in_no_file_that_others_read(host: Any, password: str) -> None:
    readable = (
        f"find /etc /opt /run /tmp /var -xdev -type f -perm /o=r -exec grep -lF {password} {{}} +"
    )
    assert host.run(readable).stdout == ""
