"""New settings roll over a fleet under load, host after host, and cost no sample and no query."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from drill_fleet import LONG, DrillFleet
from load import Load
from rolls import ORDER, cost_nothing, missing_archives, new_flag, watched, went_in_turn
from samples import eventually, labels

# Short: all components in one run. Long: each alone.
ROLLS = [[each] for each in ORDER] if LONG else [[*ORDER]]
# These are read again without a restart.
FILES = {
    "vmauth_extra_users": [
        {"username": "drill", "password": "drill-secret", "url_prefix": "http://127.0.0.1:1"}
    ],
    "vmagent_scrape_configs": [
        {"job_name": "drill", "static_configs": [{"targets": ["127.0.0.1:9100"]}]}
    ],
}


def test_files_are_read_again_without_a_restart(
    fleet: DrillFleet, start_load: Callable[..., Load], figures: Callable[..., None]
) -> None:
    fleet.site("--tags", "vmauth,vmagent")  # without what other tests have changed
    before = fleet.pids()
    load = start_load()
    with watched(fleet) as watch:
        fleet.site("--tags", "vmauth,vmagent", "-e", json.dumps(FILES))
        fleet.settle()
    assert fleet.pids() == before
    users, reloads = "vmauth_user_requests_total", "vm_promscrape_config_reloads_total"
    gateways = [fleet.url(host, "vmauth") for host in fleet.hosts("vmauth")]
    eventually(lambda: all("drill" in labels(url, users, "username") for url in gateways))
    agents = fleet.hosts("vmagent")
    eventually(lambda: all(fleet.metric(host, "vmagent", reloads) >= 1 for host in agents))
    report = load.stop()
    figures("files of vmauth and vmagent", report, seconds=watch.seconds)
    cost_nothing(report, watch)


@pytest.mark.parametrize("components", ROLLS, ids="+".join)
def test_a_flag_rolls_host_after_host(
    components: Sequence[str],
    fleet: DrillFleet,
    start_load: Callable[..., Load],
    figures: Callable[..., None],
) -> None:
    if len(components) > 1 and not missing_archives(fleet):
        pytest.skip("the upgrade brings new flags in the same roll; without it in the long form")
    changed = [component for component in components if fleet.hosts(component)]
    if not changed:
        pytest.skip(f"no {' or '.join(components)} here")
    before = fleet.pids()
    load = start_load()
    with watched(fleet, changed) as watch:
        args = {f"{component}_extra_args": new_flag() for component in changed}
        fleet.site("--tags", ",".join(changed), "-e", json.dumps(args))
        fleet.settle()
    after = fleet.pids()
    report = load.stop()
    figures(
        f"a flag of {', '.join(changed)}", report, seconds=watch.seconds, down=watch.longest_down()
    )
    assert {who for who, pid in after.items() if pid != before[who]} == {
        (host, component) for component in changed for host in fleet.hosts(component)
    }
    went_in_turn(watch)
    cost_nothing(report, watch)
