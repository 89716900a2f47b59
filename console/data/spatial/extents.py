"""Where layers are, about: from the planner's statistics, else from some of the rows. It takes milliseconds."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nextafter

from console.data.spatial.dialects import dialect, relation
from console.data.spatial.filters import column
from console.data.spatial.line import MapLine
from console.data.spatial.rows import STORED, envelope_of, is_finite
from console.errors import ObjectMissing, QueryFailed, QueryTimedOut
from console.models.layers import GeometryKind, Layer
from console.models.map_view import Envelope

ROWS = 20_000
"""Rows that are looked at where there are no statistics."""
ROOM = 0.02
"""What is added on every side: neither statistics nor some of the rows know the outermost."""
OUTERMOST = 10_000
"""Points beyond those that were looked at, on each side, that an index is asked for at a time."""
_ROUNDS = 3
_FARTHEST = 3e38
"""What statistics and indexes keep of infinity, in their four bytes, is farther."""
_MERCATOR, _MOST_NORTHERN = (3857, 3395, 900913), 85.06
"""Where a pole is infinitely far, or 240,000 km; maps of the world end at that latitude."""


class Extents:
    """Where the layers of one database are."""

    def __init__(self, line: MapLine) -> None:
        self._line = line

    async def of(self, layer: Layer, srid: int | None) -> Envelope | None:
        """The envelope around a layer in the SRID of a view; None where there is nothing.

        Raises `OperationRefused` where view and layer cannot be brought together, and as `MapLine.fetch`.
        """
        dialect(layer, srid)
        found = await self._estimated(layer) or await self._looked_at(layer)
        if found is None:
            return None
        if srid and srid != layer.srid:
            found = await self._transformed(found, layer, srid)
        return found.grown(ROOM) if found is not None else None

    async def _estimated(self, layer: Layer) -> Envelope | None:
        """As the statistics or the index have it; those of a geography are about a globe in space."""
        if layer.kind is not GeometryKind.GEOMETRY or not layer.is_analysed or layer.relation not in STORED:
            return None
        try:
            [row] = await self._line.fetch(
                "SELECT ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north "
                "FROM ST_EstimatedExtent($1::text, $2::text, $3::text) AS box",
                layer.name.schema,
                layer.name.table,
                layer.name.column,
            )
        except (ObjectMissing, QueryTimedOut):
            raise
        except QueryFailed:
            return None  # statistics that are not for us
        found = envelope_of(row)
        if found is None or max(-found.west, -found.south, found.east, found.north) > _FARTHEST:
            return None
        return found

    async def _looked_at(self, layer: Layer) -> Envelope | None:
        table = relation(layer.name)
        found = None
        if layer.relation in STORED and layer.rows is not None and layer.rows > ROWS:
            share = 100 * ROWS / layer.rows
            found = await self._around(layer, f"{table} AS o TABLESAMPLE SYSTEM ({share:.6f}) REPEATABLE (1)")
        if found is None:  # few pages may have been none
            found = await self._around(layer, f"(SELECT * FROM {table} LIMIT {ROWS}) AS o")  # noqa: S608
        if found is not None and layer.kind is GeometryKind.POINT and layer.has_index:
            return await self._with_outermost(layer, found)
        return found

    async def _around(self, layer: Layer, source: str, *arguments: float) -> Envelope | None:
        """The envelope of those rows that are somewhere."""
        own = column(layer.name.column)
        if layer.kind is GeometryKind.POINT:
            x_min, y_min, x_max, y_max = f"{own}[0]", f"{own}[1]", f"{own}[0]", f"{own}[1]"
        else:
            plane = f"{own}::geometry" if layer.kind is GeometryKind.GEOGRAPHY else own
            x_min, y_min, x_max, y_max = (f"ST_{side}({plane})" for side in ("XMin", "YMin", "XMax", "YMax"))
        [row] = await self._line.fetch(
            f"SELECT min({x_min}) AS west, min({y_min}) AS south, max({x_max}) AS east, max({y_max}) AS north "  # noqa: S608
            f"FROM {source} WHERE {is_finite(layer)}",
            *arguments,
        )
        return envelope_of(row)

    async def _with_outermost(self, layer: Layer, found: Envelope) -> Envelope:
        """Grown by the points that an index finds beyond it."""
        seen = dialect(layer, None)
        own = seen.column
        sides = " UNION ALL ".join(
            f"(SELECT {own} FROM {relation(layer.name)} AS o WHERE {seen.within(first)} LIMIT {OUTERMOST})"  # noqa: S608
            for first in (1, 5, 9, 13)
        )
        for _ in range(_ROUNDS):
            beyond = await self._around(
                layer,
                f"({sides}) AS o",
                *(-inf, -inf, nextafter(found.west, -inf), inf),
                *(-inf, -inf, inf, nextafter(found.south, -inf)),
                *(nextafter(found.east, inf), -inf, inf, inf),
                *(-inf, nextafter(found.north, inf), inf, inf),
            )
            if beyond is None:
                break
            found = found.united(beyond)
        return found

    async def _transformed(self, own: Envelope, layer: Layer, srid: int) -> Envelope | None:
        """In another SRID: its borders and its middle, for a straight one may be bent there."""
        if layer.is_geographic and srid in _MERCATOR:
            south, north = (max(-_MOST_NORTHERN, min(_MOST_NORTHERN, y)) for y in (own.south, own.north))
            own = replace(own, south=south, north=north)
        [row] = await self._line.fetch(
            "SELECT min(ST_X(place)) AS west, min(ST_Y(place)) AS south, max(ST_X(place)) AS east, max(ST_Y(place)) AS north "
            "FROM generate_series(0, 16) AS c, generate_series(0, 16) AS r, "
            "ST_Transform(ST_SetSRID(ST_MakePoint($1::float8 + c * $3::float8 / 16, $2::float8 + r * $4::float8 / 16), "
            "$5::int), $6::int) AS place",
            own.west,
            own.south,
            own.width,
            own.height,
            layer.srid,
            srid,
        )
        return envelope_of(row)
