"""One layer in one frame, asked for in the ways that there are: each a statement whose cost is bounded."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from console.data.identifiers import in_quotes
from console.data.spatial.dialects import dialect, relation
from console.data.spatial.filters import attribute_of, column, predicate
from console.data.spatial.line import MapLine
from console.data.spatial.outlines import outlines
from console.data.spatial.rows import STORED, key_columns
from console.models.layers import GeometryKind, Layer, LayerFilter, RelationKind
from console.models.map_view import Envelope, Frame
from console.models.pictures import Density, Outlines, Points

STATISTICS_CELLS = (48, 32)
"""Columns and rows of the histogram's picture: its own cells are hardly finer, and each costs 0.02 ms."""
ROWS_IN_BLOCK = 4
"""Rows that are looked at in each block of a sample: many blocks, since what is in one may all be in one place."""
MOST_LOOKED_AT = 20_000
"""Rows of a view that are looked at, which has neither a sample nor statistics."""
SHARP_VERTICES = 200
"""A geometry with more is thinned by the server."""
MOST_CATEGORIES = 6

_BLOCK = 8192
_ROWS_GUESSED = 50
"""In a block of a table that was never analysed."""
_GLOBE = Envelope(-180.0, -90.0, 180.0, 90.0)
"""Beyond it PostGIS would move a geography's corners."""
_WIDEST = 150.0
"""Degrees; what is wider is no region of the globe that a geography could be within."""


