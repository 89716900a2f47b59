"""Failed connections a minute, from whatever of the server counts them.

PostgreSQL has no one counter for them. Three things are added up: connections that the server refused, where the
role may read its log; sessions that ended in a fatal error or whose client vanished, from PostgreSQL 14 on; and the
console's own failed tries.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import ConnectionLost, QueryFailed
from console.models.server import LinkState

if TYPE_CHECKING:
    from console.data.server import Server

EVERY = 10.0
"""Seconds between two looks: the alert is about a minute, and each look costs the server two statements."""
WINDOW = 60.0


class FailureWatch:
    """Counts failed connections over the last minute; asked along with other samples, it looks when it is due."""

    def __init__(self, server: Server, clock: Clock = SYSTEM_CLOCK) -> None:
        self._server = server
        self._clock = clock
        self._looked_at: float | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self._counts_something = False
        self._sessions: int | None = None
        self._log: tuple[str, int] = ("", 0)
        server.on_link_change(self._link_changed)

    async def per_minute(self) -> float | None:
        """Failed connections in the last minute; None where nothing counts them.

        Raises `ConnectionLost`.
        """
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= EVERY:
            self._looked_at = now
            self._add(now, await self._new_failed_sessions() + await self._new_failed_logins())
        while self._seen and self._seen[0][0] <= now - WINDOW:
            self._seen.popleft()
        return float(sum(failed for _, failed in self._seen)) if self._counts_something else None

    def _add(self, now: float, failed: int) -> None:
        if failed:
            self._seen.append((now, failed))

    def _link_changed(self) -> None:
        link = self._server.link
        if link.state is LinkState.LOST and link.attempts:
            self._add(self._clock.monotonic(), 1)
        elif link.state is LinkState.LIVE:
            self._sessions = None

    async def _new_failed_sessions(self) -> int:
        rows = await self._server.fetch("failed_sessions")
        if not rows:
            return 0
        before, self._sessions = self._sessions, rows[0]["failed"]
        self._counts_something = True
        return max(0, self._sessions - before) if before is not None and self._sessions is not None else 0

    async def _new_failed_logins(self) -> int:
        capabilities = self._server.capabilities
        if capabilities is None or not capabilities.may_read_log:
            return 0
        try:
            rows = await self._server.fetch("failed_logins", *self._log)
        except ConnectionLost:
            raise
        except QueryFailed:
            return 0  # the log is elsewhere or not readable after all; the other counts remain
        if not rows or rows[0]["size"] is None:
            return 0
        self._log = (rows[0]["name"], rows[0]["size"])
        self._counts_something = True
        return int(rows[0]["failed"] or 0)
