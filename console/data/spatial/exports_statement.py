"""The SQL that reads objects for a file: the server makes the text of each geometry."""

from __future__ import annotations

from typing import Any

from console.data.identifiers import in_quotes
from console.data.spatial.dialects import dialect, relation
from console.data.spatial.filters import column, naming, predicate
from console.data.spatial.rows import is_finite, key_column, key_columns, touches, type_of_key
from console.errors import OperationRefused
from console.models.layers import GeometryKind, Layer
from console.models.map_files import Extract, FileFormat

WGS84 = 4326
_DIGITS = 20
"""Digits of a coordinate behind the point, at most: PostGIS writes as many as tell it from every other number."""
_CURVES = frozenset({"GEOMETRY", "GEOMETRYCOLLECTION", "CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE"})  # fmt: skip

SESSION = """
SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', (
           SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
           WHERE e.extname = 'postgis')), true),
       set_config('statement_timeout', '0', true), set_config('jit', 'off', true),
       set_config('extra_float_digits', '1', true),
       set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
       set_config('intervalstyle', 'iso_8601', true), set_config('bytea_output', 'hex', true)
"""
"""What the transaction begins with: values are written in the same way whatever the role is set to."""


def statement(extract: Extract, format_: FileFormat) -> tuple[str, tuple[Any, ...]]:
    """What is asked, with the values of its parameters; the format's writer knows the columns.

    Raises `OperationRefused` where what is asked for is nowhere on the map, or where rows cannot be told apart, and
    `BadInput` for a filter that cannot be.
    """
    layer = extract.layer
    if extract.srid and not layer.srid and format_ is not FileFormat.GEOJSON:
        raise OperationRefused(
            f"{layer.name} has no SRID, so that nothing can be written in {extract.srid}: leave the SRID out."
        )
    match format_:
        case FileFormat.GEOJSON:
            columns, beside = _geojson(layer)
        case FileFormat.CSV:
            columns, beside = _csv(layer, extract.srid), ""
        case FileFormat.DXF:
            columns, beside = _dxf(layer, extract.srid), ""
    where, values = _where(extract)
    return f"SELECT {columns} FROM {relation(layer.name)} AS o{beside} WHERE {where}", values  # noqa: S608


def _where(extract: Extract) -> tuple[str, tuple[Any, ...]]:
    conditions: list[str] = []
    values: tuple[Any, ...] = ()
    if (box := extract.envelope) is not None:
        seen = dialect(extract.layer, extract.envelope_srid)
        conditions += [touches(extract.layer, seen, extract.envelope_srid, 1), is_finite(extract.layer)]
        values = (box.west, box.south, box.east, box.north)
    if extract.keys:
        conditions.append(_has_keys(extract.layer, len(values) + 1))
        values += tuple([key[part] for key in extract.keys] for part in range(len(extract.layer.key)))
    if not extract.only.is_empty:
        condition, more = predicate(extract.layer, extract.only, len(values) + 1)
        conditions.append(condition)
        values += more
    return " AND ".join(f"({one})" for one in conditions) or "true", values


def _has_keys(layer: Layer, first: int) -> str:
    """The condition for the rows whose keys are in as many arrays, one for each column, from `$first` on."""
    if not layer.key:
        raise OperationRefused(
            f"The rows of {layer.name.schema}.{layer.name.table}, a {layer.relation.value}, cannot be told apart: it has "
            "no primary key, so that no selection of them can be asked for."
        )
    if len(layer.key) == 1:
        [name] = layer.key
        type_ = type_of_key(layer, name)
        own = key_column(name) if type_ else f"{key_column(name)}::text"
        return f"{own} = ANY (${first}::text[]{f'::{type_}[]' if type_ else ''})"
    arrays = ", ".join(f"${number}::text[]" for number in range(first, first + len(layer.key)))
    own = ", ".join(f"{column(name)}::text" for name in layer.key)
    return f"({own}) IN (SELECT * FROM unnest({arrays}))"  # noqa: S608


