"""Density pyramids: counts of a layer's objects at every scale, made once so that every later picture costs the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.layers import Layer, LayerName
from console.models.map_view import Envelope
from console.models.operation import Operation


class PyramidPlace(Enum):
    """Where a pyramid is kept."""

    DATABASE = "in the database"
    """In a table of the schema `dbconsole`, until it is dropped."""
    HERE = "in the console"
    """In this process's memory, until it ends."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """What was counted, and when."""

    layer: LayerName
    place: PyramidPlace
    built_at: datetime
    rows: int
    """Objects that it counts."""
    left_out: int
    """Rows without a place: NULL, empty, or a coordinate that is no finite number."""
    extent: Envelope | None
    """What lies within it; None where nothing was counted."""
    levels: int
    """From 16 × 16 cells to the finest, each with cells half as wide as the one before."""
    size: int
    """Bytes, with the index."""
    changes: int | None
    """Rows inserted, updated and deleted since, as the server counts; None where it does not, or began anew."""

    @property
    def is_stale(self) -> bool:
        """Whether so much has changed since that the picture may differ: more than one row in a hundred."""
        return self.changes is not None and self.changes * 100 > self.rows


@dataclass(frozen=True, slots=True)
class PyramidProgress:
    """How far one that is being built is."""

    share: float
    """0 to 1."""
    doing: str
    """In words: "reading the table"."""


@dataclass(frozen=True, slots=True)
class PyramidState:
    """What there is for a layer now."""

    pyramid: Pyramid | None
    """The one that pictures are taken from."""
    progress: PyramidProgress | None
    """Of one that this console builds now; the one before serves meanwhile."""


@dataclass(frozen=True, slots=True)
class PyramidPlan:
    """Building, refreshing or dropping the pyramid of a layer in the database, for a person to confirm."""

    layer: Layer
    operation: Operation
    tiles: str
    """The table that is made or dropped, in the schema `dbconsole`."""
    replaces: str | None = None
    """The table of the pyramid that is there and will be dropped for the new one."""
    makes: tuple[str, ...] = ()
    """The statements that make the schema and its table of pyramids, where they are not there yet."""
    postgis_schema: str | None = None
