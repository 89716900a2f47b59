"""When a figure is worth an alert."""

from __future__ import annotations

from console.models.health import Alert, Severity, Thresholds, Vitals
from console.units import duration


def alerts(vitals: Vitals, thresholds: Thresholds) -> tuple[Alert, ...]:
    """What a person should look at now: first who blocks, since what runs long is often only waiting for that.

    The platform's three rules (cloud-assist, "Monitoring & Alerts"), and blocking, which is a fact rather than a
    threshold.
    """
    found = []
    if (blocking := vitals.blocking) is not None:
        word = "blocker holds" if blocking.blockers == 1 else "blockers hold"
        text = f"{blocking.blockers} {word} {blocking.waiting} for {duration(blocking.longest_wait)}"
        found.append(Alert(Severity.WARNING, f"{text} (pid {blocking.pid})", "activity", "blocking"))
    if vitals.longest_query is not None and vitals.longest_query > thresholds.query_seconds:
        text = f"query runs {duration(vitals.longest_query)} (pid {vitals.longest_query_pid})"
        found.append(Alert(Severity.CRITICAL, text, "activity", "running"))
    failed = vitals.failed_connections_per_minute
    if failed is not None and failed > thresholds.failed_connections_per_minute:
        found.append(
            Alert(
                Severity.CRITICAL,
                f"{failed:.0f} connections failed or were dropped in the last minute",
                "pools",
            )
        )
    used = 100 * vitals.connections / vitals.max_connections if vitals.max_connections else 0.0
    if used > thresholds.connections_percent:
        text = f"connections {used:.0f} % of {vitals.max_connections}"
        found.append(Alert(Severity.WARNING, text, "pools"))
    return tuple(found)
