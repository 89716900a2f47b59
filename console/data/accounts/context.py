"""What everything about accounts leans on: the server, where the tables are, how changes are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.clock import Clock
from console.data.audit import AuditFile
from console.data.changes import Change, Changes, Trail
from console.data.identifiers import quoted
from console.data.place import Place, find_place
from console.data.server import Server
from console.errors import QueryDenied
from console.models.operation import Operation
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
        """A connection of the engine to ask on. Raises as `Engine.connection`, `QueryDenied` with what would allow it."""
        try:
            async with self.server.engine.connection() as connection:
                yield connection
        except QueryDenied as problem:
            raise QueryDenied(f"{problem.sentence} {await self._remedy()}") from problem

    @asynccontextmanager
    async def making(self, operation: Operation, trail: Trail | None) -> AsyncIterator[Change]:
        """A transaction for a change. Raises as `Changes.making`, `QueryDenied` with what would allow it."""
        try:
            async with self.changes.making(operation, trail) as change:
                yield change
        except QueryDenied as problem:
            remedy = await self._remedy(changing=True)
            raise QueryDenied(f"{problem.sentence} {remedy}") from problem

    async def _remedy(self, *, changing: bool = False) -> str:
        """What would let the role read where the accounts are, and change them, as a sentence with the statements."""
        place = await self.place()
        capabilities = self.server.capabilities
        role = quoted(capabilities.role if capabilities else self.server.target.user)
        statements = []
        for schema in sorted({quoted(table.schema) for table in place.tables.values() if table.schema}):
            statements.append(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
            statements.append(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")
        for name, table in place.tables.items() if changing else ():
            if privileges := _written(place, name):
                where = f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)
                statements.append(f"GRANT {privileges} ON {where} TO {role}")
        return f"Its owner allows it with: {'; '.join(statements)};"


def _written(place: Place, name: str) -> str:
    """The privileges that changes need on a table. Nobody has to change rows of the trail."""
    if name == "audit_logs":
        return "INSERT"
    if name == "sessions":
        return "UPDATE" if place.has("sessions", "is_active") else "DELETE"
    return "INSERT, UPDATE" if name in ("users", "api_keys") else ""