def _geojson(layer: Layer) -> tuple[str, str]:
    has_id = len(layer.key) == 1 and layer.key != ("ctid",)
    own_id = f"to_json({column(layer.key[0])})::text" if has_id else "NULL::text"
    attributes = ", ".join(column(one.name) for one in layer.attributes)
    properties, beside = ("row_to_json(p)::text", f", LATERAL (SELECT {attributes}) AS p")
    if not attributes:
        properties, beside = "'{}'", ""
    return f"{own_id} AS id, {_geojson_geometry(layer)} AS geometry, {properties} AS properties", beside


def _geojson_geometry(layer: Layer) -> str:
    if layer.kind is GeometryKind.POINT:
        own = column(layer.name.column)
        return f"""'{{"type":"Point","coordinates":[' || {own}[0] || ',' || {own}[1] || ']}}'"""
    if layer.srid:
        placed = _placed(layer, WGS84)
    else:
        own = dialect(layer, None).geometry
        is_elsewhere = f"ST_SRID({own}) NOT IN (0, {WGS84}) AND {is_finite(layer)}"
        placed = f"CASE WHEN {is_elsewhere} THEN ST_Transform({own}, {WGS84}) ELSE {own} END"
    if not layer.is_points:
        placed = _without_curves(layer, placed)
        # It turns lines round too, and what is in collections.
        is_area = f"GeometryType({placed}) IN ('POLYGON', 'MULTIPOLYGON')"
        placed = f"CASE WHEN {is_area} THEN ST_ForcePolygonCCW({placed}) ELSE {placed} END"
    return f"ST_AsGeoJSON({placed}, {_DIGITS})"


def _csv(layer: Layer, srid: int | None) -> str:
    texts = [f"{column(one.name)}::text" for one in layer.attributes]
    if layer.kind is GeometryKind.POINT:
        seen = dialect(layer, srid)
        texts.append(f"'POINT(' || {seen.x} || ' ' || {seen.y} || ')'")
    else:
        # Without an SRID of the column each row may have its own.
        texts.append(f"ST_As{'Text' if layer.srid else 'EWKT'}({_placed(layer, srid)}, {_DIGITS})")
    return ", ".join(f"{text} AS {in_quotes(f'c{number}')}" for number, text in enumerate(texts))


def _dxf(layer: Layer, srid: int | None) -> str:
    kind = "o.object_type::text" if layer.is_cad else "NULL::text"
    names = ", ".join(f"nullif({column(one.name)}::text, '')" for one in naming(layer))
    key = (
        f"array_to_string({key_columns(layer)}, ', ')"
        if layer.key and layer.key != ("ctid",)
        else "NULL::text"
    )
    label = f"coalesce({names}, {key})" if names else key
    if layer.kind is GeometryKind.POINT:
        seen = dialect(layer, srid)
        return f"{kind} AS kind, {label} AS label, {seen.x} AS x, {seen.y} AS y, NULL::float8 AS z"
    placed = _placed(layer, srid)
    if layer.is_points:
        axes = ", ".join(f"ST_{axis}({placed}) AS {axis.lower()}" for axis in "XYZ")
        return f"{kind} AS kind, {label} AS label, {axes}"
    return f"{kind} AS kind, {label} AS label, ST_AsBinary({_without_curves(layer, placed)}) AS shape"


def _placed(layer: Layer, srid: int | None) -> str:
    """The geometry in that SRID; what is nowhere stays as it is, for PostGIS fails where it is to transform that."""
    own, seen = dialect(layer, None).geometry, dialect(layer, srid).geometry
    if seen == own:
        return own
    return f"CASE WHEN {is_finite(layer)} THEN {seen} ELSE ST_SetSRID({own}, {srid}) END"


def _without_curves(layer: Layer, geometry: str) -> str:
    """Arcs as lines, for what knows no arcs."""
    if layer.shape.removesuffix("ZM").removesuffix("Z").removesuffix("M") not in _CURVES:
        return geometry
    return f"CASE WHEN ST_HasArc({geometry}) THEN ST_CurveToLine({geometry}) ELSE {geometry} END"
