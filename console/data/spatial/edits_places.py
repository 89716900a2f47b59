"""Where objects are and are moved to, as SQL with PostGIS's names qualified, or with PostgreSQL's own points."""

from __future__ import annotations

from dataclasses import dataclass

from console.data.identifiers import quoted
from console.data.spatial.edits_statements import Part, number
from console.models.layers import GeometryKind, Layer
from console.models.map_edits import EditedTable, Expression


@dataclass(frozen=True, slots=True)
class Places:
    """The geometry of one layer, seen in the SRID of a view; its column is named without a table."""

    layer: Layer
    table: EditedTable
    view_srid: int | None

    @property
    def column(self) -> str:
        """The layer's column."""
        return quoted(self.layer.name.column)

    @property
    def is_core(self) -> bool:
        """Whether it is PostgreSQL's own point."""
        return self.layer.kind is GeometryKind.POINT

    def here(self, column: str | None = None) -> tuple[str, str, str, str]:
        """Of the column, or of another of its type: x, y, the shape, and whether x and y are all that there is."""
        column = column or self.column
        if self.is_core:
            return f"{column}[0]", f"{column}[1]", f"CASE WHEN {column} IS NOT NULL THEN 'POINT' END", "true"
        own = self._plane(column)
        seen = f"{self._schema}.ST_Transform({own}, {self.view_srid})" if self._transforms else own
        x, y = (
            f"({self._schema}.ST_{axis}Min({seen}) + {self._schema}.ST_{axis}Max({seen})) / 2"
            for axis in "XY"
        )
        return x, y, f"{self._schema}.GeometryType({own})", f"{self._schema}.ST_NDims({own}) = 2"

    def point(self, x: float, y: float, *, is_known: bool) -> Expression:
        """A point there, as the column takes it; `is_known` says that there is a geometry, whose SRID it has to keep."""
        if self.is_core:
            return Expression(("point(", number(x), ", ", number(y), ")"))
        made: tuple[Part, ...] = (f"{self._schema}.ST_MakePoint(", number(x), ", ", number(y), ")")
        own = f"{self._schema}.ST_SRID({self._plane(self.column)})" if is_known else None
        if srid := self.view_srid or self.layer.srid or own:
            made = (f"{self._schema}.ST_SetSRID(", *made, f", {srid})")
        return Expression(self._kept(made))

    def moved(self, dx: float, dy: float) -> Expression:
        """The column's geometry, moved by so much in the units of the view; all else of it stays."""
        if self.is_core:
            return Expression((f"{self.column} + point(", number(dx), ", ", number(dy), ")"))
        seen = self._plane(self.column)
        if self._transforms:
            seen = f"{self._schema}.ST_Transform({seen}, {self.view_srid})"
        return Expression(
            self._kept((f"{self._schema}.ST_Translate({seen}, ", number(dx), ", ", number(dy), ")"))
        )

    @property
    def _schema(self) -> str:
        """PostGIS's, quoted: that of the column's type."""
        return self.table.types[self.layer.name.column].rpartition(".")[0]

    @property
    def _transforms(self) -> bool:
        return bool(self.view_srid) and self.view_srid != self.layer.srid

    @property
    def _is_geography(self) -> bool:
        return self.layer.kind is GeometryKind.GEOGRAPHY

    def _plane(self, column: str) -> str:
        return f"{column}::{self._schema}.geometry" if self._is_geography else column

    def _kept(self, seen: tuple[Part, ...]) -> tuple[Part, ...]:
        """From the view's SRID into the column's."""
        if self._transforms:
            seen = (f"{self._schema}.ST_Transform(", *seen, f", {self.layer.srid})")
        return (*seen, f"::{self._schema}.geography") if self._is_geography else seen
