"""What is read before rows are written: the table's columns, the rows as they are, the constraints that mention them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from console.data.identifiers import quoted
from console.data.queries import OWN_MARK
from console.data.server import Server
from console.data.spatial.dialects import dialect
from console.data.spatial.edits_places import Places
from console.data.spatial.edits_statements import (
    Part,
    bound,
    columns_as_text,
    relation,
    with_key,
)
from console.errors import ObjectMissing, OperationRefused
from console.models.layers import Layer, RelationKind
from console.models.map_edits import Bound, EditedObject, EditedTable, Row, RowChange, Tie
from console.models.map_objects import ObjectKey

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MOST_OBJECTS = 500
"""That may be changed at once."""

_CONSTRAINTS = ("arxos_cad", "constraints")
_ROW_STAYS_AS_TEXT = "SELECT set_config('extra_float_digits', '1', true)"
"""Whatever a role is set to: numbers are written so that the same ones are read again."""


class ChangedMeanwhile(OperationRefused):
    """Somebody changed it meanwhile."""


async def run(connection: AsyncConnection, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The rows that a statement gives, if any. Raises as `Engine.connection`."""
    sql, values = bound(parts)
    result = await connection.exec_driver_sql(f"{sql} {OWN_MARK}", values)
    return [dict(row) for row in result.mappings()] if result.returns_rows else []


async def begin(connection: AsyncConnection) -> None:
    """Has the transaction write rows so that what is written is what is read."""
    await connection.exec_driver_sql(f"{_ROW_STAYS_AS_TEXT} {OWN_MARK}")


async def rows_of(
    connection: AsyncConnection, table: EditedTable, keys: Sequence[ObjectKey], *, locked: bool = False
) -> dict[ObjectKey, Row]:
    """The rows with these keys, each as text; `locked` keeps everybody else from changing them."""
    locking = (f" ORDER BY {', '.join(map(quoted, table.key))} FOR UPDATE",) if locked else ()
    select = f"SELECT {columns_as_text(table)} FROM {relation(table)} WHERE "  # noqa: S608
    found = await run(connection, (select, *with_key(table, keys), *locking))
    return {key_of(table, row): row for row in found}


def key_of(table: EditedTable, row: Row) -> ObjectKey:
    """What tells a row from all others."""
    return tuple(row[name] or "" for name in table.key)


async def refuse_changed(
    connection: AsyncConnection, changes: Sequence[RowChange], *, locked: bool = True
) -> None:
    """Looks at the rows of one table that are going to be written, and keeps everybody else from changing them.

    Raises `ChangedMeanwhile` where one is not as it was shown any more.
    """
    table = changes[0].table
    shown = {change.key: change.before for change in changes if change.key}
    if not shown:
        return
    now = await rows_of(connection, table, list(shown), locked=locked)
    for key, before in shown.items():
        name = f"the row {', '.join(key)} of {relation(table)}"
        found = now.get(key)
        if found is None and before is not None:
            raise ChangedMeanwhile(f"Nothing was changed: {name} is not there any more.")
        if found is not None and before is None:
            raise ChangedMeanwhile(f"Nothing was changed: {name} is there again.")
        different = [column for column, value in (found or {}).items() if value != (before or {}).get(column)]
        if different:
            raise ChangedMeanwhile(
                f"Nothing was changed, for somebody changed {name} meanwhile ({', '.join(different)}); look again."
            )


