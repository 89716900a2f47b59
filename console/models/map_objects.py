"""Objects on a map, the constraints between them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from console.models.layers import LayerName
from console.models.map_view import Envelope

ObjectKey: TypeAlias = tuple[str, ...]
"""The values of the layer's `key`, as text."""


@dataclass(frozen=True, slots=True)
class MapObject:
    """An object in a line: what a list and the cursor name."""

    layer: LayerName
    key: ObjectKey
    label: str
    """Its name, else its id."""
    category: str | None
    """The value of the attribute that colours tell apart, where there is one."""
    x: float | None
    """Of the object itself or of a point on it, in the units of the view; None for empty geometry."""
    y: float | None
    distance: float | None = None
    """From where it was looked for: metres for geographic SRIDs, else units of the view."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many objects there are."""

    number: int
    is_exact: bool
    """False for the planner's estimate."""

    def __str__(self) -> str:
        return f"{self.number:,}" if self.is_exact else f"about {self.number:,}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A row of `arxos_cad.constraints`, with what does not hold of it."""

    constraint_id: str
    constraint_type: str
    status: str
    object_ids: tuple[str, ...]
    parameters: Any
    project: str | None
    missing: tuple[str, ...]
    """Ids of objects that do not exist."""
    foreign: tuple[str, ...]
    """Ids of objects of another project."""
    extent: Envelope | None
    """Around its objects, in the units of the view that asked."""
    span: float | None
    """The largest distance between two of its objects, metres for geographic SRIDs; None for fewer than two."""
    problems: tuple[str, ...]
    """What is wrong, a sentence each; empty for a valid one."""


@dataclass(frozen=True, slots=True)
class ObjectDetail:
    """One object in full."""

    layer: LayerName
    key: ObjectKey
    label: str
    attributes: Mapping[str, Any]
    """Every column but the geometry; JSON is Python's objects."""
    geometry: str | None
    """Its WKT, cut after some thousand characters; None for NULL."""
    shape: str | None
    vertices: int | None
    length: float | None
    """Of a line, or around a polygon: metres for geographic SRIDs, else units."""
    area: float | None
    """Square metres for geographic SRIDs, else square units."""
    extent: Envelope | None
    """In the units of the view that asked."""
    project: str | None = None
    constraints: tuple[Constraint, ...] = ()
    neighbours: tuple[MapObject, ...] = ()
    """The nearest others, the nearest first."""
    notes: tuple[str, ...] = ()
    """What could not be found out, a sentence each."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Along points that a person set."""

    distance: float
    """Metres for geographic SRIDs, on the spheroid; else units."""
    area: float | None
    """Within them, square metres or square units; None for fewer than three."""
    is_geodesic: bool


class Flaw(Enum):
    """Kinds of what can be wrong with a layer."""

    INVALID = "invalid geometry"
    NULL = "no geometry"
    EMPTY = "empty geometry"
    NOT_FINITE = "coordinates that are no numbers"
    OUT_OF_BOUNDS = "outside the bounds of the SRID"
    MIXED_SRID = "more than one SRID"
    DUPLICATE = "several at one place"
    NO_INDEX = "no index"
    NOT_ANALYSED = "no statistics"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found in a layer."""

    flaw: Flaw
    count: int
    """Of objects that have it; 1 for what a layer as a whole lacks, 0 where nothing was found."""
    is_more: bool
    """Whether there may be more: it ended there, or did not look at everything."""
    sentence: str
    examples: tuple[MapObject, ...] = ()
    remedy: str | None = None
    """The statement that mends it, for a person to run."""
