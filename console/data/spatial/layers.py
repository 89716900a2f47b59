"""Which layers a database has, and where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import asyncpg

from console.data.identifiers import quoted
from console.data.spatial.context import SpatialContext
from console.data.spatial.extents import Extents
from console.data.spatial.rows import STORED, index_statement
from console.errors import ObjectMissing, QueryDenied
from console.models.health import Vitals
from console.models.layers import (
    Attribute,
    GeometryKind,
    Layer,
    LayerName,
    RelationKind,
    SpatialSnapshot,
)
from console.models.map_view import Envelope

_RELATIONS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW,
    "f": RelationKind.FOREIGN,
}
_SHAPES = (
    "GEOMETRY",
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "CIRCULARSTRING",
    "COMPOUNDCURVE",
    "CURVEPOLYGON",
    "MULTICURVE",
    "MULTISURFACE",
    "POLYHEDRALSURFACE",
    "TRIANGLE",
    "TIN",
)
"""In the order of PostGIS's numbers."""
_WGS_84 = 4326
_ON_THE_GLOBE = range(4001, 5000)
"""Where nearly all of EPSG's systems with degrees are."""
KEPT_SECONDS = 10.0
"""How long what was found is taken for what there is: a map is sampled far more often than tables are made."""
_FEW_ROWS = 10_000
"""That are shown without statistics just as fast."""


class Layers:
    """The columns with geometry of one database."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context
        self._extents = Extents(context.line)
        self._postgis_schema: str | None = None
        self._geographic: dict[int, bool] = {}
        self._kept: SpatialSnapshot | None = None
        self._read_at = 0.0

    async def sample(self, vitals: Vitals | None = None) -> SpatialSnapshot:
        """The layers as they are now, or were up to `KEPT_SECONDS` ago.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        clock = self._context.clock
        if self._kept is None or clock.monotonic() - self._read_at >= KEPT_SECONDS:
            self._kept = await self._read()
            self._read_at = clock.monotonic()
        return replace(self._kept, at=clock.now(), vitals=vitals)

    async def _read(self) -> SpatialSnapshot:
        found = await self._context.server.fetch("map_layers")
        postgis, postgis_schema = found[0]["postgis"], found[0]["postgis_schema"]
        if postgis_schema != self._postgis_schema:
            self._postgis_schema = postgis_schema
            self._geographic.clear()
            # It finds PostGIS where it was when it was opened.
            await self._context.line.close()
        rows = [row for row in found if row["name"] is not None]
        await self._find_out_units({srid for row in rows if (srid := _srid(row)) is not None})
        layers = tuple(self._layer(row) for row in rows)
        notes = tuple(self._notes(rows, layers) if rows else _without_layers(found[0]))
        return SpatialSnapshot(self._context.clock.now(), layers, postgis, postgis_schema, notes)

    async def extent(self, layer: Layer, srid: int | None) -> Envelope | None:
        """About where a layer is, in the SRID of a view; None where there is nothing. It takes milliseconds.

        Raises `OperationRefused` where the view is in another SRID that the layer has nothing to do with, and as
        `MapLine.fetch`.
        """
        return await self._extents.of(layer, srid)

    async def _find_out_units(self, srids: set[int]) -> None:
        """Has `_geographic` know whether these are on the globe."""
        asked = sorted(srids - self._geographic.keys())
        if not asked or self._postgis_schema is None:
            return
        try:
            found = await self._context.server.fetch(
                "map_systems", asked, identifiers={"schema": self._postgis_schema}
            )
            globes = {row["srid"] for row in found}
        except (QueryDenied, ObjectMissing):
            globes = set(_ON_THE_GLOBE)
        self._geographic |= {srid: srid in globes for srid in asked}

    def _layer(self, row: asyncpg.Record) -> Layer:
        kind = GeometryKind(row["kind"])
        srid = _srid(row)
        return Layer(
            name=LayerName(row["schema"], row["name"], row["column"]),
            kind=kind,
            shape=_shape(row),
            srid=srid,
            is_geographic=kind is GeometryKind.GEOGRAPHY or self._geographic.get(srid or 0, False),
            relation=_RELATIONS[row["relkind"]],
            rows=row["rows"],
            size=row["size"],
            has_index=row["has_index"],
            is_analysed=row["is_analysed"],
            may_read=row["may_use_schema"] and row["may_read_column"],
            may_write=row["may_use_schema"] and row["may_write"],
            key=tuple(row["key"]),
            attributes=tuple(map(Attribute, row["names"], row["types"])),
        )

    def _notes(self, rows: Sequence[asyncpg.Record], layers: Sequence[Layer]) -> Iterator[str]:
        """What is missing, one sentence of a kind with the statement for its first layer."""
        hidden = [(row, layer) for row, layer in zip(rows, layers, strict=True) if not layer.may_read]
        if hidden:
            yield f"This role may not read {_named(hidden)}; this lets it: {self._grant(*hidden[0])};"
        large = [
            (row, layer)
            for row, layer in zip(rows, layers, strict=True)
            if layer.may_read
            and layer.relation in STORED
            and (layer.rows is None or layer.rows > _FEW_ROWS)
            and layer.size
        ]
        if bare := [(row, layer) for row, layer in large if not layer.has_index]:
            yield f"There is no index on {_named(bare)}, which makes it slow: {index_statement(bare[0][1])};"
        if unknown := [(row, layer) for row, layer in large if not layer.is_analysed]:
            yield f"There are no statistics of {_named(unknown)}: ANALYZE {_quoted(unknown[0][1])};"

    def _grant(self, row: asyncpg.Record, layer: Layer) -> str:
        capabilities = self._context.server.capabilities
        role = quoted(capabilities.role if capabilities else self._context.server.target.user)
        grants = []
        if not row["may_use_schema"]:
            grants.append(f"GRANT USAGE ON SCHEMA {quoted(layer.name.schema)} TO {role}")
        if not row["may_read_column"]:
            grants.append(f"GRANT SELECT ON {_quoted(layer)} TO {role}")
        return "; ".join(grants)


