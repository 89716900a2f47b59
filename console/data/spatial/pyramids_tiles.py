"""Reading the tiles of a pyramid in the database: those that a frame shows, each asked for once.

A tile holds its cells that are not empty as big-endian integers: the number of the cell in the last eight bits, the
count before them, in four bytes or, at coarse levels of very large tables, in eight. Its `code` is its number among
the tiles of its level behind a bit that tells the level. Beyond the level `COMPLETE` a tile with no more objects than
`MOST_IN_LEAF` is a leaf: what it holds is on no finer level.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from console.data.identifiers import in_quotes
from console.data.spatial.line import MapLine
from console.data.spatial.pyramids_grid import (
    TILE,
    TILE_LEVELS,
    PyramidDensity,
    Square,
    Window,
    in_dots,
    morton,
    morton_places,
)
from console.models.map_view import Frame

COMPLETE = 12
"""Up to this level, with 4,096 × 4,096 cells, there is a tile wherever there is an object."""
MOST_IN_LEAF = 256
"""Objects of a tile that is divided no further: as many as it has cells."""
_BLURRED = 0.05
"""The share of the objects in a frame that may be somewhat beside their dots in a picture that is good enough."""
_MOST_KEPT = 6000
"""Tiles kept, of at most 2 kB each and most of them much smaller; a frame has some 800."""
_CELL_COLUMNS, _CELL_ROWS = morton_places(TILE_LEVELS)


def tiles_table(tiles: str) -> str:
    """A pyramid's table, quoted."""
    return f"dbconsole.{in_quotes(tiles)}"


@dataclass(frozen=True, slots=True)
class StoredPyramid:
    """How the tiles of one are to be read."""

    tiles: str
    """Their table in the schema `dbconsole`."""
    square: Square
    finest: int
    """Its last level."""
    wide: int
    """Counts of this level and of those above have eight bytes."""
    built_at: datetime


class _Tiles:
    """The tiles of one level that lie in a window."""

    def __init__(self, level: int, window: Window) -> None:
        self.level = level
        self.columns, self.rows = window.places()
        codes = morton(self.columns, self.rows) | (1 << 2 * (level - TILE_LEVELS))
        self.codes: list[int] = codes.tolist()


class _Shown:
    """What of a pyramid a frame shows."""

    def __init__(self, pyramid: StoredPyramid, frame: Frame) -> None:
        self.level = pyramid.square.level(frame, pyramid.finest)
        self.window = pyramid.square.window(frame, self.level)
        self.blocks = self.window.blocks(TILE_LEVELS)
        self.tiles = _Tiles(self.level, self.blocks)
        self.above = [
            _Tiles(higher, self.window.blocks(TILE_LEVELS + self.level - higher))
            for higher in range(COMPLETE, self.level)
        ]
        """Those that may hold, as leaves, what is on no level as fine as this one."""


