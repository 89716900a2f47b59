"""A pyramid in the console's own memory: the sorted numbers of the cells that the objects are in, four bytes for each.

In Morton's order a cell of any level is one stretch of the sorted numbers, so that they are all levels at once. Of the
coarse levels, where a frame would be made of millions of numbers, the counts are kept as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import dialect, relation, search_path
from console.data.spatial.pyramids_building import IS_PLACE, found_places
from console.data.spatial.pyramids_grid import (
    TILE_LEVELS,
    PyramidDensity,
    Square,
    in_dots,
    morton,
    morton_places,
)
from console.errors import OperationRefused
from console.models.layers import Layer
from console.models.map_view import Envelope, Frame
from console.models.pyramids import PyramidProgress

FINEST = 16
"""The square has 65,536 × 65,536 cells."""
_COUNTED = 9
"""Of this level and of the coarser ones the counts are kept."""
_BLOCK = 6
"""At finer levels a frame is put together of blocks with 64 × 64 cells."""
MOST_ROWS = 12_000_000
"""With 48 MB for these the console stays within 150 MB."""
_ROW = np.dtype([("columns", ">i2"), ("length", ">i4"), ("cell", ">u4")])
"""A row of a binary COPY with one integer."""
_HEADER = 19
_AT_ONCE = 1 << 18
"""Bytes that are gathered before they are taken apart."""
_SIGN = np.uint32(1 << 31)
_BLOCK_COLUMNS, _BLOCK_ROWS = morton_places(_BLOCK)

_LIMITS = "SELECT set_config('statement_timeout', '0', true), set_config('search_path', $1, true)"


@dataclass(frozen=True, slots=True, eq=False)
class PyramidHere:
    """The counts of one layer, as they were when it was read."""

    square: Square
    extent: Envelope | None
    built_at: datetime
    left_out: int
    changes: int | None
    """What the server had counted of the table's changes before."""
    numbers: NDArray[np.uint32]
    """Sorted, one for each object."""
    counted: dict[int, NDArray[np.uint32]]
    """By level; the southernmost row first."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.numbers.nbytes + sum(counts.nbytes for counts in self.counted.values())

    def density(self, frame: Frame) -> PyramidDensity:
        """The counts of a frame in the SRID of the layer."""
        square = self.square
        level = square.level(frame, FINEST)
        window = square.window(frame, level)
        if window.is_empty:
            nothing = np.zeros((frame.rows, frame.columns), np.float32)
            return PyramidDensity(nothing, 0, self.built_at, True)
        if level in self.counted:
            column, row = window.column, window.row
            shown = self.counted[level][row : window.end_row, column : window.end_column]
            cells = shown.astype(np.float64)
        else:
            blocks = window.blocks(_BLOCK)
            column, row = blocks.column << _BLOCK, blocks.row << _BLOCK
            shape = (blocks.end_row - blocks.row) << _BLOCK, (blocks.end_column - blocks.column) << _BLOCK
            cells = np.zeros(shape)
            columns, rows = blocks.places()
            numbers = morton(columns, rows)
            for x, y, number in zip(columns.tolist(), rows.tolist(), numbers.tolist(), strict=True):
                left, low = (x << _BLOCK) - column, (y << _BLOCK) - row
                cells[low + _BLOCK_ROWS, left + _BLOCK_COLUMNS] = self._block(number, level)
        dots = in_dots(cells, column, row, level, square, frame)
        is_sharp = square.cell(level) <= frame.view.scale * 1.001
        return PyramidDensity(dots, round(float(dots.sum(dtype=np.float64))), self.built_at, is_sharp)

    def _block(self, block: int, level: int) -> NDArray[np.intp]:
        """How many objects are in each cell of a block, in the order of the cells' numbers."""
        below = 2 * (FINEST - level)
        bits = below + 2 * _BLOCK
        # A comparison with numbers of another type would convert the whole array.
        first, last = (np.uint32(block << bits), np.uint32(((block + 1) << bits) - 1))
        begin = np.searchsorted(self.numbers, first, "left")
        end = np.searchsorted(self.numbers, last, "right")
        cells = (self.numbers[begin:end] >> np.uint32(below)) & np.uint32((1 << 2 * _BLOCK) - 1)
        return np.bincount(cells, minlength=1 << 2 * _BLOCK)


