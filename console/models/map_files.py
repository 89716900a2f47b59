"""Objects of a map in files: what is written into one, and what of one is to be written into a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from console.models.layers import EVERYTHING, Layer, LayerFilter
from console.models.map_objects import ObjectKey
from console.models.map_view import Envelope
from console.models.operation import Operation


def number_of(count: int, noun: str) -> str:
    """`1 object`, `1,204 objects`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class FileFormat(Enum):
    """How objects are written down."""

    GEOJSON = "geojson"
    """RFC 7946: longitudes and latitudes of EPSG:4326, borders counterclockwise."""
    CSV = "csv"
    """Every column as text, the geometry as WKT."""
    DXF = "dxf"
    """A drawing of AutoCAD R12: the geometry alone, with labels."""

    @property
    def suffix(self) -> str:
        """Of a file's name, with its dot."""
        return f".{self.value}"


@dataclass(frozen=True, slots=True)
class Extract:
    """Objects of one layer that are to be written into a file: all, unless something less is said."""

    layer: Layer
    envelope: Envelope | None = None
    """Only what touches it."""
    envelope_srid: int | None = None
    """What the envelope is in; None is the layer's own."""
    keys: tuple[ObjectKey, ...] = ()
    """Only these."""
    only: LayerFilter = EVERYTHING
    srid: int | None = None
    """What it is written in; None is the layer's own. GeoJSON is always in 4326."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing a file."""

    objects: int
    notes: tuple[str, ...]
    """What a person should know of what is in it, a sentence each."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of a file that is not written into the layer."""

    number: int
    """Of the feature or of the line, from 1 on."""
    reason: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """All rows of a file that are refused."""

    unit: str
    """What they are counted in: "feature" or "line"."""
    count: int = 0
    first: Sequence[Refusal] = ()
    """Some of them, in the order of the file."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each that is named, and how many more there are."""
        said = [f"{self.unit} {one.number:,}: {one.reason}" for one in self.first]
        more = self.count - len(said)
        return (*said, f"and {more:,} more") if more else tuple(said)


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What a person has decided of an import."""

    srid: int | None = None
    """What the coordinates are in; None is what the file says, else what is usual for it."""
    flip: bool | None = None
    """Whether the second of two coordinates is the one to the east; None is not said, and doubts are asked about."""
    skip_refused: bool = False
    """Whether what can be written is written although other rows are refused."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file brings into a layer: its operation is what a person confirms."""

    layer: Layer
    path: Path
    format: FileFormat
    size: int
    """Bytes of the file when it was read."""
    modified: int
    """When it had been written then, in nanoseconds."""
    rows: int
    """That can be sent."""
    refusals: Refusals
    """Rows that cannot."""
    statement: str
    """What inserts rows that were sent."""
    one_by_one: str
    """What does so where some are refused."""
    choices: ImportChoices
    operation: Operation


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    rows: int
    refusals: Refusals

    @property
    def sentence(self) -> str:
        """For the person and for the audit file."""
        refused = f", {number_of(self.refusals.count, 'row')} refused" if self.refusals.count else ""
        return f"{number_of(self.rows, 'object')} imported{refused}."
