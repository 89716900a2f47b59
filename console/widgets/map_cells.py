"""Layers of a map put together as the cells of a terminal: a glyph, its colour and the colour behind it for each.

A full screen of noise in true colour is 150 KB, which a line over the world takes seconds for: what is drawn is made
smoother, in steps, until it is cheap enough. Dots stay where they are whatever it costs, only their colours give way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from console.models.map_view import Frame
from console.models.pictures import Picture
from console.widgets.map_raster import (
    NO_DOTS,
    SQUARE,
    Dots,
    Indexes,
    Ramp,
    braille,
    commonest,
    counts_at,
    density_in_squares,
    density_points,
    in_squares,
    line_dots,
    point_dots,
    ramp,
    smoothed,
    stepped,
)
from console.widgets.map_scale import DOTS_ACROSS, DOTS_DOWN

COLOURS = 6
"""Colours that tell layers or categories apart."""
OTHER = COLOURS
"""The colour of what belongs to no category."""
PLAIN = COLOURS + 1
"""The colour of what belongs to no layer."""
KINDS = COLOURS + 1

GLYPHS = "●■▲○□△·"
"""What a single object is drawn as, for each colour; the last is for what belongs to no category."""

STEPS = 6
"""Of density in colours."""
SHADES = " .░▒▓█"
"""Steps of density where there are too few colours for them."""
UPPER_HALF, LOWER_HALF = "▀▄"
UNKNOWN = "·"


class Look(Enum):
    """What tells things apart on this terminal."""

    COLOURS = "colours"
    FEW_COLOURS = "the sixteen colours, without steps between them"
    GLYPHS = "no colours"


_PEN_BYTES = {Look.COLOURS: 11, Look.FEW_COLOURS: 5, Look.GLYPHS: 0}
"""What another colour costs."""
_GLYPH_BYTES = 3
AFFORDABLE = 1.6
"""Bytes for each cell of the map: 8 kB at 120×40."""

FULL = 0.5
"""The share of the cells from which on dots are drawn as density: more of them say less."""
CROWDED = 3.0
"""Points in one dot from which on dots are drawn as density."""
ALONE = 1 / 24
"""Points for each cell up to which each is drawn with its layer's glyph."""


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """What is known of a layer, and how it is told from others."""

    picture: Picture
    colour: int
    """From 0 to `COLOURS` - 1."""
    glyph: str
    is_visible: bool = True


class Cells(NamedTuple):
    """Cells of a terminal, arrays of shape (rows, columns)."""

    glyphs: NDArray[np.uint32]
    """Code points."""
    ink: NDArray[np.int16]
    """A colour, `OTHER` or `PLAIN`; for the upper half of a half block a background."""
    ground: NDArray[np.int16]
    """0 for none, else see `ground_of`."""
    ramp: Ramp | None
    """What the steps of the density say, where there is one."""


HALF = 100
"""Added to a background where it is the ink of a half block."""


def ground_of(colour: int, step: int) -> int:
    """The background of a colour's density."""
    return 1 + colour * STEPS + step - 1


def colour_and_step(ground: int) -> tuple[int, int]:
    """The colour and the step, from 1, of a background."""
    return (ground - 1) // STEPS, (ground - 1) % STEPS + 1


class _Shading(NamedTuple):
    """Density of one layer in squares."""

    counts: NDArray[np.float32]
    colour: NDArray[np.int8]


class _Marks(NamedTuple):
    """Dots and single glyphs of one layer."""

    patterns: NDArray[np.uint8]
    glyphs: NDArray[np.uint32]
    """0 where there is none."""
    colour: NDArray[np.int8]
    """Of each cell; -1 where nothing is."""


def compose(frame: Frame, layers: Sequence[DrawnLayer], look: Look) -> Cells:
    """The visible layers in a frame of whole cells, the last one on top."""
    shape = frame.rows // DOTS_DOWN, frame.columns // DOTS_ACROSS
    shadings: list[_Shading] = []
    marks: list[_Marks] = []
    for layer in layers:
        if layer.is_visible:
            _place(frame, shape, layer, look, shadings, marks)
    budget = int(AFFORDABLE * shape[0] * shape[1])
    cells = _shaded(shadings, shape, look, budget)
    _unknown(frame, [layer.picture.frame for layer in layers if layer.is_visible], cells)
    cells = _marked(cells, marks, look, budget)
    return cells._replace(ink=carried(cells))