def _without_layers(row: asyncpg.Record) -> Iterator[str]:
    """How a database without a layer comes to have one."""
    if row["postgis"] is not None:
        return
    if row["may_have_postgis"]:
        yield "There is no PostGIS in this database; this adds its types: CREATE EXTENSION postgis;"
    else:
        yield (
            "PostGIS is not installed on the server; once its package is, this adds its types to the database: "
            "CREATE EXTENSION postgis;"
        )


def _named(found: Sequence[tuple[asyncpg.Record, Layer]]) -> str:
    """The first two by name, and how many more there are."""
    names = [str(layer.name) for _, layer in found[:2]]
    if len(found) > 2:
        return f"{', '.join(names)} and {len(found) - 2} more"
    return " and ".join(names)


def _quoted(layer: Layer) -> str:
    return f"{quoted(layer.name.schema)}.{quoted(layer.name.table)}"


def _srid(row: asyncpg.Record) -> int | None:
    """As PostGIS has it in a column's modifier or a CHECK; a geography is on WGS 84 unless that says otherwise."""
    modifier: int = row["modifier"]
    if row["kind"] == GeometryKind.POINT.value:
        return None
    if modifier < 0:
        return _WGS_84 if row["kind"] == GeometryKind.GEOGRAPHY.value else row["checked_srid"] or None
    return (modifier & 0x0FFFFF00) >> 8 or None


def _shape(row: asyncpg.Record) -> str:
    """Likewise what the column takes."""
    modifier: int = row["modifier"]
    if row["kind"] == GeometryKind.POINT.value:
        return "POINT"
    return _SHAPES[(modifier & 0xFC) >> 2] if modifier >= 0 else row["checked_shape"] or _SHAPES[0]
