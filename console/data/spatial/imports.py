"""Bringing objects of files into a layer: looked through before anything is sent, and written in one transaction."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.data.identifiers import quoted
from console.data.place import find_place
from console.data.queries import OWN_MARK
from console.data.spatial import imports_statement as sql
from console.data.spatial.context import SpatialContext
from console.data.spatial.imports_csv import CsvReader
from console.data.spatial.imports_geojson import GeoJsonReader
from console.data.spatial.imports_looking import (
    MOST_REFUSALS,
    Looked,
    Refused,
    batch,
    refusal,
    refuse_doubtful,
)
from console.data.spatial.imports_reading import FileReader, FileRow, recognised
from console.data.spatial.imports_words import operation
from console.data.spatial.threads import to_the_end
from console.data.trail import trail_of
from console.errors import BadInput, ObjectMissing, OperationRefused
from console.models.accounts import BulkProgress
from console.models.layers import GeometryKind, Layer, RelationKind
from console.models.map_files import FileFormat, ImportChoices, Imported, ImportPlan, Refusals, number_of
from console.models.map_view import Envelope

if TYPE_CHECKING:
    import asyncpg

WGS84 = 4326
Extent = Callable[[Layer, int | None], Awaitable[Envelope | None]]
"""Where a layer's objects are, in an SRID; None where that is not known."""
Progress = Callable[[BulkProgress], None]
NAMED = 3
"""Refused rows in a sentence."""


class ImportRefused(OperationRefused):
    """Some rows were refused, and so none was written."""

    def __init__(self, sentence: str, refusals: Refusals) -> None:
        super().__init__(sentence)
        self.refusals = refusals


