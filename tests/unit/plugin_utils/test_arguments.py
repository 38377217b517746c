"""Role variables are checked for all hosts before any host is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.arguments import argument_problems

GROUPS = {
    "all": ["a1", "a2", "g1", "s1"],
    "vmselect": ["g1"],
    "vmselect_global": ["g1"],
    "vmagent": ["a2", "a1"],
    "vmstorage": ["s1"],
    "us_east_1": ["a1", "a2", "s1"],
}


@pytest.mark.parametrize(
    ("variables", "problems"),
    [
        pytest.param({"a1": {"vmagent_port": 8429}}, [], id="right"),
        pytest.param(
            {"a1": {"vmagent_prot": 1}},
            ["variable 'vmagent_prot' is unknown; write 'vmagent_port' (host 'a1')"],
            id="misspelt",
        ),
        pytest.param({"a1": {"vmagent_team": "x"}}, [], id="a variable of one's own"),
        pytest.param(
            {"g1": {"vmselect_global_prot": 1, "vmselect_prot": 1}},
            [
                "variable 'vmselect_prot' is unknown; write 'vmselect_port' (host 'g1')",
                "variable 'vmselect_global_prot' is unknown; write 'vmselect_global_port' "
                "(host 'g1')",
            ],
            id="misspelt, of a component whose name begins with another one's",
        ),
        pytest.param({"s1": {"vmagent_prot": 1}}, [], id="not this host's component"),
        pytest.param(
            {"s1": {"node_exporter_prot": 1}},
            ["variable 'node_exporter_prot' is unknown; write 'node_exporter_port' (host 's1')"],
            id="misspelt, of what every host carries",
        ),
        pytest.param(
            {"a1": {"vmagent_source": "zip"}},
            [
                "variable 'vmagent_source': value of vmagent_source must be one of: archive, "
                "package, got: zip (host 'a1')"
            ],
            id="not one of the choices",
        ),
        pytest.param(
            {"a1": {"vmagent_manage_hosts": "maybe"}},
            [
                "variable 'vmagent_manage_hosts': 'maybe' is no boolean; write true or false "
                "(host 'a1')"
            ],
            id="no boolean",
        ),
        pytest.param(
            {"a1": {"vmagent_extra_args": 5}, "a2": {"vmagent_extra_args": 5}},
            [
                "variable 'vmagent_extra_args': argument 'vmagent_extra_args' is of type int and "
                "we were unable to convert to dict: <class 'int'> cannot be converted to a dict "
                "(host 'a1' and 1 more)"
            ],
            id="wrong type, on two hosts",
        ),
    ],
)
def test_problems(variables: dict[str, dict[str, Any]], problems: list[str]) -> None:
    hostvars = {"a1": {}, "a2": {}, "s1": {}, "g1": {}, **variables}
    assert argument_problems(GROUPS, hostvars) == problems


def test_a_value_that_needs_the_role_is_left_to_the_role() -> None:
    class Lazy(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise KeyError(key)

        def __iter__(self) -> Iterator[str]:
            return iter(["vmagent_port"])

        def __len__(self) -> int:
            return 1

    hostvars: dict[str, Mapping[str, Any]] = {"a1": Lazy(), "a2": {}, "s1": {}, "g1": {}}
    assert argument_problems(GROUPS, hostvars, unreadable=(KeyError,)) == []
