"""A vmselect is asked past its cache when agents had old backlogs, and when it was reset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meridian.metrics.plugins.module_utils.process import ProgramError
from ansible_collections.meridian.metrics.plugins.modules import late_samples


class Pages:
    """A vmselect whose answers are given by query, and how often it was reset since its start."""

    def __init__(self, answers: Mapping[str, object], resets: int = 0) -> None:
        self._answers = answers
        self._resets = resets

    def page(self, path: str, key: str = "", *, timeout: float = 30) -> str:
        assert timeout
        if path == "/metrics":
            assert key == "metricsAuthKey"
            return f"vm_rollup_result_cache_resets_total {self._resets}\n"
        url = urlsplit(path)
        asked = parse_qs(url.query)
        assert (url.path, asked["nocache"]) == ("/select/7/prometheus/api/v1/query", ["1"])
        return json.dumps(self._answers[asked["query"][0]])


def answer(*values: str, partial: bool = False) -> dict[str, object]:
    result = [{"metric": {}, "value": [1, value]} for value in values]
    return {"status": "success", "isPartial": partial, "data": {"result": result}}


LATE = "max(tlast_over_time((min_over_time(vm_persistentqueue_bytes_pending[20s]) > 0)[1d:15s]))"
RESETS = 'vm_rollup_result_cache_resets_total{job="vmselect",instance="sel-1"}'
RESET = f"max(tlast_change_over_time({RESETS}[1d]))"


def test_the_newest_old_backlog_is_found() -> None:
    assert late_samples.last_late(Pages({LATE: answer("1700")}), 7, "20s", "1d") == 1700


def test_no_old_backlog_is_never() -> None:
    assert late_samples.last_late(Pages({LATE: answer()}), 7, "20s", "1d") == 0


def test_the_last_reset_is_found_by_the_instance() -> None:
    assert (
        late_samples.last_reset(Pages({RESET: answer("1800")}, 2), 7, "vmselect", "sel-1", "1d")
        == 1800
    )


def test_a_start_is_no_reset_though_it_changes_the_counter() -> None:
    assert (
        late_samples.last_reset(Pages({RESET: answer("1800")}, 0), 7, "vmselect", "sel-1", "1d")
        == 0
    )


def test_an_answer_without_a_storage_node_is_none() -> None:
    with pytest.raises(ProgramError, match="lacks a storage node"):
        late_samples.last_late(Pages({LATE: answer(partial=True)}), 7, "20s", "1d")


def test_what_is_no_answer_is_told() -> None:
    with pytest.raises(ProgramError, match="not an answer to a query"):
        late_samples.last_late(Pages({LATE: {"status": "error"}}), 7, "20s", "1d")