class TileReader:
    """Takes pictures from stored pyramids, and keeps the tiles that were shown last."""

    def __init__(self, line: MapLine) -> None:
        self._line = line
        self._kept: OrderedDict[tuple[str, int], bytes | None] = OrderedDict()

    async def fetch(self, pyramid: StoredPyramid, frame: Frame) -> None:
        """Has the tiles at hand for when the frame is asked for. Raises as `density`."""
        await self._fetch(pyramid, _Shown(pyramid, frame))

    async def density(self, pyramid: StoredPyramid, frame: Frame) -> PyramidDensity:
        """The counts of a frame in the SRID of the pyramid.

        Raises `ObjectMissing` where the tiles are not there any more, and as `MapLine.fetch`.
        """
        square, shown = pyramid.square, _Shown(pyramid, frame)
        window, level = shown.window, shown.level
        if window.is_empty:
            nothing = np.zeros((frame.rows, frame.columns), np.float32)
            return PyramidDensity(nothing, 0, pyramid.built_at, True)
        await self._fetch(pyramid, shown)
        west, south = shown.blocks.column * TILE, shown.blocks.row * TILE
        cells = np.zeros((shown.blocks.end_row * TILE - south, shown.blocks.end_column * TILE - west))
        if (found := self._cells(pyramid, shown.tiles)) is not None:
            columns, rows, counts = found
            cells[rows - south, columns - west] = counts
        coarse = 0
        for leaves in shown.above:
            if (found := self._cells(pyramid, leaves, are_leaves=True)) is None:
                continue
            # Each count goes to the middle of its cell: these are few objects, of which a person expects a dot each.
            columns, rows, counts = found
            levels = level - leaves.level
            columns = (columns << levels) + (1 << levels - 1) - west
            rows = (rows << levels) + (1 << levels - 1) - south
            inside = (columns >= 0) & (columns < cells.shape[1]) & (rows >= 0) & (rows < cells.shape[0])
            np.add.at(cells, (rows[inside], columns[inside]), counts[inside])
            coarse += int(counts[inside].sum())
        seen = cells[
            window.row - south : window.end_row - south, window.column - west : window.end_column - west
        ]
        dots = in_dots(seen, window.column, window.row, level, square, frame)
        count = round(float(dots.sum(dtype=np.float64)))
        is_sharp = square.cell(level) <= frame.view.scale * 1.001 and coarse <= count * _BLURRED
        return PyramidDensity(dots, count, pyramid.built_at, is_sharp)

    def forget(self, tiles: str) -> None:
        """Lets go of what was kept of a table."""
        for key in [key for key in self._kept if key[0] == tiles]:
            del self._kept[key]

    async def _fetch(self, pyramid: StoredPyramid, shown: _Shown) -> None:
        """Has all of them in what is kept. A tile above is kept under minus its code, as nothing unless it is a leaf."""
        wanted = [*shown.tiles.codes, *(-code for higher in shown.above for code in higher.codes)]
        missing = []
        for code in wanted:
            if (key := (pyramid.tiles, code)) in self._kept:
                self._kept.move_to_end(key)
            else:
                missing.append(code)
        if not missing:
            return
        # The codes of a level are above those of all coarser ones. A UNION of the two questions would be worth two
        # parallel workers to the server, whose start takes longer than the rest.
        first = 1 << 2 * (shown.level - TILE_LEVELS)
        found = await self._line.fetch(
            f"SELECT code, cells FROM {tiles_table(pyramid.tiles)}"  # noqa: S608
            " WHERE code = ANY ($1::int8[]) AND (code >= $2::int8 OR NOT is_divided)",
            [abs(code) for code in missing],
            first,
        )
        for code in missing:
            self._kept[pyramid.tiles, code] = None
        for row in found:
            code = row["code"]
            self._kept[pyramid.tiles, code if code >= first else -code] = row["cells"]
        most = max(_MOST_KEPT, len(wanted))
        while len(self._kept) > most:
            self._kept.popitem(last=False)

    def _cells(
        self, pyramid: StoredPyramid, tiles: _Tiles, *, are_leaves: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None:
        """Column, row and count of every cell that is not empty, counted from the corner of the square; None for none."""
        sign = -1 if are_leaves else 1
        kept = [self._kept[pyramid.tiles, sign * code] or b"" for code in tiles.codes]
        if not (joined := b"".join(kept)):
            return None
        width = 8 if tiles.level <= pyramid.wide else 4
        entries = np.frombuffer(joined, f">i{width}").astype(np.int64)
        tile = np.repeat(np.arange(len(kept)), [len(cells) // width for cells in kept])
        cell = entries & (TILE * TILE - 1)
        columns = tiles.columns[tile] * TILE + _CELL_COLUMNS[cell]
        rows = tiles.rows[tile] * TILE + _CELL_ROWS[cell]
        return columns, rows, entries >> 2 * TILE_LEVELS
