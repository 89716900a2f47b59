"""Asking for objects of a layer: by place, by name, by key, and how many there are."""

from __future__ import annotations

import json
import re

from console.data.spatial.context import SpatialContext
from console.data.spatial.detail import Details
from console.data.spatial.dialects import dialect, relation
from console.data.spatial.filters import attribute_of, column, equality, parse, predicate
from console.data.spatial.nearest import nearest, origin_at
from console.data.spatial.rows import is_scanned, map_object, object_columns, refuse_scan, touches
from console.errors import BadInput, ObjectMissing, QueryDenied, QueryFailed, QueryTimedOut
from console.models.layers import EVERYTHING, Layer, LayerFilter
from console.models.map_objects import Count, MapObject, ObjectDetail, ObjectKey
from console.models.map_view import Envelope

COUNTING_SECONDS = 2.0
"""That counting may take before an estimate has to do."""
FINDING_SECONDS = 5.0
"""That looking for a name may take."""
ROWS_FOR_VALUES = 100_000
"""That are looked at for the values of a column without statistics."""

_COMMONEST = """
SELECT left(value, 200) AS value
FROM pg_stats, unnest(most_common_vals::text::text[], most_common_freqs) AS common(value, share)
WHERE schemaname = $1 AND tablename = $2 AND attname = $3
ORDER BY inherited DESC, share DESC LIMIT $4::int
"""


