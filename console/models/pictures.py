"""What a layer shows in a frame: how many objects are in each dot, or the objects themselves.

Arrays are NumPy's; nothing of the console imports this module before a map is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from console.models.layers import LayerName
from console.models.map_objects import ObjectKey
from console.models.map_view import Frame


class Source(Enum):
    """Where a picture comes from, from the roughest to the truth."""

    STATISTICS = "statistics"
    """The planner's histogram, as of the last ANALYZE."""
    SAMPLE = "sample"
    """Some of the rows, scaled up."""
    PYRAMID = "pyramid"
    """Counts that were made before, in the database or here; `as_of` says when."""
    EXACT = "exact"
    """All rows, as they were when it was taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """How many objects there are in each cell of a grid that covers a frame."""

    counts: NDArray[np.float32]
    """Shape (rows, columns), the northernmost row first. It may be coarser than the frame's dots."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Single points, in the units of the frame's view."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    keys: tuple[ObjectKey, ...] = ()
    """One for each point; empty where they cannot be told apart."""
    category: NDArray[np.int8] | None = None
    """Indexes into the picture's categories, -1 for any other value; None where nothing is told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Lines and borders, cut to the frame and made as simple as its dots allow."""

    vertices: NDArray[np.float64]
    """Of all paths one after another, shape (vertices, 2), in the units of the frame's view.

    A border ends where it began.
    """
    starts: NDArray[np.intp]
    """For each path where it begins in `vertices`; it ends where the next one begins."""
    owner: NDArray[np.intp]
    """For each path the index of its object in `keys` and `category`."""
    keys: tuple[ObjectKey, ...] = ()
    category: NDArray[np.int8] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One step of showing a layer in a frame: whatever there is of it is drawn."""

    layer: LayerName
    frame: Frame
    source: Source
    count: int | None
    """Objects in the frame; None where not even an estimate is there."""
    count_is_exact: bool
    is_final: bool
    """Whether no better one follows by itself."""
    density: Density | None = None
    points: Points | None = None
    outlines: Outlines | None = None
    categories: tuple[str, ...] = ()
    """Values of the attribute that colours tell apart, the commonest first."""
    as_of: datetime | None = None
    """When what it comes from was made, for statistics and pyramids."""
    notes: tuple[str, ...] = field(default=())
    """What a person should know of it, a sentence each: why it is no better, what is left out."""
