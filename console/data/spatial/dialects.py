"""How one layer is asked in SQL: what of PostGIS or of PostgreSQL's own points stands for a bounds test, for x and y.

Every expression is about a row of the layer's relation under the alias `o`. Names of PostGIS are written without a
schema: whoever asks has `search_path` lead to them (see `search_path`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from console.data.identifiers import in_quotes
from console.errors import OperationRefused
from console.models.layers import GeometryKind, Layer, LayerName


def search_path(postgis_schema: str | None) -> str:
    """What `search_path` has to be, so that nobody's function of the same name is called instead."""
    return "pg_catalog" if postgis_schema is None else f"pg_catalog, {in_quotes(postgis_schema)}"


def relation(name: LayerName) -> str:
    """The layer's table or view, quoted."""
    return f"{in_quotes(name.schema)}.{in_quotes(name.table)}"


class Dialect(Protocol):
    """One layer, seen in the SRID of a view."""

    @property
    def column(self) -> str:
        """The column itself."""

    @property
    def geometry(self) -> str:
        """The geometry as PostGIS's in the view's SRID; of PostgreSQL's points the column."""

    @property
    def x(self) -> str:
        """x of a point, of anything else of the middle of its bounds, in the view's SRID."""

    @property
    def y(self) -> str:
        """Likewise y."""

    def within(self, first: int) -> str:
        """A test that an index answers: touches the envelope of the parameters `$first` to `$first + 3`.

        They are west, south, east, north in the view's SRID.
        """


@dataclass(frozen=True, slots=True)
class PostgisDialect:
    """PostGIS's geometry or geography."""

    layer: Layer
    view_srid: int | None

    @property
    def _srid(self) -> int:
        return self.layer.srid or 0

    @property
    def _transforms(self) -> bool:
        return self.view_srid is not None and self.view_srid != self._srid

    @property
    def column(self) -> str:
        return f"o.{in_quotes(self.layer.name.column)}"

    @property
    def _plane(self) -> str:
        is_geography = self.layer.kind is GeometryKind.GEOGRAPHY
        return f"{self.column}::geometry" if is_geography else self.column

    @property
    def geometry(self) -> str:
        return f"ST_Transform({self._plane}, {self.view_srid})" if self._transforms else self._plane

    @property
    def x(self) -> str:
        return f"ST_X({self.geometry})" if self.layer.is_points else self._middle("X")

    @property
    def y(self) -> str:
        return f"ST_Y({self.geometry})" if self.layer.is_points else self._middle("Y")

    def _middle(self, axis: str) -> str:
        return f"((ST_{axis}Min({self.geometry}) + ST_{axis}Max({self.geometry})) / 2)"

    def _parameter(self, number: int) -> str:
        return f"${number}::float8"

    def within(self, first: int) -> str:
        corners = ", ".join(self._parameter(first + offset) for offset in range(4))
        envelope = self._from_view(f"ST_MakeEnvelope({corners}, {self._view_or_own})")
        if self.layer.kind is GeometryKind.GEOGRAPHY:
            # A geography's bounds are a box around a piece of the globe: more than the envelope.
            return f"({self.column} && ({envelope})::geography AND {self._plane} && {envelope})"
        return f"{self.column} && {envelope}"

    @property
    def _view_or_own(self) -> int:
        return self._srid if self.view_srid is None else self.view_srid

    def _from_view(self, expression: str) -> str:
        return f"ST_Transform({expression}, {self._srid})" if self._transforms else expression


@dataclass(frozen=True, slots=True)
class PointDialect:
    """PostgreSQL's own points, which have no SRID."""

    layer: Layer

    @property
    def column(self) -> str:
        return f"o.{in_quotes(self.layer.name.column)}"

    @property
    def geometry(self) -> str:
        return self.column

    @property
    def x(self) -> str:
        return f"{self.column}[0]"

    @property
    def y(self) -> str:
        return f"{self.column}[1]"

    def within(self, first: int) -> str:
        west, south, east, north = (f"${number}::float8" for number in range(first, first + 4))
        return f"{self.column} <@ box(point({west}, {south}), point({east}, {north}))"


def dialect(layer: Layer, view_srid: int | None) -> Dialect:
    """How the layer is asked, seen in that SRID; None is the layer's own.

    Raises `OperationRefused` where one of the two has an SRID and the other none: nobody knows where on the map it is.
    """
    if view_srid is not None and layer.srid != view_srid and (not layer.srid or not view_srid):
        raise OperationRefused(
            f"{layer.name} has no SRID, and the map is in SRID {view_srid}: look at it by itself."
            if not layer.srid
            else f"{layer.name} is in SRID {layer.srid}, and the map has none: look at it by itself."
        )
    if layer.kind is GeometryKind.POINT:
        return PointDialect(layer)
    return PostgisDialect(layer, view_srid)
