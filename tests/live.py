"""What tests of the data layer share: a connected server, a clock that is moved by hand, waiting for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from console.clock import SYSTEM_CLOCK, Clock
from console.data.server import Server
from console.settings import Settings, Timeouts
from console.targets import resolve

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SteppedClock(Clock):
    """Stands still at noon until it is moved on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """How far it was moved on."""

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds


PATIENT = Timeouts(statement=60, lock=60)
"""For changes that wait for each other, on a machine that has other things to do."""


@asynccontextmanager
async def connected(
    url: str, settings: Settings | None = None, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Server]:
    """A server that was connected to once; nobody connects again when the link is lost."""
    server = Server(resolve(url, {}), settings or Settings(), clock)
    try:
        await server.connect()
        yield server
    finally:
        await server.close()


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
    """Waits for a condition, which may be one that a server has to be asked about."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)
