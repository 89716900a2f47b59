"""When a figure is worth an alert."""

from __future__ import annotations

from console.models.health import Alert, Severity, Thresholds, Vitals
from console.units import duration


def alerts(vitals: Vitals, thresholds: Thresholds) -> tuple[Alert, ...]:
    """What a person should look at now, the worst first.

    The platform's three rules (cloud-assist, "Monitoring & Alerts"), and blocking, which is a fact rather than a
    threshold.
    """
    found = []
    if vitals.longest_query is not None and vitals.longest_query > thresholds.query_seconds:
        found.append(
            Alert(
                Severity.CRITICAL,
                f"longest query {duration(vitals.longest_query)} (pid {vitals.longest_query_pid})",
                "activity",
                "running",
            )
        )
    failed = vitals.failed_connections_per_minute
    if failed is not None and failed > thresholds.failed_connections_per_minute:
        found.append(Alert(Severity.CRITICAL, f"{failed:.0f} failed connections in the last minute", "pools"))
    used = 100 * vitals.connections / vitals.max_connections if vitals.max_connections else 0.0
    if used > thresholds.connections_percent:
        found.append(
            Alert(Severity.WARNING, f"connections {used:.0f} % of {vitals.max_connections}", "pools")
        )
    if (blocking := vitals.blocking) is not None:
        one = blocking.blockers == 1
        found.append(
            Alert(
                Severity.WARNING,
                f"{blocking.blockers} {'blocker holds' if one else 'blockers hold'} {blocking.waiting}, "
                f"longest {duration(blocking.longest_wait)} (pid {blocking.pid})",
                "activity",
                "blocking",
            )
        )
    return tuple(found)