def _place(
    frame: Frame,
    shape: tuple[int, int],
    layer: DrawnLayer,
    look: Look,
    shadings: list[_Shading],
    marks: list[_Marks],
) -> None:
    """Adds what a layer has to show to one of the lists."""
    picture = layer.picture
    lines, points, kinds = _dots(frame, layer)
    if picture.density is not None:
        dots = _sparse(frame, picture)
        if dots is None:
            counts = density_in_squares(picture.density, picture.frame, frame)
            shadings.append(_Shading(counts, np.full(counts.shape, layer.colour, np.int8)))
        else:
            points, kinds = dots, np.full(len(dots.at), layer.colour, np.int8)
    if len(points.at) and _is_crowded(frame, shape, points):
        squares = in_squares(counts_at(frame, points.at))
        place = _square_of(frame, points.at)
        colour = commonest(place, kinds[: len(points.at)], squares.size, KINDS).reshape(squares.shape)
        shadings.append(_Shading(squares, colour))
        points, kinds = NO_DOTS, kinds[len(points.at) :]
    if len(points.at) or len(lines.at):
        marks.append(_drawn(frame, shape, layer, look, points, lines, kinds))


def _dots(frame: Frame, layer: DrawnLayer) -> tuple[Dots, Dots, NDArray[np.int8]]:
    """The lines of a layer, its points, and the colours of the points and then of the lines."""
    picture = layer.picture
    points, lines = NO_DOTS, NO_DOTS
    kinds = []
    if picture.points is not None:
        points = point_dots(frame, picture.points.x, picture.points.y)
        kinds.append(_kinds(layer, picture.points.category, points.of))
    if picture.outlines is not None:
        lines = line_dots(frame, picture.outlines)
        kinds.append(_kinds(layer, picture.outlines.category, picture.outlines.owner[lines.of]))
    return lines, points, np.concatenate(kinds) if kinds else np.empty(0, np.int8)


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
    shape = frame.rows // DOTS_DOWN, frame.columns // DOTS_ACROSS
    dots = point_dots(frame, *density_points(picture.density, picture.frame))
    return None if _is_crowded(frame, shape, dots) else dots


def _is_crowded(frame: Frame, shape: tuple[int, int], points: Dots) -> bool:
    dots = np.zeros(frame.rows * frame.columns, bool)
    dots[points.at] = True
    in_cells = np.zeros(shape[0] * shape[1], bool)
    in_cells[_cell_of(frame, points.at)] = True
    return bool(
        np.count_nonzero(in_cells) > FULL * in_cells.size
        or len(points.at) > max(CROWDED * np.count_nonzero(dots), ALONE * in_cells.size)
    )


