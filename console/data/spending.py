"""What the console's questions have cost: the server's work, and apart from that the way there and back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import asyncpg

from console.clock import Clock

_OF_POOLED = 4
"""Round trips of a question within a transaction of its own: its begin, its description, the rows, its end."""


class Spending:
    """Counts for one server, over all connections to it."""

    def __init__(self, clock: Clock) -> None:
        self.on_the_way = 0.0
        """Seconds that questions and answers were under way, apart from the work of the server."""
        self._clock = clock
        self._worked: deque[tuple[float, float]] = deque()
        self._round_trip = 0.0
        self._asked: set[str] = set()

    def begin(self) -> None:
        """There is a new connection, on which nothing was asked yet."""
        self._round_trip = 0.0
        self._asked.clear()

    def add(self, name: str, seconds: float, rows: Sequence[asyncpg.Record], *, is_pooled: bool) -> None:
        """A named query took so long. Where its rows have `server_ms`, the largest is what it cost the server."""
        # The driver has a new statement described before it is run.
        trips = _OF_POOLED if is_pooled else 1 if name in self._asked else 2
        self._asked.add(name)
        if rows and "server_ms" in rows[0].keys():  # noqa: SIM118 (a record iterates over its values)
            server_ms = max(row["server_ms"] or 0.0 for row in rows)
            self._worked.append((self._clock.monotonic(), server_ms))
            self._round_trip = min(self._round_trip or seconds, (seconds - server_ms / 1000) / trips)
        self.on_the_way += min(seconds, trips * self._round_trip)

    @property
    def server_ms_per_minute(self) -> float | None:
        """Over the last minute, or what there is of it; None until there are some seconds."""
        now = self._clock.monotonic()
        while self._worked and self._worked[0][0] < now - 60:
            self._worked.popleft()
        if not self._worked or now - self._worked[0][0] < 5:
            return None
        return sum(ms for _, ms in self._worked) * 60 / (now - self._worked[0][0])
