"""Where rows about a change go: the audit trail that an installation has, chained or not."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Table, cast, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data import audit_chain
from console.data.audit_chain import AuditEntry
from console.data.place import Place
from console.data.schema import core


class Trail:
    """The table `audit_logs` of one place."""

    def __init__(self, place: Place) -> None:
        """Raises `OperationRefused` where there is no such table; see `trail_of`."""
        self.table: Table = place.table("audit_logs")
        self.is_chain = place.has_chain and self.table.schema == core.audit_logs.schema
        """Whether each row's hash covers the row before."""

    async def append(self, connection: AsyncConnection, *entries: AuditEntry) -> None:
        """Adds rows within the connection's transaction. Raises as `Engine.connection` does."""
        if self.is_chain:
            await audit_chain.append(connection, *entries)
            return
        for entry in entries:
            said = asdict(entry)
            values = {
                column.name: cast(said[column.name], column.type)
                for column in self.table.c
                if column.name in said
            }
            await connection.execute(
                insert(self.table).values({**values, "id": func.gen_random_uuid(), "timestamp": func.now()})
            )


def trail_of(place: Place) -> Trail | None:
    """The trail of a place; None where there is none, and the local audit file is all that is written."""
    return Trail(place) if "audit_logs" in place.tables else None
