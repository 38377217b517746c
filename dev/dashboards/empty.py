"""Panels that are rightly empty, each by dashboard and title; docs/dashboards.md lists them too."""

from __future__ import annotations

# Empty in a healthy fleet -> the fault that fills it.
UNTIL_A_FAULT = {
    "meridian-overview/Alerts firing now": "any fault long enough for its rule, such as an agent "
    "that is stopped for some minutes",
    "meridian-stack/Targets that do not answer": "a scraped program that is stopped",
}

# Empty where no host carries a component; with a letter at the end, only that query of the panel.
WITHOUT_COMPONENT = {
    "meridian-overview/Samples per second by region/B": "prometheus_receiver",
    "meridian-overview/Samples per second by environment/B": "prometheus_receiver",
    "meridian-stack/Notifications": "alertmanager",
    "meridian-stack/Storage nodes reachable": "vminsert",
    "meridian-stack/Incompletely replicated": "vminsert",
    "meridian-stack/Rerouted rows": "vminsert",
    "meridian-stack/Partial results": "vmselect",
    "meridian-stack/Global query duration": "vmselect_global",
    "meridian-stack/Partial answers for all regions": "vmselect_global",
    "meridian-stack/Regions that answer": "vmselect_global",
}
