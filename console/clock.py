"""The one source of "now", so that tests can stop it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The system's clock. Tests pass a subclass that stands still."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        return time.monotonic()


SYSTEM_CLOCK = Clock()
