"""One object in full: its columns, its geometry and its measures, its project, constraints and neighbours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from console.data.spatial.constraints import Constraints
from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import Dialect, dialect, relation
from console.data.spatial.filters import column
from console.data.spatial.nearest import DETAILED_VERTICES, Origin, nearest, origin_at
from console.data.spatial.rows import (
    envelope_of,
    finite,
    has_key,
    is_scanned,
    map_object,
    measured,
    object_columns,
)
from console.errors import ObjectMissing, QueryDenied, QueryFailed, QueryTimedOut
from console.models.layers import Attribute, GeometryKind, Layer
from console.models.map_objects import Constraint, MapObject, ObjectDetail, ObjectKey

NEIGHBOURS = 8
"""Objects next to one that are named."""
LONGEST_VALUE = 10_000
"""Characters of a column that leave the server; of JSON, which only as a whole is any, a hundred times as many."""
LONGEST_GEOMETRY = 4_000
"""Characters of its WKT."""
MEASURING_SECONDS = 2.0
"""That its length and area may take: half a million vertices on the spheroid take as long."""

_JSON = ("json", "jsonb")
_NUMBERS = {"smallint": int, "integer": int, "bigint": int, "real": float, "double precision": float}


class Details:
    """Objects of layers, one at a time."""

    def __init__(self, context: SpatialContext, constraints: Constraints) -> None:
        self._context = context
        self._constraints = constraints

    async def of(self, layer: Layer, key: ObjectKey, view_srid: int | None) -> ObjectDetail:
        """The object with that key.

        What cannot be found out beside its own columns is a note. Raises `ObjectMissing` where it is not there any more,
        `OperationRefused` where the layer's objects cannot be told apart, and as `MapLine.fetch`.
        """
        seen = dialect(layer, view_srid)
        mine = has_key(layer, key, 1)
        rows = await self._context.line.fetch(
            f"SELECT {object_columns(layer, seen)}, {_shape(layer, seen)}{_values(layer)} "  # noqa: S608
            f"FROM {relation(layer.name)} AS o WHERE {mine}",
            *key,
        )
        if not rows:
            raise ObjectMissing(f"{layer.name.table} {', '.join(key)} is not there any more.")
        row = rows[0]
        itself = map_object(layer, row)
        attributes = _attributes(layer, row)
        notes: list[str] = []
        length, area = await self._measures(layer, key, row["dimension"], notes)
        return ObjectDetail(
            layer=layer.name,
            key=key,
            label=itself.label,
            attributes=attributes,
            geometry=_cut(row["geometry"], LONGEST_GEOMETRY),
            shape=row["shape"],
            vertices=row["vertices"],
            length=length,
            area=area,
            extent=envelope_of(row),
            project=await self._project(layer, attributes, notes),
            constraints=await self._constraints_of(layer, view_srid, attributes, notes),
            neighbours=await self._neighbours(layer, seen, view_srid, itself, row["vertices"], notes),
            notes=tuple(notes),
        )

    async def _measures(
        self, layer: Layer, key: ObjectKey, dimension: int | None, notes: list[str]
    ) -> tuple[float | None, float | None]:
        """Its length and its area, where it has them."""
        if not dimension:
            return None, None
        own = measured(layer, column(layer.name.column))
        try:
            [row] = await self._context.line.fetch(
                f"SELECT ST_Length({own}) + ST_Perimeter({own}) AS length, ST_Area({own}) AS area "  # noqa: S608
                f"FROM {relation(layer.name)} AS o WHERE {has_key(layer, key, 1)}",
                *key,
                limit=MEASURING_SECONDS,
            )
        except QueryTimedOut:
            notes.append("It has too many vertices to measure it in time.")
            return None, None
        except QueryFailed as problem:
            notes.append(f"It cannot be measured. {problem.sentence}")
            return None, None
        return finite(row["length"]), finite(row["area"]) if dimension == 2 else None

    async def _project(self, layer: Layer, attributes: Mapping[str, Any], notes: list[str]) -> str | None:
        """The name of its project."""
        project_id = attributes.get("project_id")
        if not layer.is_cad or project_id is None:
            return None
        try:
            rows = await self._context.line.fetch(
                "SELECT left(name, 200) AS name FROM arxos_core.projects WHERE id = $1::text::uuid",
                project_id,
            )
        except (QueryDenied, ObjectMissing) as problem:
            notes.append(f"Its project has no name here. {problem.sentence}")
            return None
        return rows[0]["name"] if rows else None

    async def _constraints_of(
        self, layer: Layer, view_srid: int | None, attributes: Mapping[str, Any], notes: list[str]
    ) -> tuple[Constraint, ...]:
        if not layer.is_cad:
            return ()
        try:
            return await self._constraints.of_object(layer, attributes["object_id"], view_srid)
        except QueryFailed as problem:
            notes.append(f"Its constraints are not known. {problem.sentence}")
            return ()

    async def _neighbours(
        self,
        layer: Layer,
        seen: Dialect,
        view_srid: int | None,
        itself: MapObject,
        vertices: int | None,
        notes: list[str],
    ) -> tuple[MapObject, ...]:
        if itself.x is None or itself.y is None:
            return ()
        if is_scanned(layer):
            notes.append(
                "Its neighbours are not known, for without an index the whole table would be read for them."
            )
            return ()
        if (
            vertices is None or vertices > DETAILED_VERTICES
        ):  # from its middle, for it takes too long from its outline
            origin = origin_at(layer, view_srid, itself.x, itself.y)
        else:
            mine = (
                f"SELECT {seen.column} FROM {relation(layer.name)} AS o WHERE {has_key(layer, itself.key, 1)}"  # noqa: S608
            )
            origin = Origin(f"({mine})", itself.key)
        others = f"NOT ({has_key(layer, itself.key, len(origin.arguments) + 1)})"
        try:
            rows = await nearest(
                self._context,
                layer,
                seen,
                object_columns(layer, seen),
                origin,
                (others, itself.key),
                NEIGHBOURS,
            )
        except QueryFailed as problem:
            notes.append(f"Its neighbours are not known. {problem.sentence}")
            return ()
        return tuple(map_object(layer, row) for row in rows)


def _shape(layer: Layer, seen: Dialect) -> str:
    """What is said of its geometry. The middle of a core point's bounds is the point itself."""
    own = seen.column
    if layer.kind is GeometryKind.POINT:
        return (
            f"CASE WHEN {own} IS NOT NULL THEN 'POINT' END AS shape, CASE WHEN {own} IS NOT NULL THEN 1 END AS vertices, "
            f"0 AS dimension, {own}::text AS geometry, {seen.x} AS west, {seen.y} AS south, {seen.x} AS east, "
            f"{seen.y} AS north"
        )
    plane = f"{own}::geometry" if layer.kind is GeometryKind.GEOGRAPHY else own
    bounds = zip(("west", "south", "east", "north"), ("XMin", "YMin", "XMax", "YMax"), strict=True)
    said = ", ".join(f"ST_{end}({seen.geometry}) AS {name}" for name, end in bounds)
    return (
        f"GeometryType({plane}) AS shape, ST_NPoints({plane}) AS vertices, ST_Dimension({plane}) AS dimension, "
        f"left(ST_AsText({plane}), {LONGEST_GEOMETRY + 1}) AS geometry, {said}"
    )


