"""The rows of the stack dashboard about what all clusters share: the gateway and alerting."""

from __future__ import annotations

from dashboards import look
from dashboards.assembly import Section
from dashboards.panels import lines

SHARED = "All clusters share it: the variables do not apply."


def rate(metric: str) -> str:
    """Return the increase of a counter each second."""
    return f"rate({metric}[$__rate_interval])"


def gateway() -> Section:
    """Return the one door of the storage region."""
    return Section(
        "Gateway",
        [
            lines(
                "Gateway requests by user",
                "Requests each second by user: clusters write, people and Grafana read. " + SHARED,
                look.REQUESTS_A_SECOND,
                look.over_time(
                    f"sum by (username) ({rate('vmauth_user_requests_total')})", "{{username}}"
                ),
                width=8,
                stacked=True,
            ),
            lines(
                "Gateway errors",
                "Requests each second that the gateway refused, by reason, and those that the "
                "storage behind it failed; the latter are tried elsewhere first. " + SHARED,
                look.REQUESTS_A_SECOND,
                look.over_time(
                    f"sum by (reason) ({rate('vmauth_http_request_errors_total')})",
                    "{{reason}}",
                ),
                look.over_time(
                    f"sum({rate('vmauth_user_request_backend_errors_total')})",
                    "storage failed",
                ),
                width=8,
            ),
            lines(
                "Gateway duration p99 by user",
                "99 % of a user's requests are answered faster than this. " + SHARED,
                look.SECONDS,
                look.over_time(
                    'max by (username) (vmauth_user_request_duration_seconds{quantile="0.99"})',
                    "{{username}}",
                ),
                width=8,
            ),
        ],
    )


def alerting() -> Section:
    """Return the programs that alert."""
    return Section(
        "Alerting",
        [
            lines(
                "Rule evaluation p99",
                "99 % of the evaluations of a group of rules take less than this; it must stay far "
                "below the group's interval. " + SHARED,
                look.SECONDS,
                look.over_time(
                    'max by (group) (vmalert_iteration_duration_seconds{quantile="0.99"})',
                    "{{group}}",
                ),
                width=8,
            ),
            lines(
                "Alerting errors",
                "Rules that could not be evaluated, and alerts that could not be handed to an "
                "Alertmanager, each second. " + SHARED,
                look.NUMBER,
                look.over_time(
                    f"sum by (instance) ({rate('vmalert_execution_errors_total')})",
                    "{{instance}} evaluation",
                ),
                look.over_time(
                    f"sum by (instance) ({rate('vmalert_alerts_send_errors_total')})",
                    "{{instance}} sending",
                ),
                width=8,
            ),
            lines(
                "Notifications",
                "Notifications that the Alertmanagers sent each second, and those among them that "
                "failed, of all kinds of receivers together. " + SHARED,
                look.NUMBER,
                look.over_time(f"sum({rate('alertmanager_notifications_total')})", "sent"),
                look.over_time(f"sum({rate('alertmanager_notifications_failed_total')})", "failed"),
                colors={"sent": look.NEUTRAL, "failed": look.BAD},
                width=8,
            ),
        ],
    )
