"""The SQL that writes rows of a file into a layer: sent to a temporary table as JSON, and inserted from there.

Names of PostGIS are written with its schema: the search path is the person's, and triggers may need it as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.data.identifiers import literal, quoted
from console.models.layers import GeometryKind, Layer
from console.models.map_files import FileFormat

ROWS, REFUSED = "pg_temp.dbconsole_import", "pg_temp.dbconsole_refused"
TEMPORARY_TABLES = (
    f"CREATE TEMPORARY TABLE {ROWS} (number bigint, document text) ON COMMIT DROP",
    f"CREATE TEMPORARY TABLE {REFUSED} (number bigint, reason text) ON COMMIT DROP",
)
_SENT = f"SELECT s.number, s.document::jsonb AS d FROM {ROWS} AS s ORDER BY s.number OFFSET 0"  # noqa: S608
"""OFFSET keeps the planner from reading the JSON once for each column."""


@dataclass(frozen=True, slots=True)
class ImportedColumn:
    """A column that is written."""

    name: str
    type: str
    is_array: bool
    is_json: bool
    usual: str | None
    """What stands for NULL in a column that takes none, as SQL."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How places of a file come into a layer."""

    layer: Layer
    geometry_type: str
    """The column's, qualified."""
    format: FileFormat
    srid: int | None
    """What the file is in; None is what the layer is in."""
    flip: bool
    is_pair: bool
    """Whether a CSV file has x and y rather than WKT."""

    @property
    def expression(self) -> str:
        """The place of a document `j.d`, as the column takes it."""
        if self.layer.kind is GeometryKind.POINT:
            path = "{geometry,coordinates,%d}" if self.format is FileFormat.GEOJSON else "{place,%d}"
            x, y = (f"(j.d #>> '{path % axis}')::float8" for axis in ((1, 0) if self.flip else (0, 1)))
            return f"point({x}, {y})"
        made = self._own(f"{self._schema}.ST_FlipCoordinates({self._made})" if self.flip else self._made)
        if self.layer.shape.startswith("MULTI"):
            made = f"{self._schema}.ST_Multi({made})"
        return f"{made}::{self._schema}.geography" if self.layer.kind is GeometryKind.GEOGRAPHY else made

    @property
    def _schema(self) -> str:
        return self.geometry_type.rpartition(".")[0]

    @property
    def _made(self) -> str:
        if self.format is FileFormat.GEOJSON:
            return f"{self._schema}.ST_GeomFromGeoJSON(nullif(j.d -> 'geometry', 'null'))"
        if self.is_pair:
            x, y = (f"(j.d #>> '{{place,{axis}}}')::float8" for axis in (0, 1))
            return f"{self._schema}.ST_MakePoint({x}, {y})"
        return f"(j.d ->> 'place')::{self._schema}.geometry"

    def _own(self, made: str) -> str:
        """In the layer's SRID."""
        srid, own = self.srid or 0, self.layer.srid or 0
        if self.format is FileFormat.CSV and not self.is_pair:
            # WKT may say its SRID itself.
            placed = f"{self._schema}.ST_SetSRID({made}, coalesce(nullif({self._schema}.ST_SRID({made}), 0), {srid or own}))"
        else:
            placed = f"{self._schema}.ST_SetSRID({made}, {srid or own})"
            if srid in (0, own):
                return placed
        return f"{self._schema}.ST_Transform({placed}, {own})" if own else placed


def insertion(arrival: Arrival, columns: Sequence[ImportedColumn], source: str = _SENT) -> str:
    """The INSERT; `source` gives the documents as `d`."""
    name = arrival.layer.name
    names = ", ".join(quoted(one) for one in (*(column.name for column in columns), name.column))
    values = ",\n       ".join((*(_value(column, arrival.format) for column in columns), arrival.expression))
    table = f"{quoted(name.schema)}.{quoted(name.table)}"
    return f"INSERT INTO {table} ({names})\nSELECT {values}\nFROM ({source}) AS j"


def one_by_one(arrival: Arrival, columns: Sequence[ImportedColumn]) -> str:
    """Writes each row that can be written, and says of each other why not."""
    insert = insertion(arrival, columns, "SELECT r.document::jsonb AS d OFFSET 0")
    body = f"""
DECLARE
    r record;
    more text;
BEGIN
    FOR r IN SELECT number, document FROM {ROWS} ORDER BY number LOOP
        BEGIN
            {insert};
            IF NOT FOUND THEN
                INSERT INTO {REFUSED} VALUES (r.number, 'a trigger or a rule of the table leaves it out');
            END IF;
        EXCEPTION
            WHEN insufficient_privilege OR undefined_table OR undefined_column OR lock_not_available
                OR transaction_rollback OR insufficient_resources OR system_error THEN
                RAISE;  -- no row is to blame
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS more = PG_EXCEPTION_DETAIL;
                INSERT INTO {REFUSED} VALUES (r.number, left(concat_ws(': ', SQLERRM, nullif(more, '')), 500));
        END;
    END LOOP;
END"""  # noqa: S608
    return f"DO {literal(body)}"


def _value(column: ImportedColumn, format_: FileFormat) -> str:
    """The column's value of a document `j.d`."""
    key = literal(column.name)
    text = f"(j.d -> 'properties' ->> {key})::{column.type}"
    made = text
    if format_ is FileFormat.GEOJSON:
        value = f"(j.d -> 'properties' -> {key})"
        if column.is_json:
            made = f"nullif({value}, 'null')::{column.type}"
        elif column.is_array:
            items = f"SELECT a.item FROM jsonb_array_elements_text({value}) WITH ORDINALITY AS a (item, n) ORDER BY a.n"  # noqa: S608
            made = (
                f"CASE jsonb_typeof({value}) WHEN 'array' THEN ARRAY({items})::{column.type} ELSE {text} END"
            )
    return made if column.usual is None else f"coalesce({made}, {column.usual})"