class Imports:
    """Objects of files for one server's layers."""

    def __init__(self, context: SpatialContext, extent: Extent) -> None:
        self._context = context
        self._extent = extent

    async def plan(self, layer: Layer, path: Path, choices: ImportChoices) -> ImportPlan:
        """Looks through a file, and says what importing it means. Nothing is sent.

        Raises `BadInput` for a file that cannot be imported, with the place and the reason, `CoordinatesDoubted` where x
        and y seem to be the wrong way round and nothing is chosen, `OperationRefused` where nothing may be changed,
        and as `Server.ask`.
        """
        self._context.changes.check()
        columns, geometry_type = await self._columns(layer)
        format_ = await asyncio.to_thread(recognised, path)
        before = await asyncio.to_thread(_seen, path)
        reader = _reader(format_, path, layer)
        looked = Looked(layer, Refused(reader.unit))
        async with aclosing(_batches(reader)) as batches:
            async for rows in batches:
                await asyncio.to_thread(looked.take, rows)
        if not looked.rows:
            [reason] = looked.refused.all().sentences[:1] or ["there are no objects in it"]
            raise BadInput(f"Nothing of {path.name} can be imported: {reason}.")
        srid = choices.srid or reader.srid
        if not layer.srid and choices.srid is None:
            srid = None
        if srid and not layer.srid and layer.kind is GeometryKind.POINT:
            raise BadInput(f"{layer.name} has points without an SRID: nothing can be transformed for it.")
        if choices.flip is None:
            degrees = srid == WGS84 or (srid in (None, layer.srid) and layer.is_geographic)
            refuse_doubtful(looked, is_degrees=degrees, extent=await self._extent(layer, srid or layer.srid))
        _refuse_missing(columns, looked)
        arrival = sql.Arrival(layer, geometry_type, format_, srid, bool(choices.flip), reader.is_pair)
        known = [columns[name] for name in looked.names if name in columns]
        written = [one.column for one in known if one.is_written]
        statement = sql.insertion(arrival, written)
        refusals = looked.refused.all()
        return ImportPlan(
            layer=layer,
            path=path,
            format=format_,
            size=before.st_size,
            modified=before.st_mtime_ns,
            rows=looked.rows,
            refusals=refusals,
            statement=statement,
            one_by_one=sql.one_by_one(arrival, written),
            choices=choices,
            operation=operation(
                arrival,
                path,
                looked,
                refusals,
                choices,
                statement,
                counted=[one.column.name for one in known if not one.is_written],
                unknown=[name for name in looked.names if name not in columns],
                may_be_cut=reader.may_be_cut,
            ),
        )

    async def make(self, plan: ImportPlan, progress: Progress | None = None) -> Imported:
        """Writes the objects of a plan in one transaction; cancelling it leaves nothing.

        Raises `ImportRefused` where rows are refused, by the file or by the server, and that was not to be skipped,
        `OperationRefused` where the file is not as it was any more, `BadInput` as `plan`, and as `Changes.making`.
        """
        if plan.refusals.count and not plan.choices.skip_refused:
            raise _refused(plan.refusals)
        await asyncio.to_thread(_refuse_changed, plan)
        place = await find_place(self._context.server, self._context.settings.accounts.schema_name)
        refused = Refused(plan.refusals.unit, plan.refusals.count, list(plan.refusals.first))
        sent = 0
        async with self._context.changes.making(plan.operation, trail_of(place)) as change:
            await change.connection.exec_driver_sql(f"SET LOCAL statement_timeout = 0 {OWN_MARK}")
            connection: asyncpg.Connection[Any] = (
                await change.connection.get_raw_connection()
            ).driver_connection
            for statement in (*sql.TEMPORARY_TABLES, "SET CONSTRAINTS ALL IMMEDIATE"):
                await connection.execute(f"{statement} {OWN_MARK}")
            async with aclosing(_batches(_reader(plan.format, plan.path, plan.layer))) as batches:
                async for rows in batches:
                    records = [(row.number, row.document) for row in rows if refusal(row, plan.layer) is None]
                    await _write(connection, plan, records, refused)
                    sent += len(records)
                    if progress is not None:
                        progress(BulkProgress(min(sent, plan.rows - 1), plan.rows))
            refusals = refused.all()
            if refusals.count and not plan.choices.skip_refused:
                raise _refused(refusals)
            await asyncio.to_thread(_refuse_changed, plan)
            done = Imported(sent - (refusals.count - plan.refusals.count), refusals)
            if progress is not None:
                progress(BulkProgress(plan.rows, plan.rows))
            change.sentence = done.sentence
            change.note(
                "cad_object.import" if plan.layer.is_cad else "map_object.import",
                "cad_object" if plan.layer.is_cad else "map_object",
                table=f"{plan.layer.name.schema}.{plan.layer.name.table}",
                # A name need not be text, and what the trail keeps has to be.
                file=os.fsencode(plan.path.name).decode(errors="backslashreplace"),
                rows=done.rows,
                refused=refusals.count,
            )
        return done

    async def _columns(self, layer: Layer) -> tuple[dict[str, _Column], str]:
        """What of the layer's table can be written, by its name, and the type of its geometry.

        Raises `OperationRefused` where nothing can be, `ObjectMissing` where it is gone.
        """
        name = layer.name
        if layer.relation not in (RelationKind.TABLE, RelationKind.PARTITIONED):
            raise OperationRefused(
                f"{name.schema}.{name.table} is a {layer.relation.value}: import into what it shows."
            )
        rows = {
            row["name"]: row
            for row in await self._context.server.ask("imported_columns", name.schema, name.table)
        }
        if name.column not in rows:
            raise ObjectMissing(f"{name} is not there any more.")
        own = rows.pop(name.column)
        if not own["may_insert"]:
            role = self._context.server.capabilities.role if self._context.server.capabilities else "…"
            raise OperationRefused(
                f"The role may not write into {name.schema}.{name.table}; its owner allows it with: GRANT INSERT ON "
                f"{quoted(name.schema)}.{quoted(name.table)} TO {quoted(role)};"
            )
        return {column: _Column(row) for column, row in rows.items()}, own["type"]


