"""Which figures raise which alerts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from console.data.health import alerts
from console.models.health import BlockingSummary, Severity, Thresholds, Vitals


def texts(thresholds: Thresholds | None = None, **figures: Any) -> list[str]:
    """Severity and text of each alert that these figures raise on an otherwise healthy server."""
    healthy: dict[str, Any] = {
        "connections": 40,
        "max_connections": 100,
        "longest_query": 0.2,
        "longest_query_pid": 7,
        "blocking": None,
        "failed_connections_per_minute": 0.0,
    }
    found = alerts(Vitals(**{**healthy, **figures}), thresholds or Thresholds())
    return [f"{alert.severity.value}: {alert.text}" for alert in found]


def test_a_healthy_server_raises_none() -> None:
    assert texts() == []


def test_what_is_not_known_raises_none() -> None:
    assert texts(longest_query=None, longest_query_pid=None, failed_connections_per_minute=None) == []
    assert texts(max_connections=0) == []


@pytest.mark.parametrize(
    ("at", "above", "text"),
    [
        ({"connections": 80}, {"connections": 81}, "warning: connections 81 % of 100"),
        ({"longest_query": 5.0}, {"longest_query": 5.1}, r"critical: query runs 5\.1 s \(pid 7\)"),
        (
            {"failed_connections_per_minute": 10.0},
            {"failed_connections_per_minute": 11.0},
            "critical: 11 .*connections .*in the last minute",
        ),
    ],
)
def test_the_platforms_rules_alert_above_their_thresholds_only(
    at: dict[str, Any], above: dict[str, Any], text: str
) -> None:
    assert texts(**at) == []
    (found,) = texts(**above)
    assert re.fullmatch(text, found)


def test_thresholds_are_the_settings() -> None:
    eager = Thresholds(connections_percent=10, query_seconds=0.1, failed_connections_per_minute=0)
    assert len(texts(eager, failed_connections_per_minute=1.0)) == 3


def test_blocking_comes_first_and_leads_to_its_view() -> None:
    one = BlockingSummary(blockers=1, waiting=4, longest_wait=71.0, pid=812)
    assert texts(blocking=one, longest_query=90.0) == [
        "warning: 1 blocker holds 4 for 1m11s (pid 812)",
        "critical: query runs 1m30s (pid 7)",
    ]
    two = BlockingSummary(blockers=2, waiting=5, longest_wait=3.0, pid=812)
    assert texts(blocking=two) == ["warning: 2 blockers hold 5 for 3.0 s (pid 812)"]
    (alert,) = alerts(Vitals(1, 100, None, None, one, None), Thresholds())
    assert (alert.severity, alert.screen, alert.view) == (Severity.WARNING, "activity", "blocking")
