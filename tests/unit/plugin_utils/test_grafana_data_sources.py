"""Data sources: the fleet's own and the operator's, one default, no secret in the file."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.grafana_data_sources import (
    DataSourceError,
    provisioning,
)

DIRECTORY = "/etc/meridian/grafana"
EU = {
    "name": "eu-west-1",
    "uid": "meridian-eu-west-1",
    "url": "http://gateway.eu-west-1.meridian.internal:8427",
    "user": "grafana",
    "default": True,
}
US = {**EU, "name": "us-east-1", "uid": "meridian-us-east-1", "default": False}
LOKI = {"name": "Logs", "uid": "logs", "type": "loki", "url": "http://logs:3100"}


def made(
    derived: list[dict[str, Any]] | None = None, extra: list[Any] | None = None, **more: Any
) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "type_": "prometheus",
        "password": "quiet",
        "interval": "15s",
        "regions": ["eu-west-1", "us-east-1"],
        "directory": DIRECTORY,
    }
    return provisioning([EU, US] if derived is None else derived, extra or [], **{**usual, **more})


def error(extra: list[Any] | None = None, **more: Any) -> str:
    with pytest.raises(DataSourceError) as caught:
        made(extra=extra, **more)
    return str(caught.value)


def test_the_source_of_all_regions_is_read_with_a_password_of_its_own() -> None:
    whole = {**US, "name": "Global", "uid": "meridian-global", "user": "grafana-global"}
    answer = made([EU, whole], global_password="wide")
    assert [each["basicAuthUser"] for each in answer["content"]["datasources"]] == [
        "grafana",
        "grafana-global",
    ]
    assert {
        file["path"].rpartition("/")[2]: file["content"] for file in answer["secret_files"]
    } == {
        "datasource.meridian-eu-west-1.basicAuthPassword": "quiet",
        "datasource.meridian-global.basicAuthPassword": "wide",
    }


def test_a_password_of_all_regions_that_grafana_would_change_is_refused() -> None:
    whole = {**US, "name": "Global", "uid": "meridian-global", "user": "grafana-global"}
    with pytest.raises(DataSourceError) as caught:
        made([EU, whole], global_password="wi$de")
    assert str(caught.value) == (
        "the password of the gateway's user 'grafana-global' holds a '$', which Grafana takes for "
        "the name of a variable; choose another one"
    )


def test_a_region_is_read_through_its_gateway_with_a_password_from_a_file() -> None:
    answer = made([EU])

    assert answer["content"]["datasources"] == [
        {
            "name": "eu-west-1",
            "uid": "meridian-eu-west-1",
            "type": "prometheus",
            "access": "proxy",
            "orgId": 1,
            "url": "http://gateway.eu-west-1.meridian.internal:8427",
            "basicAuth": True,
            "basicAuthUser": "grafana",
            "isDefault": True,
            "editable": False,
            "jsonData": {
                "httpMethod": "POST",
                "timeInterval": "15s",
                "manageAlerts": False,
                "prometheusType": "Prometheus",
                "prometheusVersion": "2.24.0",
            },
            "secureJsonData": {
                "basicAuthPassword": "$__file{/etc/meridian/grafana/secrets/"
                "datasource.meridian-eu-west-1.basicAuthPassword}"
            },
        }
    ]
    assert answer["secret_files"] == [
        {
            "path": "secrets/datasource.meridian-eu-west-1.basicAuthPassword",
            "content": "quiet",
            "secret": True,
        }
    ]


def test_another_type_gets_no_settings_of_prometheus() -> None:
    source = made([EU], type_="victoriametrics-metrics-datasource")["content"]["datasources"][0]
    assert source["type"] == "victoriametrics-metrics-datasource"
    assert set(source["jsonData"]) == {"httpMethod", "timeInterval", "manageAlerts"}


def test_what_left_the_file_is_deleted_by_grafana() -> None:
    files = made([EU], regions=["us-east-1", "eu-west-1", "ap-south-1"])
    assert files["content"]["prune"] is True
    assert files["deleted"]["deleteDatasources"] == [
        {"name": "ap-south-1", "orgId": 1},
        {"name": "us-east-1", "orgId": 1},
    ]


def test_a_data_source_of_the_operators_named_like_a_region_is_not_deleted() -> None:
    deleted = made([EU], [{**LOKI, "name": "us-east-1"}])["deleted"]
    assert deleted["deleteDatasources"] == []


def test_a_new_region_that_stores_nothing_does_not_change_what_needs_a_restart() -> None:
    before = made([EU], regions=["eu-west-1"])
    after = made([EU], regions=["eu-west-1", "ap-south-1"])
    assert after["content"] == before["content"]
    assert after["deleted"] != before["deleted"]


def test_the_operators_data_sources_are_taken_as_they_are() -> None:
    assert made(extra=[{**LOKI, "jsonData": {"maxLines": 10}}])["content"]["datasources"][2] == {
        **LOKI,
        "jsonData": {"maxLines": 10},
    }


def test_the_operators_secrets_go_into_files_and_references_stay() -> None:
    secure = {"httpHeaderValue1": "quiet too", "basicAuthPassword": "$__file{/etc/own}"}
    answer = made(extra=[{**LOKI, "secureJsonData": secure}])

    path = "secrets/datasource.logs.httpHeaderValue1"
    assert answer["content"]["datasources"][2]["secureJsonData"] == {
        "httpHeaderValue1": f"$__file{{{DIRECTORY}/{path}}}",
        "basicAuthPassword": "$__file{/etc/own}",
    }
    assert {"path": path, "content": "quiet too", "secret": True} in answer["secret_files"]
    assert "quiet" not in str(answer["content"])


def test_a_fleet_without_storage_has_no_data_source() -> None:
    assert made([])["content"]["datasources"] == []


PLACE = "grafana_extra_datasources[0]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {**LOKI, "isDefault": True},
            "2 data sources are the default one ('eu-west-1', 'Logs'); keep one: take isDefault "
            "out of grafana_extra_datasources, or state grafana_datasources with default: false",
        ),
        (
            {**LOKI, "name": "us-east-1"},
            "two data sources have the name 'us-east-1'; each needs its own",
        ),
        (
            {**LOKI, "uid": "meridian-us-east-1"},
            "two data sources have the uid 'meridian-us-east-1'; each needs its own",
        ),
        ({**LOKI, "jsondata": {}}, f"{PLACE} has an unknown key 'jsondata'; write 'jsonData'"),
        (
            {**LOKI, "zzz": {}},
            f"{PLACE} has an unknown key 'zzz'; known: access, basicAuth, basicAuthUser, "
            "correlations, database, editable, isDefault, jsonData, name, orgId, secureJsonData, "
            "type, uid, url, user, version, withCredentials",
        ),
        ({"name": "Logs", "type": "loki"}, f"{PLACE} has no uid; state one, as text"),
        ({**LOKI, "type": ""}, f"{PLACE} has no type; state one, as text"),
        (
            {**LOKI, "uid": "my logs"},
            f"{PLACE} has the uid 'my logs'; use letters, digits, '_' and '-', at most 40",
        ),
        (
            {**LOKI, "url": "htp://logs"},
            f"{PLACE} has the url 'htp://logs', which does not start with http:// or https://",
        ),
        ({**LOKI, "access": "server"}, f"{PLACE} has the access 'server'; write proxy or direct"),
        ({**LOKI, "jsonData": "x"}, f"{PLACE}.jsonData is no dictionary"),
        ("loki", f"{PLACE} is no dictionary"),
        (
            {**LOKI, "secureJsonData": {"token": "qui$t"}},
            f"{PLACE}.secureJsonData.token holds a '$', which Grafana takes for the name of a "
            "variable; put it into a file of grafana_extra_files and write $__file{path}",
        ),
    ],
)
def test_a_data_source_that_grafana_would_refuse_or_misread_is_refused(
    source: Any, expected: str
) -> None:
    assert error([source]) == expected


def test_one_data_source_has_to_be_the_default() -> None:
    assert error(derived=[US]) == (
        "no data source is the default one; set isDefault: true for one of them"
    )


def test_a_password_that_grafana_would_change_is_refused_and_not_shown() -> None:
    assert error(password="qui$et") == (
        "the password of the gateway's user 'grafana' holds a '$', which Grafana takes for the "
        "name of a variable; choose another one"
    )
