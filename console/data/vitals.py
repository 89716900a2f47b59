"""What every sample brings along, whatever screen asked for it: the figures that raise alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from console.data.blocking import pids, summary, trees
from console.data.failures import FailureWatch
from console.data.server import Server
from console.models.health import BlockingSummary, Vitals


class VitalsReader:
    """Reads the vitals of a server from the query `connections`."""

    def __init__(self, server: Server, failures: FailureWatch) -> None:
        self._server = server
        self._failures = failures

    async def now(self) -> Vitals:
        """The vitals at this moment. Raises `ConnectionLost` or `QueryFailed`."""
        return await self.of(await self._server.fetch("connections"))

    async def of(self, rows: Sequence[Any]) -> Vitals:
        """The vitals that the rows of `connections` tell, of which the last is the console's own session.

        Raises `ConnectionLost` or `QueryFailed`.
        """
        return replace(
            self.at_once(rows),
            blocking=await self._blocking(rows[:-1]),
            failed_connections_per_minute=await self._failures.per_minute(),
        )

    def at_once(self, rows: Sequence[Any]) -> Vitals:
        """As much of them as the rows tell by themselves."""
        others = rows[:-1]
        capabilities = self._server.capabilities
        assert capabilities is not None, "a server that answered is known"
        longest = max(
            (row for row in others if row["longest_query"] is not None),
            key=lambda row: float(row["longest_query"]),
            default=None,
        )
        return Vitals(
            connections=sum(row["connections"] for row in rows),
            max_connections=capabilities.max_connections,
            longest_query=longest["longest_query"] if longest else None,
            longest_query_pid=longest["longest_query_pid"] if longest else None,
            blocking=None,
            failed_connections_per_minute=None,
        )

    async def _blocking(self, rows: Sequence[Any]) -> BlockingSummary | None:
        if not any(row["wait_event_type"] == "Lock" for row in rows):
            return None
        waiting = await self._server.fetch("blocking")
        blocked_by = {row["pid"]: pids(row["blocked_by"]) for row in waiting}
        return summary(trees(blocked_by, {row["pid"]: row["wait_age"] for row in waiting}))
