"""Layers of a map: the columns of a database that say where something is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.health import Vitals


class GeometryKind(Enum):
    """What kind of column it is."""

    GEOMETRY = "geometry"
    """PostGIS's, on a plane."""
    GEOGRAPHY = "geography"
    """PostGIS's, on the globe."""
    POINT = "point"
    """PostgreSQL's own: two numbers, without an SRID."""


class RelationKind(Enum):
    """What the column belongs to."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"


@dataclass(frozen=True, slots=True)
class LayerName:
    """Names a layer within its database."""

    schema: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column beside the geometry."""

    name: str
    type: str
    """As `format_type` writes it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One column with geometry, and what there is around it."""

    name: LayerName
    kind: GeometryKind
    shape: str
    """PostGIS's word in capitals: POINT, MULTIPOLYGON, GEOMETRY for any."""
    srid: int | None
    """None where it is unknown: 0 in PostGIS, and always for PostgreSQL's own points."""
    is_geographic: bool
    """Whether its units are degrees."""
    relation: RelationKind
    rows: int | None
    """The planner's estimate; None where nothing was ever counted."""
    size: int
    """Bytes of the table without its indexes."""
    has_index: bool
    """Whether a valid GiST or SP-GiST index on the column answers what is within an envelope."""
    is_analysed: bool
    """Whether there are statistics of the column."""
    may_read: bool
    may_write: bool
    key: tuple[str, ...]
    """The columns of the primary key; `("ctid",)` for a table without one, empty where rows cannot be told apart."""
    attributes: tuple[Attribute, ...]

    @property
    def is_cad(self) -> bool:
        """Whether these are the platform's CAD objects, with names, types, projects and constraints."""
        return (self.name.schema, self.name.table, self.name.column) == ("arxos_cad", "objects", "geometry")

    @property
    def is_points(self) -> bool:
        """Whether there is nothing but single points in it."""
        return self.shape == "POINT"


@dataclass(frozen=True, slots=True)
class SpatialSnapshot:
    """Which layers a database has, and what is wrong with that."""

    at: datetime
    layers: tuple[Layer, ...]
    postgis: str | None
    """PostGIS's version, None where there is none."""
    postgis_schema: str | None
    notes: tuple[str, ...]
    """What is missing and what would help, a sentence each."""
    vitals: Vitals | None = None

    @property
    def default(self) -> Layer | None:
        """The layer to begin with: the platform's objects, else the largest that can be read."""
        readable = [layer for layer in self.layers if layer.may_read]
        return next(
            (layer for layer in readable if layer.is_cad),
            max(readable, key=lambda layer: layer.size, default=None),
        )


@dataclass(frozen=True, slots=True)
class LayerFilter:
    """Which objects of a layer are shown; all of it has to hold."""

    words: str = ""
    """Text in the name, without regard to case."""
    equal: Mapping[str, str] | None = None
    """Columns with the value they have to have, as text: `{"object_type": "door"}`."""
    json_path: str | None = None
    """An SQL/JSON path that `properties` has to match: `$.floor ? (@ > 3)`."""

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not (self.words or self.equal or self.json_path)


EVERYTHING = LayerFilter()
