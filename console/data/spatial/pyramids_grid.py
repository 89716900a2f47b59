"""The square that a pyramid divides again and again, the order of its cells, and its counts as a frame's dots.

At the level L the square has 2^L × 2^L cells. They are numbered in Morton's order, which keeps the four parts of a
cell together: the number of the cell that a cell is part of is its own one without the last two bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from console.models.map_view import Envelope, Frame

TILE_LEVELS = 4
"""A tile has 16 × 16 cells: those of a cell four levels above."""
TILE = 1 << TILE_LEVELS

_SPREADING = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


@dataclass(frozen=True, slots=True, eq=False)
class PyramidDensity:
    """What a pyramid says of a frame."""

    counts: NDArray[np.float32]
    """For each dot, the northernmost row first."""
    count: int
    """Objects in the frame; those of a cell that its border cuts by their share of the area."""
    as_of: datetime
    is_sharp: bool
    """Whether nearly all cells are at most as large as a dot: where not, looking at the objects shows more."""


@dataclass(frozen=True, slots=True)
class Square:
    """What a pyramid covers."""

    west: float
    south: float
    side: float

    @classmethod
    def around(cls, extent: Envelope) -> Square:
        """The smallest that holds it with some room at its borders; of a single point one that can still be divided."""
        least = max(abs(extent.west), abs(extent.south), abs(extent.east), abs(extent.north), 1.0) * 1e-6
        side = max(extent.width, extent.height, least) * (1 + 1e-9)
        return cls(extent.west, extent.south, side)

    def cell(self, level: int) -> float:
        """The width of a cell, in units of the SRID."""
        return self.side / (1 << level)

    def level(self, frame: Frame, finest: int) -> int:
        """The first one whose cells are not larger than the frame's dots, else the finest."""
        wanted = ceil(log2(self.side / frame.view.scale) - 1e-9)
        return min(max(wanted, TILE_LEVELS), finest)

    def window(self, frame: Frame, level: int) -> Window:
        """The cells that the frame shows some of."""
        envelope, cell, most = frame.envelope, self.cell(level), 1 << level

        def within(value: float) -> int:
            return int(min(max(value, 0), most))

        return Window(
            within(floor((envelope.west - self.west) / cell)),
            within(floor((envelope.south - self.south) / cell)),
            within(ceil((envelope.east - self.west) / cell)),
            within(ceil((envelope.north - self.south) / cell)),
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of cells: from the first column and row to those after the last."""

    column: int
    row: int
    end_column: int
    end_row: int

    @property
    def is_empty(self) -> bool:
        """Whether there is no cell in it."""
        return self.column >= self.end_column or self.row >= self.end_row

    def blocks(self, levels: int) -> Window:
        """The cells so many levels above that hold these."""
        size = 1 << levels
        return Window(
            self.column >> levels,
            self.row >> levels,
            (self.end_column + size - 1) >> levels,
            (self.end_row + size - 1) >> levels,
        )

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The column and the row of every cell in it."""
        columns, rows = np.meshgrid(
            np.arange(self.column, self.end_column, dtype=np.int64),
            np.arange(self.row, self.end_row, dtype=np.int64),
        )
        return columns.ravel(), rows.ravel()


def spread(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers below 2^31 with a zero bit put before each of their bits."""
    for shift, mask in _SPREADING:
        values = (values | (values << shift)) & mask
    return values


def morton(columns: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of cells."""
    return spread(columns) | (spread(rows) << 1)


def morton_places(levels: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The column and the row of every number of so many levels, in their order."""
    numbers = np.arange(1 << (2 * levels))
    columns, rows = np.zeros_like(numbers), np.zeros_like(numbers)
    for bit in range(levels):
        columns |= ((numbers >> (2 * bit)) & 1) << bit
        rows |= ((numbers >> (2 * bit + 1)) & 1) << bit
    return columns, rows


def in_dots(
    cells: NDArray[np.float64], column: int, row: int, level: int, square: Square, frame: Frame
) -> NDArray[np.float32]:
    """Counts of cells, the southernmost row first, beginning at that column and row, as counts of the frame's dots.

    A cell that lies in several dots is divided among them by area, so that sums stay what they are.
    """
    envelope, cell = frame.envelope, square.cell(level)
    step = frame.view.scale / cell
    first_column = (envelope.west - square.west) / cell - column
    first_row = (envelope.south - square.south) / cell - row
    across = _summed(cells, first_column + step * np.arange(frame.columns + 1), axis=1)
    both = _summed(across, first_row + step * np.arange(frame.rows + 1), axis=0)
    return both[::-1].astype(np.float32)


def _summed(cells: NDArray[np.float64], edges: NDArray[np.floating[Any]], axis: int) -> NDArray[np.float64]:
    """What lies between each two neighbouring edges along an axis."""
    size = cells.shape[axis]
    # In sixteenths of a cell all sums are exact, and no dot has a trace of what lies beside it.
    edges = np.round(np.clip(edges, 0, size) * 16) / 16
    before = np.minimum(edges.astype(np.intp), size - 1)
    share = (edges - before).reshape((-1, 1) if axis == 0 else (1, -1))
    sums = np.cumsum(cells, axis=axis)
    values = sums.take(before, axis) - cells.take(before, axis) * (1 - share)
    return np.diff(values, axis=axis)