class Objects:
    """The objects of the layers of one server."""

    def __init__(self, context: SpatialContext, details: Details) -> None:
        self._context = context
        self._details = details

    async def filter(self, layer: Layer, text: str) -> LayerFilter:
        """The filter that a person typed (see `filters.parse`), which the layer and the server understand.

        A path that is a condition itself, such as `$.floor > 3`, becomes the filter of what it holds for. Raises
        `BadInput` with what is wrong, otherwise as `MapLine.fetch`.
        """
        only = parse(text)
        predicate(layer, only, 1)
        if only.json_path is None:
            return only
        await self._check_path(only.json_path)
        mode, path = re.findall(r"^((?:strict|lax)\s+)?(.*)$", only.json_path, re.DOTALL)[0]
        holds = f"{mode}$ ? ({path})"
        try:
            await self._check_path(holds)
        except BadInput:
            return only
        return LayerFilter(only.words, only.equal, holds)

    async def nearest(
        self,
        layer: Layer,
        view_srid: int | None,
        x: float,
        y: float,
        *,
        limit: int,
        within: float | None = None,
        only: LayerFilter = EVERYTHING,
        colour_by: str | None = None,
    ) -> tuple[MapObject, ...]:
        """Those next to a point of the view, the nearest first.

        With `within`, in units of the view, only those that are less than that to the side of it, above or below.
        Raises `OperationRefused` where a large table would have to be read for it, `BadInput`, and as `MapLine.fetch`.
        """
        refuse_scan(layer)
        seen = dialect(layer, view_srid)
        condition, values = predicate(layer, only, 3)
        arguments: tuple[str | float, ...] = values
        if within is not None:
            condition += f" AND {seen.within(3 + len(values))}"
            arguments += (x - within, y - within, x + within, y + within)
        rows = await nearest(
            self._context,
            layer,
            seen,
            object_columns(layer, seen, colour_by),
            origin_at(layer, view_srid, x, y),
            (condition, arguments),
            limit,
        )
        return tuple(map_object(layer, row) for row in rows)

    async def inside(
        self,
        layer: Layer,
        view_srid: int | None,
        envelope: Envelope,
        *,
        limit: int,
        only: LayerFilter = EVERYTHING,
        colour_by: str | None = None,
    ) -> tuple[MapObject, ...]:
        """Those that are in an envelope of the view or reach into it, in no order, `limit` at most.

        Raises as `nearest`.
        """
        refuse_scan(layer)
        seen = dialect(layer, view_srid)
        condition, values = predicate(layer, only, 5)
        rows = await self._context.line.fetch(
            f"SELECT {object_columns(layer, seen, colour_by)} FROM {relation(layer.name)} AS o "  # noqa: S608
            f"WHERE {touches(layer, seen, view_srid, 1)} AND {condition} LIMIT {limit:d}",
            *_corners(envelope),
            *values,
        )
        return tuple(map_object(layer, row) for row in rows)

    async def count(
        self,
        layer: Layer,
        view_srid: int | None,
        envelope: Envelope | None = None,
        only: LayerFilter = EVERYTHING,
    ) -> Count:
        """How many objects are in an envelope of the view or reach into it; without one, how many there are.

        It is the planner's estimate where counting takes longer than 2 seconds, or would read a large table for an
        envelope. Raises `BadInput`, and as `MapLine.fetch`.
        """
        seen = dialect(layer, view_srid)
        matches, values = predicate(layer, only, 5 if envelope else 1)
        corners = _corners(envelope) if envelope else ()
        table = f"FROM {relation(layer.name)} AS o WHERE {matches}"
        if envelope is None or not is_scanned(layer):
            there = f" AND {touches(layer, seen, view_srid, 1)}" if envelope else ""
            try:
                [row] = await self._context.line.fetch(
                    f"SELECT count(*) AS number {table}{there}", *corners, *values, limit=COUNTING_SECONDS
                )
            except QueryTimedOut:
                pass
            else:
                return Count(row["number"], is_exact=True)
        # The planner takes the test of bounds and that of the geometry for independent: one is enough.
        there = f" AND {seen.within(1)}" if envelope else ""
        [row] = await self._context.line.fetch(
            f"EXPLAIN (FORMAT JSON) SELECT 1 {table}{there}", *corners, *values
        )
        return Count(int(json.loads(row[0])[0]["Plan"]["Plan Rows"]), is_exact=False)

    async def detail(self, layer: Layer, key: ObjectKey, view_srid: int | None) -> ObjectDetail:
        """One object in full.

        Raises `ObjectMissing` where it is not there any more, `OperationRefused` where the layer's objects cannot be told
        apart, and as `MapLine.fetch`.
        """
        return await self._details.of(layer, key, view_srid)

    async def find(
        self, layer: Layer, words: str, view_srid: int | None, *, limit: int
    ) -> tuple[MapObject, ...]:
        """Those with that id, and behind them those with these words in their name.

        Raises `BadInput` where the layer has neither, and as `MapLine.fetch`: looking for names may read the table, for
        5 seconds at most.
        """
        ids = [
            same
            for one in layer.attributes
            if layer.key == (one.name,) or one.name == "object_id"
            if (same := equality(one, words, "$1::text"))
        ]
        found: list[MapObject] = []
        if ids:
            found = await self._chosen(layer, view_srid, " OR ".join(ids), (words,), limit)
        if len(found) >= limit:
            return tuple(found)
        try:
            condition, values = predicate(layer, LayerFilter(words), 1)
            named = await self._chosen(layer, view_srid, condition, values, limit)
        except (BadInput, QueryTimedOut):
            if not found:
                raise
            named = []
        known = {one.key for one in found}
        return (*found, *(one for one in named if one.key not in known))[:limit]

    async def values(self, layer: Layer, attribute: str, *, limit: int) -> tuple[str, ...]:
        """Values that a column has, the commonest first: from the planner's statistics, else of some of its rows.

        Raises `BadInput` where there is no such column, and as `MapLine.fetch`.
        """
        name = attribute_of(layer, attribute).name
        rows = await self._context.line.fetch(
            _COMMONEST, layer.name.schema, layer.name.table, name, limit
        ) or await self._context.line.fetch(
            f"SELECT left(value, 200) AS value FROM "  # noqa: S608
            f"(SELECT {column(name)}::text AS value FROM {relation(layer.name)} AS o LIMIT {ROWS_FOR_VALUES}) AS looked_at "
            f"WHERE value IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {limit:d}"
        )
        return tuple(dict.fromkeys(row["value"] for row in rows))

    async def _chosen(
        self, layer: Layer, view_srid: int | None, condition: str, values: tuple[str, ...], limit: int
    ) -> list[MapObject]:
        rows = await self._context.line.fetch(
            f"SELECT {object_columns(layer, dialect(layer, view_srid))} FROM {relation(layer.name)} AS o "  # noqa: S608
            f"WHERE {condition} LIMIT {limit:d}",
            *values,
            limit=FINDING_SECONDS,
        )
        return [map_object(layer, row) for row in rows]

    async def _check_path(self, path: str) -> None:
        """Raises `BadInput` where it is no path."""
        try:
            await self._context.line.fetch("SELECT $1::text::jsonpath", path)
        except (QueryDenied, QueryTimedOut, ObjectMissing):
            raise
        except QueryFailed as problem:
            raise BadInput(
                f"{path} is no SQL/JSON path such as $.floor ? (@ > 3). {problem.sentence}"
            ) from problem


def _corners(envelope: Envelope) -> tuple[float, float, float, float]:
    return envelope.west, envelope.south, envelope.east, envelope.north
