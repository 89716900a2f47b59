"""Measuring along points that a person set on a map, and within them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import dist

from console.data.spatial.context import SpatialContext
from console.data.spatial.rows import finite
from console.models.map_objects import Measure
from console.models.map_view import MapView

_GEODESIC = """
SELECT ST_Length(ST_MakeLine(points)::geography) AS distance,
       CASE WHEN cardinality(points) > 2
            THEN ST_Area(ST_MakePolygon(ST_MakeLine(points || points[1]))::geography) END AS area
FROM (SELECT array_agg(ST_SetSRID(ST_MakePoint(x, y), $3::int) ORDER BY number) AS points
      FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS set(x, y, number)) AS all_points
"""


class Measuring:
    """Distances and areas in the SRID of a view."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context

    async def measure(self, points: Sequence[tuple[float, float]], view: MapView) -> Measure:
        """The distance along the points (x, y), and the area within them when the last leads back to the first.

        Geographic SRIDs are measured on their spheroid, by PostGIS, each stretch the shorter way around; the others on
        their plane, without a server. Raises as `MapLine.fetch`.
        """
        if not view.is_geographic or view.srid is None or len(points) < 2:
            distance = sum(dist(one, other) for one, other in pairwise(points))
            return Measure(distance, _plane_area(points), is_geodesic=False)
        xs, ys = zip(*points, strict=True)
        [row] = await self._context.line.fetch(_GEODESIC, list(xs), list(ys), view.srid)
        return Measure(finite(row["distance"]) or 0.0, finite(row["area"]), is_geodesic=True)


def _plane_area(points: Sequence[tuple[float, float]]) -> float | None:
    """By the shoelace formula, seen from the first point: coordinates of millions would swallow the small digits."""
    if len(points) < 3:
        return None
    x0, y0 = points[0]
    near = [(x - x0, y - y0) for x, y in points]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(near))) / 2
