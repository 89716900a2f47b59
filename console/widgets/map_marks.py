"""What lies over a map: the cursor, what is chosen, a rectangle or a line that is being drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np

from console.models.map_view import Envelope, Frame
from console.models.pictures import Outlines
from console.widgets.map_cells import HALF, SHADES, UNKNOWN, Cells
from console.widgets.map_raster import braille, line_dots
from console.widgets.map_scale import DOTS_ACROSS, DOTS_DOWN

CHOSEN, CURSOR, DRAWN = 50, 51, 52
"""Inks of what is chosen, of the cell under the cursor, and of lines that are being drawn."""

Place = tuple[float, float]
"""x and y in the units of the view."""

CHOSEN_GLYPH, CORNER_GLYPH, CROSS = "◆", "○", "┼"


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the marks are."""

    cursor: Place | None = None
    chosen: Sequence[Place] = field(default=())
    rectangle: Envelope | None = None
    path: Sequence[Place] = field(default=())
    """The corners of a line that is measured or drawn."""


NO_MARKS = Marks()


def cell_at(frame: Frame, place: Place) -> tuple[int, int] | None:
    """The column and the row of the cell that a place is in, None outside of the frame."""
    across, down = frame.dot(*place)
    if not (0 <= across < frame.columns and 0 <= down < frame.rows):
        return None
    return int(across) // DOTS_ACROSS, int(down) // DOTS_DOWN


def with_marks(cells: Cells, frame: Frame, marks: Marks) -> Cells:
    """The cells with the marks over them."""
    if marks == NO_MARKS:
        return cells
    cells = cells._replace(glyphs=cells.glyphs.copy(), ink=cells.ink.copy(), ground=cells.ground.copy())
    if len(marks.path) > 1:
        _draw_path(cells, frame, marks.path)
    if marks.rectangle is not None:
        _draw_rectangle(cells, frame, marks.rectangle)
    _set(cells, frame, marks.path, CORNER_GLYPH, DRAWN)
    _set(cells, frame, marks.chosen, CHOSEN_GLYPH, CHOSEN)
    if marks.cursor is not None and (at := cell_at(frame, marks.cursor)) is not None:
        _draw_cursor(cells, *at)
    return cells


def _set(cells: Cells, frame: Frame, places: Iterable[Place], glyph: str, ink: int) -> None:
    for place in places:
        if (at := cell_at(frame, place)) is not None:
            column, row = at
            cells.glyphs[row, column] = ord(glyph)
            cells.ink[row, column] = ink


def _draw_path(cells: Cells, frame: Frame, path: Sequence[Place]) -> None:
    vertices, starts = np.array(path, np.float64), np.zeros(1, np.intp)
    dots = np.zeros(frame.rows * frame.columns, bool)
    dots[line_dots(frame, Outlines(vertices, starts, starts)).at] = True
    patterns = braille(dots.reshape(frame.rows, frame.columns))
    here = patterns > 0
    below = np.where((cells.glyphs & ~np.uint32(0xFF)) == 0x2800, cells.glyphs & np.uint32(0xFF), 0)
    cells.glyphs[here] = (0x2800 + (patterns | below.astype(np.uint8)).astype(np.uint32))[here]
    cells.ink[here] = DRAWN


def _draw_rectangle(cells: Cells, frame: Frame, rectangle: Envelope) -> None:
    left, top = frame.dot(rectangle.west, rectangle.north)
    right, bottom = frame.dot(rectangle.east, rectangle.south)
    height, width = cells.glyphs.shape
    columns = _between(left / DOTS_ACROSS, right / DOTS_ACROSS, width)
    rows = _between(top / DOTS_DOWN, bottom / DOTS_DOWN, height)
    for row in rows:
        _fill(cells, [row], range(columns[0] + 1, columns[1]), "─")
    for column in columns:
        _fill(cells, range(rows[0] + 1, rows[1]), [column], "│")
    for row, glyphs in zip(rows, ("┌┐", "└┘"), strict=True):
        for column, glyph in zip(columns, glyphs, strict=True):
            _fill(cells, [row], [column], glyph)


def _between(low: float, high: float, size: int) -> tuple[int, int]:
    """The first and the last cell of a stretch; -1 and `size` for what is outside."""
    first = floor(round(min(max(low, -1), size), 6))
    last = ceil(round(min(max(high, 0), size + 1), 6)) - 1
    return first, max(first, last)


def _fill(cells: Cells, rows: Sequence[int], columns: Sequence[int], glyph: str) -> None:
    """Sets the glyph where the rows and the columns meet on the screen."""
    height, width = cells.glyphs.shape
    at = np.ix_(
        [row for row in rows if 0 <= row < height], [column for column in columns if 0 <= column < width]
    )
    cells.glyphs[at] = ord(glyph)
    cells.ink[at] = DRAWN


def _draw_cursor(cells: Cells, column: int, row: int) -> None:
    """The cell itself shows what is in it; four arms, which hide nothing, lead to it."""
    height, width = cells.glyphs.shape
    for right, down, glyph in ((-2, 0, "─"), (2, 0, "─"), (0, -1, "│"), (0, 1, "│")):
        x, y = column + right, row + down
        if 0 <= x < width and 0 <= y < height and _is_bare(cells, x, y):
            cells.glyphs[y, x] = ord(glyph)
            cells.ink[y, x] = DRAWN
    if _is_bare(cells, column, row):
        cells.glyphs[row, column] = ord(CROSS)
    cells.ink[row, column] = CURSOR


def _is_bare(cells: Cells, column: int, row: int) -> bool:
    """Whether there is nothing but density."""
    return bool(cells.ink[row, column] >= HALF or chr(cells.glyphs[row, column]) in (*SHADES, UNKNOWN))
