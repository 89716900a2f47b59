"""Where layers are, about: from the planner's statistics, else from some of the rows. It takes milliseconds."""

from __future__ import annotations

from console.data.spatial.dialects import dialect, relation
from console.data.spatial.line import MapLine
from console.data.spatial.rows import STORED, envelope_of, is_finite
from console.errors import ObjectMissing, QueryFailed
from console.models.layers import GeometryKind, Layer
from console.models.map_view import Envelope

ROWS = 20_000
"""Rows that are looked at where there are no statistics."""
ROOM = 0.02
"""What is added on every side: neither statistics nor some of the rows know the outermost."""


class Extents:
    """Where the layers of one database are."""

    def __init__(self, line: MapLine) -> None:
        self._line = line

    async def of(self, layer: Layer, srid: int | None) -> Envelope | None:
        """The envelope around a layer in the SRID of a view; None where there is nothing.

        Raises `OperationRefused` where view and layer cannot be brought together, and as `MapLine.fetch`.
        """
        seen = dialect(layer, srid)
        if layer.kind is GeometryKind.GEOMETRY and layer.is_analysed and layer.relation in STORED:
            try:
                if (found := await self._estimated(layer, srid)) is not None:
                    return found.grown(ROOM)
            except ObjectMissing:
                raise
            except QueryFailed:
                pass  # statistics that are not for us, or a place that the other SRID does not have
        if layer.kind is GeometryKind.POINT:
            sides = ("min({0}[0])", "min({0}[1])", "max({0}[0])", "max({0}[1])")
        else:
            sides = ("min(ST_XMin({0}))", "min(ST_YMin({0}))", "max(ST_XMax({0}))", "max(ST_YMax({0}))")
        names = ("west", "south", "east", "north")
        columns = ", ".join(
            f"{side.format(seen.geometry)} AS {name}" for side, name in zip(sides, names, strict=True)
        )
        [row] = await self._line.fetch(
            f"SELECT {columns} FROM {self._some(layer)} WHERE {is_finite(layer)}"  # noqa: S608
        )
        found = envelope_of(row)
        return found.grown(ROOM) if found is not None else None

    async def _estimated(self, layer: Layer, srid: int | None) -> Envelope | None:
        own = layer.srid or 0
        box = f"ST_SetSRID(ST_EstimatedExtent($1::text, $2::text, $3::text)::geometry, {own:d})"
        if srid is not None and srid != own:
            box = f"ST_Transform(ST_Segmentize({box}, greatest(ST_XMax({box}) - ST_XMin({box}), 1e-9) / 16), {srid:d})"
        [row] = await self._line.fetch(
            "SELECT ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north "  # noqa: S608
            f"FROM (SELECT {box} AS box) AS estimated",
            layer.name.schema,
            layer.name.table,
            layer.name.column,
        )
        return envelope_of(row)

    def _some(self, layer: Layer) -> str:
        table = relation(layer.name)
        is_sampled = layer.relation in STORED
        if is_sampled and layer.rows is not None and layer.rows > ROWS:
            return f"{table} AS o TABLESAMPLE SYSTEM ({100 * ROWS / layer.rows:.6f}) REPEATABLE (1)"
        return f"(SELECT * FROM {table} LIMIT {ROWS}) AS o"  # noqa: S608
