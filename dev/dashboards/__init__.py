"""The four Grafana dashboards as code; dev/make_dashboards.py writes them as JSON."""