class EditsReading:
    """Reads tables, objects and constraints of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which rows are written as they will be when they are changed."""
        async with self._server.engine.connection() as connection:
            await begin(connection)
            yield connection

    async def table(self, schema: str, name: str, key: tuple[str, ...]) -> EditedTable | None:
        """The table; None where there is none that rows are written into."""
        rows = await self._server.ask("edited_table", schema, name)
        if not rows:
            return None
        return EditedTable(
            schema=schema,
            name=name,
            key=key,
            types={row["name"]: row["type"] for row in rows},
            limits={row["name"]: row["most_characters"] for row in rows if row["most_characters"]},
            required=frozenset(row["name"] for row in rows if row["is_required"]),
            generated=frozenset(row["name"] for row in rows if row["is_generated"]),
            has_own_identity=any(row["is_own_identity"] for row in rows),
        )

    async def table_of(self, layer: Layer) -> EditedTable:
        """The layer's table. Raises `OperationRefused` where its objects cannot be changed, with the reason."""
        name = layer.name
        if layer.relation not in (RelationKind.TABLE, RelationKind.PARTITIONED):
            raise OperationRefused(
                f"{name.schema}.{name.table} is a {layer.relation.value}: change what it shows instead."
            )
        if not layer.key or layer.key == ("ctid",):
            raise OperationRefused(
                f"{name.schema}.{name.table} has no primary key, so that none of its objects can be named for a change."
            )
        if not layer.may_write:
            role = self._server.capabilities.role if self._server.capabilities else self._server.target.user
            raise OperationRefused(
                f"The role may not change {name.schema}.{name.table}; its owner allows it with: GRANT INSERT, UPDATE, "
                f"DELETE ON {quoted(name.schema)}.{quoted(name.table)} TO {quoted(role)};"
            )
        table = await self.table(name.schema, name.table, layer.key)
        if table is None or not {*layer.key, name.column} <= set(table.types):
            raise ObjectMissing(f"{name} is not there any more.")
        return table

    async def objects(
        self, layer: Layer, keys: Sequence[ObjectKey], view_srid: int | None
    ) -> tuple[EditedObject, ...]:
        """The objects with these keys, in their order.

        Raises `OperationRefused` where one is not there any more or where they cannot be changed.
        """
        if len(keys) > MOST_OBJECTS:
            raise OperationRefused(
                f"{len(keys):,} objects are selected; at most {MOST_OBJECTS} can be changed at once."
            )
        table = await self.table_of(layer)
        places = Places(layer, table, view_srid)
        dialect(layer, view_srid)  # which refuses what is nowhere on the map
        names = ("__x", "__y", "__shape", "__flat")
        here = ", ".join(f"{part} AS {name}" for part, name in zip(places.here(), names, strict=True))
        select = f"SELECT {columns_as_text(table)}, {here} FROM {relation(table)} WHERE "  # noqa: S608
        async with self.reading() as connection:
            found = await run(connection, (select, *with_key(table, keys)))
        objects = {}
        for row in found:
            x, y, shape, is_flat = (row.pop(name) for name in names)
            key = key_of(table, row)
            objects[key] = EditedObject(
                layer, table, key, row, _label(layer, key, row), x, y, shape, is_flat is not False
            )
        missing = [key for key in keys if key not in objects]
        if missing:
            raise OperationRefused(f"The object {', '.join(missing[0])} is not there any more.")
        return tuple(objects[key] for key in keys)

    async def ties(self, objects: Sequence[EditedObject]) -> tuple[Tie, ...]:
        """The constraints that mention any of these CAD objects; none of other layers' objects."""
        if not objects or not objects[0].layer.is_cad:
            return ()
        object_ids = [one.row["object_id"] or "" for one in objects]
        table = await self.table(*_CONSTRAINTS, ("id",))
        if table is None:
            return ()
        columns = f"{columns_as_text(table)}, object_ids::text[] AS __ids"
        select = f"SELECT {columns} FROM {relation(table)} WHERE "  # noqa: S608
        async with self.reading() as connection:
            found = await run(connection, (select, *_mentioning(object_ids), " ORDER BY constraint_id"))
        ties = []
        for row in found:
            mentioned = tuple(object_id for object_id in row.pop("__ids") if object_id is not None)
            ties.append(Tie(table, row, row["constraint_id"], row["constraint_type"], mentioned))
        return tuple(ties)

    async def refuse_other_ties(
        self, connection: AsyncConnection, object_ids: Sequence[str], expected: frozenset[str]
    ) -> None:
        """Raises `ChangedMeanwhile` unless the constraints that mention these ids are those that were shown."""
        if not object_ids or await self.table(*_CONSTRAINTS, ("id",)) is None:
            return
        found = await run(
            connection,
            ("SELECT constraint_id FROM arxos_cad.constraints WHERE ", *_mentioning(object_ids)),
        )
        if different := expected ^ {row["constraint_id"] for row in found}:
            raise ChangedMeanwhile(
                f"Nothing was changed, for the constraint {sorted(different)[0]} came or went meanwhile; look again."
            )


def _mentioning(object_ids: Sequence[str]) -> tuple[Part, ...]:
    return ("object_ids && ", Bound(text_array(object_ids), "pg_catalog._varchar"))


def text_array(values: Sequence[str]) -> str:
    """An array of text as PostgreSQL writes it."""
    quoted_ = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted_) + "}"


def _label(layer: Layer, key: ObjectKey, row: Row) -> str:
    """What a person calls it."""
    if layer.is_cad:
        return f"{row.get('object_type')} {row.get('object_id')}"
    return f"{layer.name.table} {', '.join(key)}"
