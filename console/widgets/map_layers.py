"""Layers of a map put together as the cells of a terminal.

Each shows its single objects while they can be told apart: as glyphs, as dots, and at last as density. Dots stay where
they are whatever it costs to send them, only their colours give way.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from console.models.map_view import Frame
from console.models.pictures import Outlines, Picture
from console.widgets.map_cells import (
    AFFORDABLE,
    ALWAYS_AFFORDABLE,
    COLOURS,
    GLYPHS,
    KINDS,
    OTHER,
    UNKNOWN,
    Cells,
    DrawnLayer,
    Look,
    carried,
    sent_bytes,
)
from console.widgets.map_density import Shading, rungs
from console.widgets.map_raster import (
    SQUARE,
    Dots,
    Indexes,
    braille,
    commonest,
    counts_at,
    density_in_squares,
    density_points,
    in_squares,
    line_dots,
    path_sizes,
    point_dots,
)
from console.widgets.map_scale import DOTS_ACROSS, DOTS_DOWN

FULL = 0.46
"""The share of the cells from which on dots are drawn as density: more of them say less, and cost more."""
SMALL = (4.0, 8.0, 16.0)
"""Dots below which lines and borders are drawn as points, one after the other until the cells are not full."""
CROWDED = 3.0
"""Points in one dot from which on dots are drawn as density."""
ALONE = 1 / 24
"""Points for each cell up to which each is drawn with its layer's glyph."""


class _Seen(NamedTuple):
    """Dots, as places on the frame's grid, with their colours."""

    at: Indexes
    kind: NDArray[np.int8]

    def with_more(self, other: _Seen) -> _Seen:
        """These and the others."""
        return _Seen(np.concatenate((self.at, other.at)), np.concatenate((self.kind, other.kind)))


_NOTHING = _Seen(np.empty(0, np.intp), np.empty(0, np.int8))


class _Marks(NamedTuple):
    """Dots and single glyphs of one layer."""

    patterns: NDArray[np.uint8]
    glyphs: NDArray[np.uint32]
    """0 where there is none."""
    colour: NDArray[np.int8]
    """Of each cell; -1 where nothing is."""


def compose(frame: Frame, layers: Sequence[DrawnLayer], look: Look) -> Cells:
    """The layers in a frame of whole cells, the last one on top."""
    shape = frame.rows // DOTS_DOWN, frame.columns // DOTS_ACROSS
    shadings: list[Shading] = []
    marks: list[_Marks] = []
    for layer in layers:
        points, lines = _seen(frame, layer, shadings)
        if len(points.at) or len(lines.at):
            # Without colours only glyphs tell objects of several kinds apart.
            by_glyph = look is Look.GLYPHS and (len(layers) > 1 or layer.picture.categories != ())
            marks.append(_drawn(frame, shape, layer, points, lines, by_glyph=by_glyph))
    over = _together(marks, shape)
    budget = max(AFFORDABLE * shape[0] * shape[1], ALWAYS_AFFORDABLE)
    best, least = None, inf
    for cells in rungs(shadings, shape, look):
        for layer in layers:
            _leave_open(frame, layer.picture.frame, cells)
        found = _laid(over, cells)
        if (cost := sent_bytes(found, look)) < least:
            best, least = found, cost
        if least <= budget:
            break
    assert best is not None
    for length in (2, 4):
        if least > budget:
            best = best._replace(ink=np.where(over.colour >= 0, _in_runs(over.colour, length), best.ink))
            least = sent_bytes(best, look)
    return best._replace(ink=carried(best))


def _seen(frame: Frame, layer: DrawnLayer, shadings: list[Shading]) -> tuple[_Seen, _Seen]:
    """The points and the lines of a layer; adds to `shadings` what is density."""
    picture = layer.picture
    points, lines = _NOTHING, _NOTHING
    if picture.points is not None:
        found = point_dots(frame, picture.points.x, picture.points.y)
        points = _Seen(found.at, _kinds(layer, picture.points.category, found.of))
    if picture.density is not None:
        dots = _sparse(frame, picture)
        if dots is None:
            counts = density_in_squares(picture.density, picture.frame, frame)
            shadings.append(Shading(counts, np.full(counts.shape, layer.colour, np.int8)))
        else:
            points = points.with_more(_Seen(dots.at, _kinds(layer, None, dots.of)))
    if picture.outlines is not None and len(picture.outlines.starts):
        lines, small = _lines(frame, layer, picture.outlines)
        points = points.with_more(small)
    if _is_crowded(frame, points.at):
        squares = in_squares(counts_at(frame, points.at))
        colour = commonest(_square_of(frame, points.at), points.kind, squares.size, KINDS)
        shadings.append(Shading(squares, colour.reshape(squares.shape)))
        points = _NOTHING
    return points, lines


def _lines(frame: Frame, layer: DrawnLayer, outlines: Outlines) -> tuple[_Seen, _Seen]:
    """Lines and borders, and the points that stand for those which are too small where there are too many."""
    found = line_dots(frame, outlines)
    kind = _kinds(layer, outlines.category, outlines.owner)
    is_small = np.zeros(len(kind), bool)
    sizes, x, y = path_sizes(frame, outlines)
    for least in SMALL:
        if _filled(frame, found.at) <= FULL:
            break
        is_small = sizes < least
        is_large = ~is_small[found.of]
        found = Dots(found.at[is_large], found.of[is_large])
    small = np.flatnonzero(is_small)
    points = point_dots(frame, x[small], y[small])
    return _Seen(found.at, kind[found.of]), _Seen(points.at, kind[small[points.of]])