def _cell_of(frame: Frame, at: Indexes) -> Indexes:
    row, column = np.divmod(at, frame.columns)
    cell: Indexes = (row // DOTS_DOWN) * (frame.columns // DOTS_ACROSS) + column // DOTS_ACROSS
    return cell


def _square_of(frame: Frame, at: Indexes) -> Indexes:
    row, column = np.divmod(at, frame.columns)
    square: Indexes = (row // SQUARE) * (frame.columns // SQUARE) + column // SQUARE
    return square


def _drawn(
    frame: Frame,
    shape: tuple[int, int],
    layer: DrawnLayer,
    look: Look,
    points: Dots,
    lines: Dots,
    kinds: NDArray[np.int8],
) -> _Marks:
    size = shape[0] * shape[1]
    at = np.concatenate((points.at, lines.at))
    colour = commonest(_cell_of(frame, at), kinds, size, KINDS)
    dots = np.zeros(frame.rows * frame.columns, bool)
    glyphs = np.zeros(size, np.uint32)
    by_category = layer.picture.categories != ()
    cells = _cell_of(frame, points.at)
    if look is Look.GLYPHS and by_category:
        alone = np.ones(len(cells), bool)
    elif 0 < len(cells) <= ALONE * size:
        alone = np.bincount(cells, minlength=size)[cells] == 1
    else:
        alone = np.zeros(len(cells), bool)
    if alone.any():
        one_by_one = cells[alone]
        signs = np.array(
            [ord(glyph) for glyph in (GLYPHS if by_category else layer.glyph * KINDS)], np.uint32
        )
        glyphs[one_by_one] = signs[colour[one_by_one]]
    dots[points.at[~alone]] = True
    dots[lines.at] = True
    patterns = braille(dots.reshape(frame.rows, frame.columns))
    return _Marks(patterns, glyphs.reshape(shape), colour.reshape(shape))


# Putting together -----------------------------------------------------------------------------------------------------


def _shaded(shadings: Sequence[_Shading], shape: tuple[int, int], look: Look, budget: int) -> Cells:
    """Density, as fine as it may be for the budget."""
    if not shadings:
        blank, ink, ground = (
            np.full(shape, ord(" "), np.uint32),
            np.full(shape, PLAIN, np.int16),
            np.zeros(shape),
        )
        return Cells(blank, ink, ground.astype(np.int16), None)
    if look is not Look.COLOURS:
        return _textured(shadings, look, budget)
    for reach in (0, 1):
        cells = _coloured(shadings, reach)
        if sent_bytes(cells, look) <= budget:
            return cells
    return _textured(shadings, look, budget)


def _coloured(shadings: Sequence[_Shading], reach: int) -> Cells:
    """Half blocks in the steps of their layer's colour."""
    counts = [smoothed(one.counts, reach) for one in shadings]
    scale = ramp(np.concatenate([one.ravel() for one in counts]), STEPS)
    ground = np.zeros(counts[0].shape, np.int16)
    for values, shading in zip(counts, shadings, strict=True):
        steps = stepped(values, scale)
        colour = _spread(shading.colour, reach)
        shown = (steps > 0) & (colour >= 0)
        ground[shown] = (1 + colour * np.int16(STEPS) + steps - 1)[shown]
    upper, lower = ground[::2], ground[1::2]
    same, only_lower = upper == lower, upper == 0
    glyphs = np.where(same, ord(" "), np.where(only_lower, ord(LOWER_HALF), ord(UPPER_HALF)))
    ink = np.where(same, PLAIN, HALF + np.where(only_lower, lower, upper))
    behind = np.where(only_lower, 0, lower)
    return Cells(glyphs.astype(np.uint32), ink.astype(np.int16), behind.astype(np.int16), scale)


def _textured(shadings: Sequence[_Shading], look: Look, budget: int) -> Cells:
    """Patterns, which need no other pen for another step. The faintest is a third of the others: it is for most."""
    whole = [_in_cells(one) for one in shadings]
    together = np.concatenate([one.counts.ravel() for one in whole])
    signs = np.array([ord(shade) for shade in SHADES], np.uint32)
    for faint, reach in ((0.05, 0), (0.4, 0), (0.6, 1), (0.7, 1), (0.8, 2), (0.9, 4), (0.95, 8)):
        above = ramp(together, len(SHADES) - 2, faint)
        scale = Ramp(above.first / above.factor, above.factor, len(SHADES) - 1)
        steps = np.zeros(whole[0].counts.shape, np.int8)
        ink = np.full(steps.shape, PLAIN, np.int16)
        for one in whole:
            own, colour = stepped(one.counts, scale), _spread(one.colour, reach)
            shown = (own > 0) & (colour >= 0)
            steps[shown], ink[shown] = own[shown], colour[shown]
        cells = Cells(signs[steps], ink, np.zeros(steps.shape, np.int16), scale)
        if sent_bytes(cells, look) <= budget:
            break
    return cells


def _in_cells(shading: _Shading) -> _Shading:
    """Squares by twos, one above the other."""
    upper, lower = shading.counts[::2], shading.counts[1::2]
    return _Shading(upper + lower, np.where(upper >= lower, shading.colour[::2], shading.colour[1::2]))


def _spread(colour: NDArray[np.int8], reach: int) -> NDArray[np.int8]:
    """The colours that blocks of squares have most of, in all of the block."""
    if not reach:
        return colour
    side = 2 * reach + 1
    rows, columns = colour.shape
    across = -(-columns // side)
    block = (np.arange(rows) // side)[:, None] * across + (np.arange(columns) // side)[None, :]
    known = colour >= 0
    found = commonest(block[known], colour[known], -(-rows // side) * across, KINDS)
    result: NDArray[np.int8] = found[block]
    return result


def _unknown(frame: Frame, known: Sequence[Frame], cells: Cells) -> None:
    """A faint pattern where a picture that was taken elsewhere says nothing yet."""
    rows, columns = cells.glyphs.shape
    for other in known:
        envelope = other.envelope
        left, top = frame.dot(envelope.west, envelope.north)
        right, bottom = frame.dot(envelope.east, envelope.south)
        unknown = np.ones((rows, columns), bool)
        unknown[
            max(0, round(top / DOTS_DOWN)) : max(0, round(bottom / DOTS_DOWN)),
            max(0, round(left / DOTS_ACROSS)) : max(0, round(right / DOTS_ACROSS)),
        ] = False
        if not unknown.any():
            continue
        pattern = (np.arange(rows)[:, None] % 2 == 0) & (
            (np.arange(columns)[None, :] + 4 * (np.arange(rows)[:, None] % 4 == 0)) % 8 == 0
        )
        at = unknown & pattern & (cells.glyphs == ord(" ")) & (cells.ground == 0)
        cells.glyphs[at] = ord(UNKNOWN)
        cells.ink[at] = OTHER


def _marked(cells: Cells, marks: Sequence[_Marks], look: Look, budget: int) -> Cells:
    """Dots and glyphs over the density: dots of all layers, in the colour of the topmost."""
    if not marks:
        return cells
    shape = cells.glyphs.shape
    patterns = np.zeros(shape, np.uint8)
    colour = np.full(shape, -1, np.int16)
    signs = np.zeros(shape, np.uint32)
    for one in marks:
        patterns |= one.patterns
        here = one.colour >= 0
        colour[here] = one.colour[here]
        # What lies over a glyph hides it, for one cannot be joined to dots.
        signs[here] = one.glyphs[here]
    here = colour >= 0
    glyphs = np.where(signs > 0, signs, 0x2800 + patterns.astype(np.uint32))
    cells.glyphs[here] = glyphs[here]
    for length in (1, 2, 4):
        ink = np.where(here, _in_runs(colour, length), cells.ink).astype(np.int16)
        found = cells._replace(ink=ink)
        if sent_bytes(found, look) <= budget:
            break
    return found


def _in_runs(colour: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """Every stretch of a line, of so many cells, in the colour that it has most of."""
    rows, columns = colour.shape
    length = min(length, columns)
    across = -(-columns // length)
    stretch = np.arange(rows)[:, None] * across + (np.arange(columns) // length)[None, :]
    known = colour >= 0
    found = commonest(stretch[known], colour[known], rows * across, KINDS)
    result: NDArray[np.int16] = found[stretch].astype(np.int16)
    return result


def sent_bytes(cells: Cells, look: Look) -> int:
    """About how many bytes it takes to show the cells on an empty terminal."""
    written = (cells.glyphs != ord(" ")) | (cells.ground > 0)
    glyphs = np.count_nonzero(written) + (_GLYPH_BYTES - 1) * np.count_nonzero(cells.glyphs > 0x7F)
    if not _PEN_BYTES[look]:
        return int(glyphs)
    changes = sum(np.count_nonzero(np.diff(pens.ravel())) for pens in (carried(cells), cells.ground))
    return int(glyphs + changes * _PEN_BYTES[look])


def carried(cells: Cells) -> NDArray[np.int16]:
    """The ink, where there is nothing to write that of what is left of it or above: no other pen for nothing."""
    ink = cells.ink.ravel()
    written = cells.glyphs.ravel() != ord(" ")
    if not written.any():
        return cells.ink
    before = np.maximum.accumulate(np.where(written, np.arange(len(ink)), 0))
    before[: np.argmax(written)] = np.argmax(written)
    result: NDArray[np.int16] = ink[before].reshape(cells.ink.shape)
    return result


def runs(glyphs: NDArray[np.uint32], *pens: NDArray[np.int16]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The stretches of one line that have the same pens."""
    changes = np.zeros(len(glyphs), bool)
    changes[0] = True
    for pen in pens:
        changes[1:] |= pen[1:] != pen[:-1]
    starts = np.flatnonzero(changes).tolist()
    text = glyphs.tobytes().decode("utf-32-le")
    for start, end in zip(starts, [*starts[1:], len(glyphs)], strict=True):
        yield text[start:end], tuple(int(pen[start]) for pen in pens)