async def count_here(
    context: SpatialContext,
    layer: Layer,
    postgis_schema: str | None,
    changes: int | None,
    tell: Callable[[PyramidProgress], None],
) -> PyramidHere:
    """Reads the whole table, twice: for where its places are, and for the places.

    Raises `OperationRefused` where there are too many rows or no connection is left, and as `Server.visit`.
    """
    asked = dialect(layer, None)
    # Without OFFSET the server would work out x and y again for every use that is made of them.
    source = f"(SELECT {asked.x} AS x, {asked.y} AS y FROM {relation(layer.name)} AS o OFFSET 0) AS places"  # noqa: S608
    doing = "looking how far it reaches"
    tell(PyramidProgress(0.0, doing))
    async with (
        context.server.visit() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.fetch(_LIMITS, search_path(postgis_schema))
        built_at = await connection.fetchval("SELECT now()")
        found = await connection.fetchrow(found_places(source))
        assert found is not None, "an aggregate gives one row"
        rows = found["rows"]
        if rows > MOST_ROWS:
            raise OperationRefused(
                f"{layer.name} has {rows:,} objects, and the console keeps at most {MOST_ROWS:,} in its memory: "
                "build the pyramid in the database."
            )
        sides = [found[side] for side in ("west", "south", "east", "north")]
        extent = Envelope(*sides) if rows else None
        square = Square.around(extent or Envelope(0, 0, 0, 0))
        reading = _Reading(rows, tell)
        await connection.copy_from_query(_numbered(source, square), output=reading.take, format="binary")
    counted = await asyncio.to_thread(_counted, reading.numbers)
    return PyramidHere(square, extent, built_at, found["all_rows"] - rows, changes, reading.numbers, counted)


def _numbered(source: str, square: Square) -> str:
    """Row and column of every place as one integer with a sign."""
    per_unit = (1 << FINEST) / square.side
    column, row = (
        f"least(floor(({axis} - '{begin!r}'::float8) * '{per_unit!r}'::float8), {(1 << FINEST) - 1})::int8"
        for axis, begin in (("x", square.west), ("y", square.south))
    )
    return f"SELECT (({row} << {FINEST} | {column}) - 2147483648)::int4 FROM {source} WHERE {IS_PLACE}"  # noqa: S608


class _Reading:
    """Takes rows as the server sends them."""

    def __init__(self, rows: int, tell: Callable[[PyramidProgress], None]) -> None:
        self.numbers = np.empty(rows, np.uint32)
        self._tell = tell
        self._taken = 0
        self._received = bytearray()
        self._begin = _HEADER

    async def take(self, data: bytes) -> None:
        """A part of what is sent; the last one is short of `_AT_ONCE`, or all."""
        self._received += data
        missing = (len(self.numbers) - self._taken) * _ROW.itemsize
        if len(self._received) - self._begin < min(_AT_ONCE, missing):
            return
        count = min(len(self._received) - self._begin, missing) // _ROW.itemsize
        places = np.frombuffer(self._received, _ROW, count, self._begin)["cell"].astype(np.uint32) ^ _SIGN
        del self._received[: self._begin + count * _ROW.itemsize]
        self._begin = 0
        columns, rows = (places & 0xFFFF).astype(np.int64), (places >> FINEST).astype(np.int64)
        self.numbers[self._taken : self._taken + count] = morton(columns, rows)
        self._taken += count
        self._tell(PyramidProgress(0.3 + 0.65 * self._taken / max(1, len(self.numbers)), "reading the table"))


def _counted(numbers: NDArray[np.uint32]) -> dict[int, NDArray[np.uint32]]:
    """Sorts the numbers; the counts of the coarse levels."""
    numbers.sort()
    firsts = np.arange(1 << 2 * _COUNTED, dtype=np.uint32) << np.uint32(2 * (FINEST - _COUNTED))
    begins = np.append(np.searchsorted(numbers, firsts), len(numbers))
    columns, rows = morton_places(_COUNTED)
    counts = np.zeros((1 << _COUNTED, 1 << _COUNTED), np.uint32)
    counts[rows, columns] = np.diff(begins)
    counted = {_COUNTED: counts}
    for level in range(_COUNTED - 1, TILE_LEVELS - 1, -1):
        size = 1 << level
        counts = counts.reshape(size, 2, size, 2).sum(axis=(1, 3), dtype=np.uint32)
        counted[level] = counts
    return counted
