"""The connection that a map is drawn over: opened when it is first needed, closed when nothing has used it for a while."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import asyncpg

from console.data.driver import DRIVER_ERRORS, query_error, set_on
from console.data.queries import OWN_MARK
from console.data.server import Server
from console.data.spatial.dialects import search_path
from console.errors import ConnectionLost
from console.settings import Settings

UNUSED_SECONDS = 60.0

_POSTGIS = (
    "SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace "
    "WHERE e.extname = 'postgis'"
)


class MapLine:
    """One statement at a time, read-only. Whoever is cancelled while asking has the statement cancelled on the server.

    It is a connection of its own beside the monitor, which a long statement would keep from sampling.
    """

    def __init__(self, server: Server, settings: Settings) -> None:
        self._server = server
        self._settings = settings
        self._turn = asyncio.Lock()
        self._open = AsyncExitStack()
        self._connection: asyncpg.Connection[Any] | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._limit = 0.0

    async def fetch(
        self, statement: str, *arguments: Any, limit: float | None = None
    ) -> list[asyncpg.Record]:
        """The rows of a statement, which the server may work on for `limit` seconds, else as the settings say.

        Raises `OperationRefused` where the console has no connection left, `CannotConnect`, `ConnectionLost`,
        `QueryDenied`, `QueryTimedOut`, `ObjectMissing` or another `QueryFailed`.
        """
        seconds = limit or self._settings.timeouts.statement
        async with self._turn:
            connection = await self._connected()
            try:
                await self._allow(connection, seconds)
                rows: list[asyncpg.Record] = await connection.fetch(
                    f"{statement}\n{OWN_MARK}", *arguments, timeout=seconds + self._settings.timeouts.connect
                )
            except DRIVER_ERRORS as error:
                problem = query_error(error, seconds)
                if isinstance(problem, ConnectionLost):
                    await self._hang_up()
                raise problem from error
            finally:
                self._close_later()
        return rows

    async def close(self) -> None:
        """Ends the connection; a later `fetch` opens another one."""
        async with self._turn:
            await self._hang_up()

    async def _connected(self) -> asyncpg.Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            await self._hang_up()
            connection = await self._open.enter_async_context(self._server.visit())
            try:
                schema = await connection.fetchval(f"{_POSTGIS} {OWN_MARK}")
                # A map is looked at by one person: no worker processes besides.
                here = {"search_path": search_path(schema), "max_parallel_workers_per_gather": "0"}
                await set_on(connection, here, self._settings.timeouts.connect)
            except DRIVER_ERRORS as error:
                await self._hang_up()
                raise query_error(error, self._settings.timeouts.statement) from error
            self._connection, self._limit = connection, self._settings.timeouts.statement
        return self._connection

    async def _allow(self, connection: asyncpg.Connection[Any], seconds: float) -> None:
        """Has the server end a statement after so many seconds."""
        if seconds != self._limit:
            limit = {"statement_timeout": f"{seconds * 1000:.0f}"}
            await set_on(connection, limit, self._settings.timeouts.connect)
            self._limit = seconds

    async def _hang_up(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._connection = None
        await self._open.aclose()

    def _close_later(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(UNUSED_SECONDS, self._end)

    def _end(self) -> None:
        self._ending = asyncio.create_task(self.close(), name="close the map's connection")
