"""golang-migrate's table: one row with the version and whether it is dirty, no row before the first migration.

It is kept as that program keeps it, so that either can go on where the other stopped. Only the row is changed in
another way: emptying the table with TRUNCATE, as the program does, would make those wait who look at it.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from console.data.identifiers import quoted
from console.data.migrations.worker.engine import Report
from console.models.migrations import Source

_NO_VERSION = -1
"""What stands in the row while the first migration is being undone without a transaction."""

_CREATE = "CREATE TABLE {table} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
_READ = "SELECT version, dirty FROM {table} LIMIT 1"
_HAS_ROW = "SELECT EXISTS (SELECT FROM {table})"
_INSERT = "INSERT INTO {table} (version, dirty) VALUES ({version}, {dirty})"
_UPDATE = "UPDATE {table} SET version = {version}, dirty = {dirty}"
_DELETE = "DELETE FROM {table}"


class VersionTable:
    """The version table of a source."""

    def __init__(self, source: Source) -> None:
        table = quoted(source.version_table)
        self.name = f"{quoted(source.version_schema)}.{table}" if source.version_schema else table
        """Quoted, with its schema where the source says one."""
        self.creation = _CREATE.format(table=self.name)
        """The statement that creates it."""

    def change(self, version: int | None, *, has_row: bool, is_dirty: bool = False) -> str:
        """The statement that makes it say a version, which is None before the first migration."""
        if version is None and not is_dirty:
            return _DELETE.format(table=self.name)
        return (_UPDATE if has_row else _INSERT).format(
            table=self.name, version=_NO_VERSION if version is None else version, dirty=str(is_dirty).lower()
        )

    async def read(self, connection: asyncpg.Connection[Any]) -> tuple[int | None, bool]:
        """The version and whether it is dirty; None and False where there is no row, or no table yet."""
        row = None
        if await connection.fetchval("SELECT to_regclass($1)", self.name) is not None:
            row = await connection.fetchrow(_READ.format(table=self.name))
        if row is None:
            return None, False
        return None if row["version"] == _NO_VERSION else row["version"], row["dirty"]

    async def write(
        self,
        connection: asyncpg.Connection[Any],
        report: Report,
        version: int | None,
        *,
        is_dirty: bool = False,
    ) -> None:
        """Makes it say a version, and tells of the statement."""
        has_row = await connection.fetchval(_HAS_ROW.format(table=self.name))
        statement = self.change(version, has_row=has_row, is_dirty=is_dirty)
        with report.statement(statement):
            await connection.execute(statement)
