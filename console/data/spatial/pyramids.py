"""Density pyramids of layers: in the database, where a person allows it, and in the console's own memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING, Any

import asyncpg

from console.data.identifiers import quoted
from console.data.spatial.context import SpatialContext
from console.data.spatial.pyramids_building import (
    FORGET,
    PYRAMIDS,
    SCHEMA,
    Building,
    build_statements,
    drop_tiles,
)
from console.data.spatial.pyramids_grid import TILE_LEVELS, PyramidDensity, Square
from console.data.spatial.pyramids_here import FINEST, PyramidHere, count_here
from console.data.spatial.pyramids_tiles import StoredPyramid, TileReader, tiles_table
from console.data.spatial.pyramids_words import consequences, left_out, written_out
from console.errors import ObjectMissing, OperationRefused, with_remedy
from console.models.layers import Layer, LayerName, RelationKind
from console.models.map_view import Envelope, Frame
from console.models.operation import Danger, Operation
from console.models.pyramids import Pyramid, PyramidPlace, PyramidPlan, PyramidProgress, PyramidState
from console.units import bytes_binary

if TYPE_CHECKING:
    from console.data.changes import Change, Changes

Tell = Callable[[PyramidProgress], None]

_STORED = """SELECT p.*, pg_total_relation_size(c.oid) AS size, pg_get_userbyid(c.relowner) AS owner,
       pg_has_role(c.relowner, 'USAGE') AS is_own, has_table_privilege(c.oid, 'SELECT') AS may_read
  FROM dbconsole.pyramids p
  JOIN pg_class c ON c.oid = to_regclass('dbconsole.' || quote_ident(p.tiles)) AND c.relkind = 'r' AND NOT c.relrowsecurity
 WHERE (p.schema_name, p.table_name, p.column_name) = ($1, $2, $3)"""
_SIDES = ("west", "south", "east", "north")
_ABSENT_SECONDS = 60.0
"""After which it is looked again whether somebody has built one."""
_FIRST_WITH_RANGES = 140_000
"""The version of PostgreSQL that reads a range of pages without reading all of them."""


class Pyramids:
    """The pyramids of one server's layers. Where there is one here and one in the database, the one here is shown."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context
        self._reader = TileReader(context.line)
        self._here: dict[LayerName, PyramidHere] = {}
        self._stored: dict[LayerName, StoredPyramid] = {}
        self._looked_up: dict[LayerName, float] = {}
        self._progress: dict[LayerName, PyramidProgress] = {}

    async def state(self, layer: Layer) -> PyramidState:
        """What there is now.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        place = await self._place(layer)
        stored = await self._look_up(layer, place)
        changes: int | None = place["changes"]
        here = self._here.get(layer.name)
        if here is not None:
            pyramid = Pyramid(
                layer.name,
                PyramidPlace.HERE,
                here.built_at,
                len(here.numbers),
                here.left_out,
                here.extent,
                FINEST - TILE_LEVELS + 1,
                here.size,
                _since(here.changes, changes),
            )
        elif stored is not None and stored["may_read"]:
            pyramid = Pyramid(
                layer.name,
                PyramidPlace.DATABASE,
                stored["built_at"],
                stored["rows"],
                stored["left_out"],
                Envelope(*(stored[side] for side in _SIDES)) if stored["rows"] else None,
                stored["finest"] - TILE_LEVELS + 1,
                stored["size"],
                _since(stored["changes"], changes),
            )
        else:
            pyramid = None
        return PyramidState(pyramid, self._progress.get(layer.name))

    async def density(self, layer: Layer, frame: Frame) -> PyramidDensity | None:
        """The counts of a frame, None where there is no pyramid in its SRID.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        if frame.view.srid != layer.srid:
            return None
        if here := self._here.get(layer.name):
            return here.density(frame)
        if (stored := await self._shown(layer)) is None:
            return None
        try:
            return await self._reader.density(stored, frame)
        except ObjectMissing:
            # Another console has dropped it, perhaps for a newer one.
            self._forget(layer.name)
        stored = await self._shown(layer)
        return await self._reader.density(stored, frame) if stored is not None else None

    async def fetch(self, layer: Layer, frame: Frame) -> bool:
        """Has at hand what `density` will be asked for; whether there is a pyramid for it. Raises as `density`."""
        if frame.view.srid != layer.srid:
            return False
        if layer.name in self._here:
            return True
        if (stored := await self._shown(layer)) is None:
            return False
        try:
            await self._reader.fetch(stored, frame)
        except ObjectMissing:
            self._forget(layer.name)
        return True

    # In the database --------------------------------------------------------------------------------------------

    async def building(self, layer: Layer) -> PyramidPlan:
        """What building a pyramid means, or a new one in place of the one that is there.

        Raises `OperationRefused` where nothing may be changed, or something is missing for it, which it says; otherwise
        as `state`.
        """
        changes = await self._changes()
        changes.check()
        if not layer.may_read:
            raise OperationRefused(f"The pyramid is made of {layer.name}, which this role may not read.")
        place = await self._place(layer)
        self._refuse(place)
        stored = await self._look_up(layer, place)
        self._refuse_others(stored)
        replaces = stored["tiles"] if stored is not None else None
        number = int(replaces.rsplit("_", 1)[-1]) + 1 if replaces else 1
        tiles = f"tiles_{sha256(str(layer.name).encode()).hexdigest()[:12]}_{number}"
        made = (SCHEMA, PYRAMIDS) if not place["has_schema"] else () if place["has_table"] else (PYRAMIDS,)
        statements = build_statements(layer, tiles, replaces, in_ranges=self._in_ranges(layer))
        verb = "Refresh" if replaces else "Build"
        operation = Operation(
            title=f"{verb} the density pyramid of {layer.name}",
            action=verb,
            object_name=str(layer.name),
            statements=(statements[0], *made, *statements[1:]),
            consequences=consequences(layer, stored, is_first=not place["has_table"]),
            danger=Danger.NOTICEABLE,
        )
        return PyramidPlan(layer, operation, tiles, replaces, made, place["postgis_schema"])

    async def build(self, plan: PyramidPlan, tell: Tell = lambda _: None) -> str:
        """Builds it, in one transaction, while the one before serves; returns what was done as a sentence.

        Cancelling leaves everything as it was. Raises `OperationRefused` where another console builds it, or this one
        already, and as `Changes.making`.
        """
        layer = plan.layer
        changes = await self._changes()
        with self._telling(layer, tell) as tell:
            counted: int | None = (await self._place(layer))["changes"]
            async with changes.making(plan.operation, None) as change:
                # The first statement begins the transaction.
                await change.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection = await _driver_connection(change)
                try:
                    for statement in plan.makes:
                        await connection.execute(statement)
                    building = Building(plan, connection, tell)
                    built = await building.run(in_ranges=self._in_ranges(layer), changes=counted)
                    remark = await _drop(connection, plan.replaces) if plan.replaces else ""
                except _MADE_BY_ANOTHER as error:
                    raise OperationRefused(
                        f"Nothing was done: somebody else builds a pyramid of {layer.name} too; look again."
                    ) from error
                change.sentence = f"The pyramid of {layer.name} counts {built.rows:,} objects{left_out(built.left_out)}.{remark}"
        self._forget(layer.name)
        return change.sentence

    async def dropping(self, layer: Layer) -> PyramidPlan:
        """What dropping the pyramid in the database means.

        Raises `OperationRefused` where there is none or nothing may be changed, otherwise as `state`.
        """
        changes = await self._changes()
        changes.check()
        stored = await self._look_up(layer, await self._place(layer))
        if stored is None:
            raise OperationRefused(f"{layer.name} has no pyramid in the database.")
        self._refuse_others(stored)
        operation = Operation(
            title=f"Drop the density pyramid of {layer.name}",
            action="Drop",
            object_name=str(layer.name),
            statements=(written_out(FORGET, layer.name), drop_tiles(stored["tiles"])),
            consequences=(
                "Pictures of many objects take longer again; the objects themselves are not touched.",
                f"{bytes_binary(stored['size'])} become free in the database.",
            ),
            danger=Danger.NOTICEABLE,
        )
        return PyramidPlan(layer, operation, stored["tiles"])

    async def drop(self, plan: PyramidPlan) -> str:
        """Drops it; returns what was done as a sentence. Raises as `Changes.making`."""
        changes = await self._changes()
        async with changes.making(plan.operation, None) as change:
            name = plan.layer.name
            await change.connection.exec_driver_sql(FORGET, (name.schema, name.table, name.column))
            await change.connection.exec_driver_sql(drop_tiles(plan.tiles))
            change.sentence = f"The pyramid of {plan.layer.name} was dropped."
        self._forget(plan.layer.name)
        return change.sentence

    # Here -------------------------------------------------------------------------------------------------------

    async def build_here(self, layer: Layer, tell: Tell = lambda _: None) -> str:
        """Counts a layer in the console's memory, which reads the whole table twice; says what was done in a sentence.

        Cancelling leaves everything as it was. Raises `OperationRefused` where it has too many objects or the console no
        connection left, and as `Server.visit`.
        """
        with self._telling(layer, tell) as tell:
            place = await self._place(layer)
            here = await count_here(self._context, layer, place["postgis_schema"], place["changes"], tell)
        self._here[layer.name] = here
        return (
            f"The console counts {len(here.numbers):,} objects of {layer.name}{left_out(here.left_out)}, "
            f"in {bytes_binary(here.size)} of its memory."
        )

    def forget_here(self, layer: Layer) -> None:
        """Lets go of the counts in the console's memory."""
        self._here.pop(layer.name, None)

    # ------------------------------------------------------------------------------------------------------------

    async def _changes(self) -> Changes:
        return await asyncio.to_thread(lambda: self._context.changes)

    async def _place(self, layer: Layer) -> asyncpg.Record:
        rows = await self._context.server.fetch("pyramid_place", layer.name.schema, layer.name.table)
        return rows[0]

    async def _look_up(self, layer: Layer, place: asyncpg.Record) -> asyncpg.Record | None:
        """The row about the pyramid in the database; its tiles are what pictures are taken from after that."""
        name, rows = layer.name, []
        if place["may_read"]:
            rows = await self._context.line.fetch(_STORED, name.schema, name.table, name.column)
        self._looked_up[name] = self._context.clock.monotonic()
        self._stored.pop(name, None)
        if not rows:
            return None
        row = rows[0]
        # Somebody may have given the column another SRID since.
        if row["may_read"] and row["srid"] == layer.srid:
            square = Square(row["square_west"], row["square_south"], row["square_side"])
            self._stored[name] = StoredPyramid(
                row["tiles"], square, row["finest"], row["wide"], row["built_at"]
            )
        return row

    async def _shown(self, layer: Layer) -> StoredPyramid | None:
        """The pyramid in the database that pictures are taken from; whether there is one is not asked for each of them."""
        name, now = layer.name, self._context.clock.monotonic()
        if name not in self._stored and now - self._looked_up.get(name, -inf) >= _ABSENT_SECONDS:
            await self._look_up(layer, await self._place(layer))
        return self._stored.get(name)

    def _forget(self, name: LayerName) -> None:
        self._looked_up.pop(name, None)
        stored = self._stored.pop(name, None)
        if stored is not None:
            self._reader.forget(stored.tiles)

    def _refuse(self, place: asyncpg.Record) -> None:
        """Raises `OperationRefused` where the role may not make what is missing."""
        role, database = self._role, quoted(self._context.server.target.database)
        if not place["has_schema"]:
            if not place["may_create_schema"]:
                raise OperationRefused(
                    with_remedy(
                        "A pyramid is kept in a schema dbconsole, which this role may not create; this lets it:",
                        [f"GRANT CREATE ON DATABASE {database} TO {role}"],
                    )
                )
        elif not place["is_trusted"]:
            raise OperationRefused(
                f"The schema dbconsole belongs to {place['owner']}, and what that role has put there would run with this one's "
                f"rights: build the pyramid as {place['owner']}, or have the schema dropped."
            )
        elif not place["may_create_tables"] or (place["has_table"] and not place["may_write"]):
            raise OperationRefused(
                with_remedy(
                    f"The schema dbconsole belongs to {place['owner']}, and this role may not write there; this lets it:",
                    [
                        f"GRANT USAGE, CREATE ON SCHEMA dbconsole TO {role}",
                        f"GRANT SELECT, INSERT, UPDATE, DELETE ON dbconsole.pyramids TO {role}",
                    ],
                )
            )

    def _refuse_others(self, stored: asyncpg.Record | None) -> None:
        """Raises `OperationRefused` where the pyramid is another role's."""
        if stored is not None and not stored["is_own"]:
            reading = (
                []
                if stored["may_read"]
                else [f"GRANT SELECT ON {tiles_table(stored['tiles'])} TO {self._role}"]
            )
            raise OperationRefused(
                with_remedy(
                    f"There is a pyramid of the role {stored['owner']}, which alone can refresh or drop it"
                    + ("; this lets you look at it:" if reading else "."),
                    reading,
                )
            )

    @property
    def _role(self) -> str:
        server = self._context.server
        return quoted(server.capabilities.role if server.capabilities else server.target.user)

    def _in_ranges(self, layer: Layer) -> bool:
        capabilities = self._context.server.capabilities
        return (
            layer.relation is RelationKind.TABLE
            and capabilities is not None
            and capabilities.version_number >= _FIRST_WITH_RANGES
        )

    @contextmanager
    def _telling(self, layer: Layer, tell: Tell) -> Iterator[Tell]:
        """Says how far a build is, to whoever started it and to whoever asks for the state."""
        if layer.name in self._progress:
            raise OperationRefused(f"A pyramid of {layer.name} is being built already.")

        def told(progress: PyramidProgress) -> None:
            self._progress[layer.name] = progress
            tell(progress)

        told(PyramidProgress(0.0, "beginning"))
        try:
            yield told
        finally:
            del self._progress[layer.name]


_MADE_BY_ANOTHER = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateSchemaError,
    asyncpg.SerializationError,
)


async def _driver_connection(change: Change) -> asyncpg.Connection[Any]:
    pooled = await change.connection.get_raw_connection()
    connection: asyncpg.Connection[Any] = pooled.driver_connection
    return connection


async def _drop(connection: asyncpg.Connection[Any], tiles: str) -> str:
    """Drops the table of the pyramid before. Where somebody holds it, what was built is worth more than its going."""
    try:
        async with connection.transaction():
            await connection.execute(drop_tiles(tiles))
    except asyncpg.LockNotAvailableError:
        return f" The one before is in use and stays; this lets go of it: {drop_tiles(tiles)}."
    return ""


def _since(before: int | None, now: int | None) -> int | None:
    """How much a counter has grown; None where it is not there or began anew."""
    return now - before if before is not None and now is not None and now >= before else None