class _Column:
    """A column of the layer's table beside the geometry."""

    def __init__(self, row: asyncpg.Record) -> None:
        self.column = sql.ImportedColumn(
            row["name"], row["type"], row["is_array"], row["is_json"], row["usual"]
        )
        self.is_written: bool = row["may_insert"] and not row["is_own"]
        self.is_required: bool = row["is_required"]


def _reader(format_: FileFormat, path: Path, layer: Layer) -> FileReader:
    if format_ is FileFormat.GEOJSON:
        return GeoJsonReader(path)
    return CsvReader(path, layer.name, is_core=layer.kind is GeometryKind.POINT)


async def _batches(reader: FileReader) -> AsyncGenerator[list[FileRow]]:
    """The file's rows, some at a time, read in a thread."""
    rows = reader.rows()
    try:
        while found := await to_the_end(batch, rows):
            yield found
    finally:
        rows.close()


def _refuse_missing(columns: Mapping[str, _Column], looked: Looked) -> None:
    """Raises `BadInput` where the file has nothing for a column that needs a value."""
    missing = [name for name, one in columns.items() if one.is_required and name not in looked.names]
    if missing:
        name = looked.layer.name
        raise BadInput(
            f"{name.schema}.{name.table} needs a value of {', '.join(missing)} for each object, and the file has none."
        )


def _seen(path: Path) -> os.stat_result:
    """How large a file is and when it was written. Raises `OperationRefused` where it is not there any more."""
    try:
        return path.stat()
    except OSError as error:
        raise OperationRefused(f"{path} cannot be read any more: {error.strerror}.") from error


def _refuse_changed(plan: ImportPlan) -> None:
    """Raises `OperationRefused` where the file is not the one that was looked through any more."""
    now = _seen(plan.path)
    if (now.st_size, now.st_mtime_ns) != (plan.size, plan.modified):
        raise OperationRefused(
            f"Nothing was imported, for {plan.path.name} was changed meanwhile; begin again."
        )


def _refused(refusals: Refusals) -> ImportRefused:
    said = "; ".join(refusals.sentences[:NAMED])
    more = f" and {refusals.count - NAMED:,} more" if refusals.count > NAMED else ""
    return ImportRefused(
        f"Nothing was imported, with {number_of(refusals.count, 'row')} refused: {said}{more}.", refusals
    )


async def _write(
    connection: asyncpg.Connection[Any],
    plan: ImportPlan,
    records: Sequence[tuple[int, str]],
    refused: Refused,
) -> None:
    """Writes some rows at once; where that fails one by one, so that those are known that are refused."""
    import asyncpg

    await connection.execute(f"TRUNCATE {sql.ROWS}, {sql.REFUSED} {OWN_MARK}")
    schema, table = sql.ROWS.split(".")
    await connection.copy_records_to_table(
        table, schema_name=schema, records=records, columns=["number", "document"]
    )
    try:
        async with connection.transaction():
            status = await connection.execute(f"{plan.statement} {OWN_MARK}")
            if status != f"INSERT 0 {len(records)}":
                raise _Incomplete
    except (_Incomplete, asyncpg.PostgresError) as error:
        if isinstance(error, asyncpg.OperatorInterventionError | asyncpg.InsufficientPrivilegeError):
            raise
        await connection.execute(f"{plan.one_by_one} {OWN_MARK}")
        count = await connection.fetchval(f"SELECT count(*) FROM {sql.REFUSED} {OWN_MARK}")  # noqa: S608
        named = f"SELECT number, reason FROM {sql.REFUSED} ORDER BY number LIMIT {MOST_REFUSALS}"  # noqa: S608
        found = await connection.fetch(f"{named} {OWN_MARK}")
        for row in found:
            refused.add(row["number"], row["reason"])
        refused.count += count - len(found)


class _Incomplete(Exception):
    """The server did not write every row."""
