"""Where the accounts are: the platform's tables, or those of an installation that came before it, with what they lack.

A table is one of SQLAlchemy with the columns that there are; what needs another one asks `Place.has` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, MetaData, Table

from console.data.schema import core
from console.data.server import Server
from console.errors import OperationRefused
from console.models.accounts import Tables

_DECLARED = {
    "users": core.users,
    "api_keys": core.api_keys,
    "sessions": core.sessions,
    "projects": core.projects,
    "audit_logs": core.audit_logs,
}
MIGRATIONS = {
    "users": "core_0001",
    "sessions": "core_0001",
    "projects": "core_0002",
    "api_keys": "core_0003",
    "audit_logs": "core_0004",
}
"""Which revision of the platform brings a table."""
_NEEDED = {
    "users": ("id",),
    "api_keys": ("id", "user_id", "key_hash"),
    "sessions": ("id", "user_id"),
    "projects": ("id", "owner_id", "name"),
    "audit_logs": ("id", "action", "timestamp"),
}
"""Without these a table of that name is somebody else's."""
_CHAIN = ("sequence", "prev_hash", "hash")
_KINDS_OF_COLUMN = {
    "api_keys": ("revoked_at", "key_prefix", "environment", "replaced_by"),
    "users": ("deleted_at", "is_active", "password_hash"),
}
"""Columns whose lack a person should know of."""


@dataclass(frozen=True)
class Place:
    """The tables that there are, by their names in the platform."""

    tables: Mapping[str, Table]
    estimates: Mapping[str, int | None]
    """Rows, as the planner estimates them; None where the table was never analyzed."""

    def table(self, name: str) -> Table:
        """The table. Raises `OperationRefused` where there is none, with what brings it."""
        found = self.tables.get(name)
        if found is None:
            raise OperationRefused(
                f"There is no table {name} in arxos_core or public; the migration {MIGRATIONS[name]} brings it: "
                "dbconsole migrate upgrade core@head --migrations platform."
            )
        return found

    def has(self, name: str, column: str) -> bool:
        """Whether a table has a column."""
        return name in self.tables and column in self.tables[name].c

    def require(self, name: str, *columns: str) -> None:
        """Raises `OperationRefused`, naming the migration, unless the table has the columns."""
        table = self.table(name)
        missing = [column for column in columns if column not in table.c]
        if missing:
            raise OperationRefused(
                f"The table {table.fullname} has no column {', '.join(missing)}; the platform's migration "
                f"{MIGRATIONS[name]} has."
            )

    @property
    def has_chain(self) -> bool:
        """Whether the rows of the trail are chained."""
        return all(self.has("audit_logs", column) for column in _CHAIN)

    @property
    def summary(self) -> Tables:
        """What a person has to know of it."""
        names = {name: table.fullname for name, table in self.tables.items()}
        return Tables(
            users=names.get("users"),
            keys=names.get("api_keys"),
            sessions=names.get("sessions"),
            trail=names.get("audit_logs"),
            has_chain=self.has_chain,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> list[str]:
        notes = []
        for name, columns in _KINDS_OF_COLUMN.items():
            missing = [column for column in columns if name in self.tables and not self.has(name, column)]
            if missing:
                notes.append(
                    f"{self.tables[name].fullname} has no {', '.join(missing)}: the migration {MIGRATIONS[name]} brings "
                    "what needs them."
                )
        if self.tables and "audit_logs" not in self.tables:
            notes.append(
                f"There is no audit_logs: changes are written to the local audit file alone; {MIGRATIONS['audit_logs']} "
                "brings the trail."
            )
        elif "audit_logs" in self.tables and not self.has_chain:
            notes.append(
                f"The rows of {self.tables['audit_logs'].fullname} are not chained; {MIGRATIONS['audit_logs']} brings that."
            )
        return notes


async def find_place(server: Server, schema: str | None = None) -> Place:
    """The tables in `arxos_core`, else in `public`, else in `schema`: each kind where it is found first.

    Raises `ConnectionLost` or `QueryFailed`.
    """
    tables: dict[str, Table] = {}
    estimates: dict[str, int | None] = {}
    for row in await server.ask("account_tables", schema):
        name = row["name"]
        if name in tables or not set(_NEEDED[name]) <= set(row["columns"]):
            continue
        tables[name] = _table(name, row["schema"], row["columns"])
        estimates[name] = int(row["estimate"]) if row["estimate"] >= 0 else None
    return Place(tables, estimates)


def _table(name: str, schema: str, columns: list[str]) -> Table:
    """The declared table as far as it is there, without constraints: it is only asked and written."""
    declared = _DECLARED[name]
    present: list[Column[Any]] = [
        Column(column.name, column.type, primary_key=column.primary_key)
        for column in declared.c
        if column.name in columns
    ]
    return Table(name, MetaData(), *present, schema=schema)