def _kinds(layer: DrawnLayer, category: NDArray[np.int8] | None, of: Indexes) -> NDArray[np.int8]:
    """The colours of a layer's objects."""
    if category is None:
        return np.full(len(of), layer.colour, np.int8)
    kinds = category[of]
    return np.where((kinds >= 0) & (kinds < COLOURS), kinds, OTHER).astype(np.int8)


def _sparse(frame: Frame, picture: Picture) -> Dots | None:
    """The places of a density as dots, where it knows them as well as a dot does and they are few."""
    assert picture.density is not None
    size = picture.frame.columns * picture.frame.view.scale / picture.density.counts.shape[1]
    if size > 1.01 * frame.view.scale:
        return None
    filled = picture.density.counts > 0
    if picture.density.counts.sum() > CROWDED * np.count_nonzero(filled):
        return None
    dots = point_dots(frame, *density_points(picture.density, picture.frame))
    return None if _is_crowded(frame, dots.at) else dots


def _is_crowded(frame: Frame, at: Indexes) -> bool:
    """Whether single dots say less than their density."""
    if len(at) <= ALONE * _cells(frame):
        return False
    dots = np.zeros(frame.rows * frame.columns, bool)
    dots[at] = True
    return len(at) > CROWDED * int(np.count_nonzero(dots)) or _filled(frame, at) > FULL


def _filled(frame: Frame, at: Indexes) -> float:
    """The share of the cells that have any of these dots."""
    cells = np.zeros(_cells(frame), bool)
    cells[_cell_of(frame, at)] = True
    return np.count_nonzero(cells) / cells.size


def _cells(frame: Frame) -> int:
    return (frame.rows // DOTS_DOWN) * (frame.columns // DOTS_ACROSS)


def _cell_of(frame: Frame, at: Indexes) -> Indexes:
    row, column = np.divmod(at, frame.columns)
    cell: Indexes = (row // DOTS_DOWN) * (frame.columns // DOTS_ACROSS) + column // DOTS_ACROSS
    return cell


def _square_of(frame: Frame, at: Indexes) -> Indexes:
    row, column = np.divmod(at, frame.columns)
    square: Indexes = (row // SQUARE) * (frame.columns // SQUARE) + column // SQUARE
    return square


def _drawn(
    frame: Frame, shape: tuple[int, int], layer: DrawnLayer, points: _Seen, lines: _Seen, *, by_glyph: bool
) -> _Marks:
    """Points by a glyph where each has a cell for itself, or everywhere; all else as dots."""
    size = _cells(frame)
    together = points.with_more(lines)
    colour = commonest(_cell_of(frame, together.at), together.kind, size, KINDS)
    cells = _cell_of(frame, points.at)
    is_alone = np.full(len(cells), by_glyph)
    if len(cells) <= ALONE * size:
        is_alone |= np.bincount(cells, minlength=size)[cells] == 1
    signs = GLYPHS if layer.picture.categories else layer.glyph * KINDS
    own = cells[is_alone]
    glyphs = np.zeros(size, np.uint32)
    glyphs[own] = np.array([ord(sign) for sign in signs], np.uint32)[colour[own]]
    dots = np.zeros(frame.rows * frame.columns, bool)
    dots[points.at[~is_alone]] = True
    dots[lines.at] = True
    patterns = braille(dots.reshape(frame.rows, frame.columns))
    return _Marks(patterns, glyphs.reshape(shape), colour.reshape(shape))


def _leave_open(frame: Frame, known: Frame, cells: Cells) -> None:
    """Sets a faint pattern where a picture that was taken elsewhere says nothing yet."""
    rows, columns = cells.glyphs.shape
    envelope = known.envelope
    left, top = frame.dot(envelope.west, envelope.north)
    right, bottom = frame.dot(envelope.east, envelope.south)
    row, column = np.arange(rows)[:, None], np.arange(columns)[None, :]
    is_known = (
        (row >= round(top / DOTS_DOWN))
        & (row < round(bottom / DOTS_DOWN))
        & (column >= round(left / DOTS_ACROSS))
        & (column < round(right / DOTS_ACROSS))
    )
    pattern = (row % 2 == 0) & ((column + 4 * (row % 4 == 0)) % 8 == 0)
    open_ = pattern & ~is_known & (cells.glyphs == ord(" ")) & (cells.ground == 0)
    cells.glyphs[open_] = ord(UNKNOWN)
    cells.ink[open_] = OTHER


def _together(marks: Sequence[_Marks], shape: tuple[int, int]) -> _Marks:
    """The dots of all layers, in the colour of the topmost."""
    together = _Marks(np.zeros(shape, np.uint8), np.zeros(shape, np.uint32), np.full(shape, -1, np.int8))
    for one in marks:
        here = one.colour >= 0
        together.patterns[here] |= one.patterns[here]
        together.colour[here] = one.colour[here]
        # What lies over a glyph hides it, for one cannot be joined to dots.
        together.glyphs[here] = one.glyphs[here]
    return together


def _laid(over: _Marks, cells: Cells) -> Cells:
    """Dots and glyphs over density."""
    here = over.colour >= 0
    signs = np.where(over.glyphs > 0, over.glyphs, 0x2800 + over.patterns.astype(np.uint32))
    return cells._replace(
        glyphs=np.where(here, signs, cells.glyphs),
        ink=np.where(here, over.colour, cells.ink).astype(np.int16),
    )


def _in_runs(colour: NDArray[np.int8], length: int) -> NDArray[np.int8]:
    """Every stretch of a line, of so many cells, in the colour that it has most of."""
    rows, columns = colour.shape
    length = min(length, columns)
    across = -(-columns // length)
    stretch = np.arange(rows)[:, None] * across + (np.arange(columns) // length)[None, :]
    known = colour >= 0
    found = commonest(stretch[known], colour[known], rows * across, KINDS)
    result: NDArray[np.int8] = found[stretch]
    return result