def _values(layer: Layer) -> str:
    """The other columns as text, each under its number."""
    return "".join(f", {_text(one)} AS a{number}" for number, one in enumerate(layer.attributes))


def _text(attribute: Attribute) -> str:
    own = column(attribute.name)
    if attribute.type in _JSON:
        return f"left({own}::text, {LONGEST_VALUE * 100 + 1})"
    if attribute.type.endswith("[]"):
        return f"left(to_json({own})::text, {LONGEST_VALUE * 100 + 1})"
    return f"left({own}::text, {LONGEST_VALUE + 1})"


def _attributes(layer: Layer, row: asyncpg.Record) -> Mapping[str, Any]:
    return {one.name: _value(one.type, row[f"a{number}"]) for number, one in enumerate(layer.attributes)}


def _value(type_: str, text: str | None) -> Any:
    """JSON and arrays as Python's objects, numbers, truth and times as Python's; all else as PostgreSQL writes it."""
    if text is None:
        return None
    try:
        if type_ in _JSON or type_.endswith("[]"):
            return json.loads(text)
        if type_ in _NUMBERS:
            return _NUMBERS[type_](text)
        if type_ == "boolean":
            return text == "true"
        if type_.startswith("timestamp"):
            return datetime.fromisoformat(text)
    except (ValueError, RecursionError):
        pass  # cut, nested too deeply, or a time that only PostgreSQL has
    return _cut(text, LONGEST_VALUE)


def _cut(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else f"{text[:longest]}…"
