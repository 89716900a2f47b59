"""The figures that raise an alert, and the alerts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Severity(Enum):
    """How bad it is, in the words that the console shows."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class BlockingSummary:
    """The line that stands on every screen while somebody blocks others."""

    blockers: int
    waiting: int
    longest_wait: float
    """Seconds."""
    pid: int
    """The root blocker behind which most wait."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What every sample brings along, whatever screen asked for it."""

    connections: int
    """Slots of `max_connections` in use."""
    max_connections: int
    longest_query: float | None
    """Age in seconds of the oldest query that an active client is running."""
    longest_query_pid: int | None
    blocking: BlockingSummary | None
    failed_connections_per_minute: float | None
    """None where nothing that counts them can be read; 0 at first, as only what happens from then on is counted."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Above these an alert is raised. The defaults are the platform's alert rules."""

    connections_percent: float = 80.0
    query_seconds: float = 5.0
    failed_connections_per_minute: float = 10.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that a person should look at, and the screen that explains it."""

    severity: Severity
    text: str
    screen: str
    view: Literal["running", "blocking"] | None = None
    """The view of that screen, where it has several."""
