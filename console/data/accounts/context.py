"""What everything about accounts leans on: the server, where the tables are, how changes are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.clock import Clock
from console.data.audit import AuditFile
from console.data.changes import Changes
from console.data.place import Place, find_place
from console.data.server import Server
from console.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class AccountsContext:
    """One server's accounts."""

    def __init__(self, server: Server, settings: Settings, audit: AuditFile, clock: Clock) -> None:
        self.server = server
        self.settings = settings
        self.clock = clock
        self.changes = Changes(server, settings, audit)
        self._place: Place | None = None

    async def place(self, *, again: bool = False) -> Place:
        """Where the tables are, looked for once. Raises `ConnectionLost` or `QueryFailed`."""
        if self._place is None or again:
            self._place = await find_place(self.server, self.settings.accounts.schema_name)
        return self._place

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection of the engine to ask on. Raises as `Engine.connection`."""
        async with self.server.engine.connection() as connection:
            yield connection
