"""The objects next to a place, the nearest first, found with the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import asyncpg

from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import Dialect, relation
from console.data.spatial.rows import envelope_of, finite, is_finite, measured
from console.models.layers import GeometryKind, Layer
from console.models.map_view import Envelope

SECONDS = 3.0
"""That looking for neighbours may take."""

DETAILED_VERTICES = 1_000
"""Of outlines with more of them distances are those of the point that is nearest in degrees: on the spheroid half a million
take a second."""
_PLACE = "(SELECT place FROM origin)"
"""The origin inside a statement: one value, which an index can be asked about."""
_METRES_IN_A_DEGREE = 110_574.0
"""Of latitude, where they are fewest."""
_NEARLY_POLE = 89.9
_MARGIN = 1.01
"""What is looked for around a distance, to be sure of what is at just that distance."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where distances are measured from: SQL of a geometry as the layer's, and the values of its parameters `$1`, …"""

    place: str
    arguments: tuple[Any, ...]


def origin_at(layer: Layer, view_srid: int | None, x: float, y: float) -> Origin:
    """A point in the view's SRID."""
    if layer.kind is GeometryKind.POINT:
        return Origin("point($1::float8, $2::float8)", (x, y))
    own = layer.srid or 0
    srid = own if view_srid is None else view_srid
    place = f"ST_SetSRID(ST_MakePoint($1::float8, $2::float8), {srid})"
    if srid != own:
        place = f"ST_Transform({place}, {own})"
    return Origin(f"({place})::geography" if layer.kind is GeometryKind.GEOGRAPHY else place, (x, y))


async def nearest(
    context: SpatialContext,
    layer: Layer,
    seen: Dialect,
    columns: str,
    origin: Origin,
    condition: tuple[str, tuple[Any, ...]],
    limit: int,
) -> Sequence[asyncpg.Record]:
    """The rows nearest to the origin for which the condition holds, with their `distance`.

    The condition's parameters come behind those of the origin. The index knows the order of distances on a plane and
    of geography. Of degrees on a plane, and of geometry of several SRIDs, it only knows which objects are not far:
    the farthest of them tells in which envelope the nearest are.
    """
    table, own = relation(layer.name), seen.column
    where, values = condition
    where = f"{is_finite(layer)} AND {where}"
    arguments = (*origin.arguments, *values)
    if layer.kind is GeometryKind.GEOMETRY and (layer.is_geographic or not layer.srid):
        reach = await _reach(context, layer, seen, origin, (where, values), limit)
        if reach is None:
            return ()
        first = len(arguments) + 1
        boxes = _boxes(layer, *reach)
        where += f" AND ({' OR '.join(_touching(own, first + 4 * number) for number in range(len(boxes)))})"
        for box in boxes:
            arguments += (box.west, box.south, box.east, box.north)
        order = distance = _metric(layer, own)
    elif layer.kind is GeometryKind.POINT:
        order = distance = f"({own} <-> {_PLACE})"
    else:
        order, distance = f"{own} <-> {_PLACE}", _metric(layer, own)
    return await context.line.fetch(
        f"WITH origin AS MATERIALIZED (SELECT {origin.place} AS place) "  # noqa: S608
        f"SELECT {columns}, {distance} AS distance FROM {table} AS o "
        f"WHERE {where} ORDER BY {order} LIMIT {limit:d}",
        *arguments,
        limit=SECONDS,
    )


async def _reach(
    context: SpatialContext,
    layer: Layer,
    seen: Dialect,
    origin: Origin,
    condition: tuple[str, tuple[Any, ...]],
    limit: int,
) -> tuple[Envelope, float] | None:
    """Where the origin is, and within which distance there are so many objects; None where there are none."""
    own = seen.column
    where, values = condition
    # What is next to it beyond the antimeridian is a whole turn away on the plane.
    turns = (0, -360, 360) if layer.is_geographic else (0,)
    farthest = ", ".join(
        f"(SELECT max({_metric(layer, 'c.place')}) FROM "  # noqa: S608
        f"(SELECT {own} AS place FROM {relation(layer.name)} AS o WHERE {where} "
        f"ORDER BY {own} <#> (SELECT ST_Translate(place, {turn}, 0) FROM origin) LIMIT {limit:d}) AS c)"
        for turn in turns
    )
    [row] = await context.line.fetch(
        f"WITH origin AS MATERIALIZED (SELECT {origin.place} AS place) "  # noqa: S608
        "SELECT ST_XMin(place) AS west, ST_YMin(place) AS south, ST_XMax(place) AS east, ST_YMax(place) AS north, "
        f"LEAST({farthest}) AS distance FROM origin",
        *origin.arguments,
        *values,
        limit=SECONDS,
    )
    around, distance = envelope_of(row), finite(row["distance"])
    return None if around is None or distance is None else (around, distance)


def _metric(layer: Layer, own: str) -> str:
    """From the origin: metres for geographic SRIDs, else units."""
    if not layer.srid:  # whatever SRIDs there are: it is one map
        return f"ST_Distance(ST_SetSRID({own}, 0), ST_SetSRID({_PLACE}, 0))"
    exact = f"ST_Distance({measured(layer, own)}, {measured(layer, _PLACE)})"
    if layer.is_points or not layer.is_geographic or layer.kind is GeometryKind.GEOGRAPHY:
        return exact
    nearby = f"ST_Distance(ST_ClosestPoint({own}, {_PLACE})::geography, {measured(layer, _PLACE)})"
    return f"CASE WHEN ST_NPoints({own}) <= {DETAILED_VERTICES} THEN {exact} ELSE {nearby} END"


def _touching(own: str, first: int) -> str:
    corners = ", ".join(f"${first + offset}::float8" for offset in range(4))
    return f"{own} && ST_MakeEnvelope({corners})"


def _boxes(layer: Layer, around: Envelope, distance: float) -> list[Envelope]:
    """What contains everything within a distance: metres for geographic SRIDs, else units."""
    if not layer.is_geographic:
        x = y = distance * _MARGIN
        return [Envelope(around.west - x, around.south - y, around.east + x, around.north + y)]
    y = distance / _METRES_IN_A_DEGREE * _MARGIN
    latitude = max(abs(around.south), abs(around.north)) + y
    x = 360.0 if latitude > _NEARLY_POLE else y / cos(radians(latitude)) * _MARGIN
    box = Envelope(around.west - x, around.south - y, around.east + x, around.north + y)
    boxes = [box]
    if box.west < -180:  # over the antimeridian, where longitudes begin again
        boxes.append(Envelope(box.west + 360, box.south, box.east + 360, box.north))
    if box.east > 180:
        boxes.append(Envelope(box.west - 360, box.south, box.east - 360, box.north))
    return boxes
