"""Objects as they come from a server: what is selected of a row, and what is made of it."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

import asyncpg

from console.data.identifiers import in_quotes, quoted
from console.data.spatial.dialects import Dialect
from console.data.spatial.filters import attribute_of, column, naming
from console.errors import OperationRefused
from console.models.layers import GeometryKind, Layer, RelationKind
from console.models.map_objects import MapObject, ObjectKey
from console.models.map_view import Envelope

LONGEST_LABEL = 200
"""Characters of a name that leave the server."""
SCANNED_BYTES = 64 * 2**20
"""Of a table without an index that are read without asking: a fraction of a second."""

_STRAIGHT = ("POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON")
"""Shapes without curves."""
_OF_POSTGRESQL = re.compile(
    r"(smallint|integer|bigint|numeric|uuid|text|character|date|time|timestamp|oid|tid|inet)\b"
)
"""Types that keys have."""
STORED = (RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.MATERIALIZED_VIEW)
"""What has rows of its own."""


def object_columns(layer: Layer, seen: Dialect, colour_by: str | None = None) -> str:
    """What `map_object` needs of a row. Raises `BadInput` where there is no column `colour_by`."""
    names = ", ".join(f"nullif({column(one.name)}::text, '')" for one in naming(layer))
    category = f"{column(attribute_of(layer, colour_by).name)}::text" if colour_by else "NULL::text"
    return (
        f"{key_columns(layer)} AS key, left(coalesce({names or 'NULL::text'}), {LONGEST_LABEL}) AS label, "
        f"left({category}, {LONGEST_LABEL}) AS category, {seen.x} AS x, {seen.y} AS y"
    )


def map_object(layer: Layer, row: asyncpg.Record) -> MapObject:
    """The object in a row of `object_columns`, and of a `distance` where there is one."""
    key = tuple(row["key"])
    return MapObject(
        layer=layer.name,
        key=key,
        label=row["label"] or ", ".join(key) or layer.name.table,
        category=row["category"],
        x=finite(row["x"]),
        y=finite(row["y"]),
        distance=finite(row.get("distance")),
    )


def key_columns(layer: Layer) -> str:
    """The object's key as an array of text."""
    parts = ", ".join(f"{key_column(name)}::text" for name in layer.key)
    return f"ARRAY[{parts}]::text[]"


def has_key(layer: Layer, key: ObjectKey, first: int) -> str:
    """The condition that holds for the object whose key is in the parameters from `$first` on.

    Raises `OperationRefused` where objects cannot be told apart, or where the key is one of another layer.
    """
    if not layer.key or len(key) != len(layer.key):
        raise OperationRefused(
            f"The rows of {layer.name.schema}.{layer.name.table}, a {layer.relation.value}, cannot be told apart: it has "
            "no primary key, so that no single one can be asked for."
        )
    conditions = []
    for number, name in enumerate(layer.key, first):
        type_ = type_of_key(layer, name)
        own = key_column(name) if type_ else f"{key_column(name)}::text"
        conditions.append(f"{own} = ${number}::text{f'::{type_}' if type_ else ''}")
    return " AND ".join(conditions)


def type_of_key(layer: Layer, name: str) -> str | None:
    """What a text is cast to, so that the index of a key's column answers.

    None for a type of somebody's own, which may not be on the search path: its column is compared as text.
    """
    types = {one.name: one.type for one in layer.attributes} | {"ctid": "tid"}
    type_ = types.get(name, "")
    return type_ if _OF_POSTGRESQL.match(type_) else None


def is_finite(layer: Layer) -> str:
    """The condition that holds for geometry that is somewhere: there, not empty, and without NaN and infinity.

    Bounds with NaN are found by an index whatever is looked for, and a geography would place infinity at 0. The planner
    takes each comparison for a rare one and then reads the whole table; a CASE is even odds to it.
    """
    own = column(layer.name.column)
    if layer.kind is GeometryKind.POINT:
        numbers = [f"{own}[0]", f"{own}[1]"]
    else:
        plane = f"{own}::geometry" if layer.kind is GeometryKind.GEOGRAPHY else own
        numbers = [f"ST_{axis}{end}({plane})" for axis in "XY" for end in ("Min", "Max")]
    # For PostgreSQL NaN is more than infinity.
    are = " AND ".join(f"{number} > '-Infinity' AND {number} < 'Infinity'" for number in numbers)
    return f"CASE WHEN {are} THEN true WHEN {numbers[0]} IS NOT NULL THEN false END"


def touches(layer: Layer, seen: Dialect, view_srid: int | None, first: int) -> str:
    """The condition that holds for what is itself in the envelope of the parameters `$first` to `$first + 3`.

    Of lines and outlines `Dialect.within` finds those whose bounds are.
    """
    within = seen.within(first)
    if layer.is_points or layer.kind is GeometryKind.POINT:
        return within
    corners = ", ".join(f"${number}::float8" for number in range(first, first + 4))
    srid = layer.srid if view_srid is None else view_srid
    if not srid:  # whatever SRIDs there are: it is one map
        return f"{within} AND ST_Intersects(ST_SetSRID({seen.geometry}, 0), ST_MakeEnvelope({corners}))"
    return f"{within} AND ST_Intersects({seen.geometry}, ST_MakeEnvelope({corners}, {srid}))"


def measured(layer: Layer, own: str) -> str:
    """A geometry of the layer as it is measured: on the globe where it is geographic, which takes no curves."""
    if layer.kind is GeometryKind.GEOGRAPHY or not layer.is_geographic:
        return own
    return f"{own}::geography" if layer.shape in _STRAIGHT else f"ST_CurveToLine({own})::geography"


def finite(value: Any) -> float | None:
    """A number, unless it is none."""
    return float(value) if value is not None and isfinite(value) else None


def envelope_of(row: asyncpg.Record) -> Envelope | None:
    """The envelope in the columns `west`, `south`, `east`, `north`; None where it is not a whole one."""
    west, south, east, north = (finite(row[name]) for name in ("west", "south", "east", "north"))
    if west is None or south is None or east is None or north is None:
        return None
    return Envelope(west, south, east, north)


def is_scanned(layer: Layer) -> bool:
    """Whether looking for objects in an envelope would read a whole table that is large."""
    return layer.relation in STORED and not layer.has_index and layer.size > SCANNED_BYTES


def refuse_scan(layer: Layer) -> None:
    """Raises `OperationRefused` where objects could be found only by reading a large table as a whole."""
    if is_scanned(layer):
        raise OperationRefused(
            f"{layer.name} has no index, so that finding objects would read the whole table; one is made with: "
            f"{index_statement(layer)};"
        )


def index_statement(layer: Layer) -> str:
    """What makes the index that a map needs."""
    # An index on a partitioned table cannot be made concurrently.
    concurrently = "" if layer.relation is RelationKind.PARTITIONED else " CONCURRENTLY"
    name = layer.name
    return f"CREATE INDEX{concurrently} ON {quoted(name.schema)}.{quoted(name.table)} USING gist ({quoted(name.column)})"


def key_column(name: str) -> str:
    """A column of the key."""
    return f"o.{in_quotes(name)}" if name != "ctid" else "o.ctid"