class PictureSteps:
    """What can be asked about a layer in a frame.

    Every method raises as `MapLine.fetch`, and `BadInput` for a column that is not there.
    """

    def __init__(
        self,
        line: MapLine,
        layer: Layer,
        frame: Frame,
        only: LayerFilter,
        *,
        colour_by: str | None = None,
        categories: Sequence[str] = (),
        extent: Envelope | None = None,
    ) -> None:
        """`categories` are the values of the column `colour_by` that are told apart first.

        Where `extent` is given, nothing is looked for beyond it. Raises `BadInput` for a column that is not there.
        """
        self._line = line
        self._layer = layer
        self._frame = frame
        self._seen = dialect(layer, frame.view.srid)
        self._table = relation(layer.name)
        self._categories = categories
        self._coloured = attribute_of(layer, colour_by).name if colour_by else None
        self._within = self._seen.within(1)
        where = frame.envelope if extent is None else _common(frame.envelope, extent)
        if layer.kind is GeometryKind.GEOGRAPHY:
            where = _common(where, _GLOBE)
            if where.width > _WIDEST:
                srid = frame.view.srid or layer.srid
                corners = ", ".join(f"${number}::float8" for number in range(1, 5))
                self._within = f"{self._seen.geometry} && ST_MakeEnvelope({corners}, {srid})"
        condition, values = predicate(layer, only, 5)
        self._arguments = (where.west, where.south, where.east, where.north, *values)
        self._where = f"{self._within} AND {condition}"

    # Guesses --------------------------------------------------------------------------------------------------

    async def estimate(self) -> int | None:
        """How many objects the planner expects in the frame; None where it knows nothing about places."""
        if (
            self._layer.kind is GeometryKind.POINT
            or self._layer.relation not in STORED
            or not self._layer.is_analysed
        ):
            return None
        statement = f"SELECT FROM {self._table} AS o WHERE {self._within}"
        rows = await self._line.fetch(f"EXPLAIN (FORMAT JSON) {statement}", *self._arguments[:4])
        return int(json.loads(rows[0][0])[0]["Plan"]["Plan Rows"])

    async def are_at_most(self, number: int) -> bool:
        """Whether there are no more objects in the frame: looking for that many fetches none of them."""
        [row] = await self._line.fetch(
            f"SELECT count(*) FROM (SELECT FROM {self._table} AS o WHERE {self._where} LIMIT {number + 1:d}) AS found",  # noqa: S608
            *self._arguments,
        )
        return int(row[0]) <= number

    async def statistics(self) -> tuple[Density, int, datetime | None] | None:
        """How the last ANALYZE found objects to be spread, how many that is, and when it was; None without one."""
        layer, frame = self._layer, self._frame
        if layer.kind is not GeometryKind.GEOMETRY or not layer.is_analysed or not layer.rows:
            return None
        columns, rows = STATISTICS_CELLS
        whole = frame.envelope
        srid = frame.view.srid or layer.srid or 0
        cell = f"ST_MakeEnvelope(x, y - $4::float8, x + $3::float8, y, {srid:d})"
        if srid != (layer.srid or 0):
            cell = f"ST_Transform({cell}, {layer.srid:d})"
        found = await self._line.fetch(
            "SELECT array_agg(_postgis_selectivity(to_regclass($5::text), $6::text, cell) ORDER BY y DESC, x) AS shares, "  # noqa: S608
            "(SELECT greatest(last_analyze, last_autoanalyze) FROM pg_stat_all_tables WHERE relid = to_regclass($5::text)) AS at "
            f"FROM (SELECT x, y, {cell} AS cell "
            f"FROM generate_series(0, {columns - 1}) AS c, generate_series(0, {rows - 1}) AS r, "
            "LATERAL (SELECT $1::float8 + c * $3::float8 AS x, $2::float8 - r * $4::float8 AS y) AS place) AS cells",
            whole.west,
            whole.north,
            whole.width / columns,
            whole.height / rows,
            f"{in_quotes(layer.name.schema)}.{in_quotes(layer.name.table)}",
            layer.name.column,
        )
        shares = np.array(found[0]["shares"], np.float32).reshape(rows, columns)
        counts = np.nan_to_num(shares) * layer.rows
        return Density(counts), int(counts.sum()), found[0]["at"]

    async def sample(self, wanted: int) -> tuple[Density, int, int]:
        """A picture from about so many rows of the whole layer, scaled up; the objects that there would be; the rows seen.

        The rows are taken from blocks all over the table, one by one: whole blocks would mislead where the table is in
        the order of space.
        """
        layer = self._layer
        rows = layer.rows or _ROWS_GUESSED * max(1, layer.size // _BLOCK)
        if layer.relation in (RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW):
            places = _places(layer.size // _BLOCK, rows, wanted)
            share = min(1.0, len(places) / rows)
            number = len(self._arguments) + 1
            # OFFSET 0 keeps the planner from looking all that is in the frame up first, LATERAL from reading the table.
            source = (
                f"unnest(${number}::text[]::tid[]) AS place(at), "  # noqa: S608
                f"LATERAL (SELECT * FROM {self._table} WHERE ctid = place.at OFFSET 0) AS o"
            )
            cells, counts = await self._cells(source, self._where, places)
        else:
            share = min(1.0, wanted / rows)
            source = f"{self._table} AS o TABLESAMPLE SYSTEM ({100 * share:.6f}) REPEATABLE (1)"
            cells, counts = await self._cells(source, self._where)
        grid = self._grid(cells, counts) / share
        return Density(grid.astype(np.float32)), int(grid.sum()), int(counts.sum())

    # The truth ------------------------------------------------------------------------------------------------

    async def counts(self, *, most: int | None = None) -> tuple[Density, int]:
        """How many objects are in each dot, and in all; of the first `most` rows where that is given."""
        source = f"{self._table} AS o"
        if most is not None:
            source = f"(SELECT * FROM {self._table} LIMIT {most:d}) AS o"  # noqa: S608
        cells, counts = await self._cells(source, self._where)
        return Density(self._grid(cells, counts)), int(counts.sum())

    async def objects(self, most: int) -> tuple[Points | None, Outlines | None, tuple[str, ...], int] | None:
        """Every object in the frame, the categories that are told apart, and their number; None where there are more."""
        layer, seen = self._layer, self._seen
        keys = key_columns(layer) if layer.key else "NULL::text[]"
        category = f"{column(self._coloured)}::text" if self._coloured else "NULL::text"
        is_points = layer.is_points or layer.kind is GeometryKind.POINT
        shape = f"{seen.x} AS x, {seen.y} AS y" if is_points else f"{self._thinned} AS shape"
        rows = await self._line.fetch(
            f"SELECT {keys} AS key, left({category}, 200) AS category, {shape} "  # noqa: S608
            f"FROM {self._table} AS o WHERE {self._where} LIMIT {most + 1:d}",
            *self._arguments,
        )
        if len(rows) > most:
            return None
        if is_points:
            # Bounds are compared as narrow numbers: what is up to half a metre beside the frame is found too.
            rows = [row for row in rows if self._shows(row["x"], row["y"])]
        named = tuple(tuple(row["key"]) for row in rows) if layer.key else ()
        categories, told = self._told_apart(rows)
        if is_points:
            x, y = (np.array([row[axis] for row in rows], np.float64) for axis in "xy")
            return Points(x, y, named, told), None, categories, len(rows)
        shapes = [row["shape"] for row in rows]
        drawn, points = await asyncio.to_thread(outlines, shapes, self._frame, named, told)
        return points, drawn, categories, len(rows)

    def _shows(self, x: float | None, y: float | None) -> bool:
        """Whether a place is in the frame; NaN, which an index finds everywhere, is in none."""
        whole = self._frame.envelope
        return (
            x is not None
            and y is not None
            and whole.west <= x <= whole.east
            and whole.south <= y <= whole.north
        )

    @property
    def _thinned(self) -> str:
        """The geometry as WKB, straight, and with no more vertices than its dots need where it has many."""
        plain = (
            f"ST_CurveToLine({self._seen.geometry})"
            if "CURVE" in self._layer.shape or self._layer.shape == "GEOMETRY"
            else self._seen.geometry
        )
        dot = f"{self._frame.view.scale / 2!r}::float8"
        return (
            f"ST_AsBinary(CASE WHEN ST_NPoints({plain}) > {SHARP_VERTICES} "
            f"THEN ST_RemoveRepeatedPoints(ST_Force2D({plain}), {dot}) ELSE ST_Force2D({plain}) END)"
        )

    def _told_apart(self, rows: Sequence[asyncpg.Record]) -> tuple[tuple[str, ...], NDArray[np.int8] | None]:
        if self._coloured is None:
            return (), None
        there = Counter(row["category"] for row in rows if row["category"] is not None)
        known = [value for value in self._categories if value in there]
        known += [value for value, _ in there.most_common() if value not in known]
        index = {value: number for number, value in enumerate(known[:MOST_CATEGORIES])}
        return tuple(index), np.array([index.get(row["category"], -1) for row in rows], np.int8)

    async def _cells(
        self, source: str, where: str, *more: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The dots in which something is, by their numbers from the top left, and how much is in each."""
        frame = self._frame
        first = len(self._arguments) + len(more) + 1
        west, north, scale = (f"${first + number}::float8" for number in range(3))
        # The middle of what is wide may be beyond the border; NaN, which an index finds everywhere, is. OFFSET 0 keeps
        # the server from working each place out anew for each use of it.
        [row] = await self._line.fetch(
            "SELECT array_agg(cell) AS cells, array_agg(number) AS counts FROM ("  # noqa: S608
            f"SELECT (down * {frame.columns} + across)::int AS cell, count(*)::int AS number FROM ("
            f"SELECT floor(({self._seen.x} - {west}) / {scale}) AS across, floor(({north} - {self._seen.y}) / {scale}) AS down "
            f"FROM {source} WHERE {where} OFFSET 0) AS placed "
            f"WHERE across BETWEEN 0 AND {frame.columns - 1} AND down BETWEEN 0 AND {frame.rows - 1} GROUP BY 1) AS found",
            *self._arguments,
            *more,
            frame.envelope.west,
            frame.envelope.north,
            frame.view.scale,
        )
        return np.array(row["cells"] or [], np.int64), np.array(row["counts"] or [], np.int64)

    def _grid(self, cells: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
        grid = np.zeros(self._frame.columns * self._frame.rows, np.float32)
        grid[cells] = counts
        return grid.reshape(self._frame.rows, self._frame.columns)


def _places(blocks: int, rows: int, wanted: int) -> list[str]:
    """About so many places of rows, as `ctid` writes them: a few in each of many blocks."""
    in_each = max(1, round(rows / max(1, blocks)))
    number = min(in_each, max(ROWS_IN_BLOCK, wanted // max(1, blocks)))
    chosen = random.Random(1).sample(range(max(1, blocks)), max(1, min(blocks, wanted // number)))
    step = max(1, in_each // number)
    return [f"({block},{1 + (block + at * step) % in_each})" for block in chosen for at in range(number)]


def _common(one: Envelope, other: Envelope) -> Envelope:
    """What two envelopes have in common; a point of the second where they have nothing."""

    def between(value: float, least: float, most: float) -> float:
        return min(max(value, least), most)

    return Envelope(
        between(one.west, other.west, other.east),
        between(one.south, other.south, other.north),
        between(one.east, other.west, other.east),
        between(one.north, other.south, other.north),
    )
