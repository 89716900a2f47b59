"""One connection of one application, which comes back by itself when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import asyncpg

# A cancelled statement or a killed session is the demo's daily bread: the person tries the console on it.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_TRIES = 3
_BETWEEN_TRIES_SECONDS = 0.5


class ServerGone(Exception):
    """Nothing listens any more where the demo server was."""


@dataclass(frozen=True, slots=True)
class Client:
    """An application with a role on a database. `random` decides all that it does."""

    sockets: str
    port: int
    application: str
    user: str
    database: str
    random: Random = field(repr=False)

    async def connect(self) -> asyncpg.Connection:
        """A new connection. Raises `ServerGone` when several tries find no server at all."""
        for _ in range(_TRIES):
            try:
                return await asyncpg.connect(
                    host=self.sockets,
                    port=self.port,
                    user=self.user,
                    database=self.database,
                    server_settings={"application_name": self.application},
                    timeout=10,
                )
            except OSError:
                await asyncio.sleep(_BETWEEN_TRIES_SECONDS)
        raise ServerGone

    async def repeat(
        self, work: Callable[[Client, asyncpg.Connection], Awaitable[None]], pause: tuple[float, float]
    ) -> None:
        """Does `work` again and again, with a pause of so many seconds (from, to) before each."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                await asyncio.sleep(self.random.uniform(*pause))
                try:
                    if connection is None or connection.is_closed():
                        connection = await self.connect()
                    await work(self, connection)
                except LOST:
                    continue
        finally:
            if connection is not None:
                connection.terminate()
