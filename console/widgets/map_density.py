"""Density as cells: half blocks in steps of a colour where that is cheap, else patterns.

A full screen of noise in true colours is 150 kB, which a line around the world takes seconds for: density is drawn in
fewer and fewer steps until it is cheap enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from console.widgets.map_cells import (
    HALF,
    KINDS,
    LOWER_HALF,
    PLAIN,
    SHADES,
    STEPS,
    UPPER_HALF,
    Cells,
    Look,
)
from console.widgets.map_raster import Ramp, commonest, ramp, smoothed, stepped

LEAST = 0.05
"""The share of the cells with anything that have to stand out, however much that costs."""
ROUGH = 1 / 5
"""The share of cells of another colour than their neighbour from which on making density smoother does not help."""


class Shading(NamedTuple):
    """Density of one layer in squares."""

    counts: NDArray[np.float32]
    colour: NDArray[np.int8]


def rungs(shadings: Sequence[Shading], shape: tuple[int, int], look: Look) -> Iterator[Cells]:
    """Density in cells of that shape, each time with less in it that has to be sent; nothing where there is none."""
    if not shadings:
        blank, plain = np.full(shape, ord(" "), np.uint32), np.full(shape, PLAIN, np.int16)
        yield Cells(blank, plain, np.zeros(shape, np.int16), None)
        return
    if look is Look.COLOURS:
        finest = _coloured(shadings, 0, STEPS, is_whole=False)
        yield finest
        if np.count_nonzero(np.diff(finest.ground)) < ROUGH * finest.ground.size:
            for steps, is_whole in ((STEPS, False), (4, True), (3, True)):
                yield _coloured(shadings, 1, steps, is_whole=is_whole)
    whole = [_in_cells(one) for one in shadings]
    together = np.concatenate([one.counts.ravel() for one in whole])
    filled = np.count_nonzero(together)
    scale = ramp(together, len(SHADES) - 1)
    for reach in (0, 0, 1, 1, 2, 2, 4, 8):
        yield from _textured(whole, scale, reach, look)
        second = scale.first * scale.factor * min(scale.factor, 2)
        if np.count_nonzero(together >= second) >= LEAST * filled:
            above = ramp(together, len(SHADES) - 2, second)
            scale = Ramp(above.first / above.factor, above.factor, len(SHADES) - 1)


def _coloured(shadings: Sequence[Shading], reach: int, steps: int, *, is_whole: bool) -> Cells:
    """Half blocks, or whole cells, in so many steps of their layer's colour."""
    smooth = [Shading(smoothed(one.counts, reach), _spread(one.colour, reach)) for one in shadings]
    if is_whole:
        smooth = [_doubled(_in_cells(one)) for one in smooth]
    scale = ramp(np.concatenate([one.counts.ravel() for one in smooth]), steps)
    ground = np.zeros(smooth[0].counts.shape, np.int16)
    for one in smooth:
        step = stepped(one.counts, scale)
        shown = (step > 0) & (one.colour >= 0)
        # A few steps are as far apart from each other as they can be.
        step = (step - 1) * (STEPS - 1) // (steps - 1)
        ground[shown] = (1 + one.colour * np.int16(STEPS) + step)[shown]
    upper, lower = ground[::2], ground[1::2]
    same, only_lower = upper == lower, upper == 0
    glyphs = np.where(same, ord(" "), np.where(only_lower, ord(LOWER_HALF), ord(UPPER_HALF)))
    ink = np.where(same, PLAIN, HALF + np.where(only_lower, lower, upper))
    behind = np.where(only_lower, 0, lower)
    of_cells = scale if is_whole else scale._replace(first=2 * scale.first)
    return Cells(glyphs.astype(np.uint32), ink.astype(np.int16), behind.astype(np.int16), of_cells)


def _textured(whole: Sequence[Shading], scale: Ramp, reach: int, look: Look) -> Iterator[Cells]:
    """Patterns, which need no other pen for another step: over a tint that is all of the first one, and over a dot.

    The first step costs a third of the others: the more have it the cheaper is the picture.
    """
    signs = np.array([ord(shade) for shade in SHADES], np.uint32)
    steps = np.zeros(whole[0].counts.shape, np.int8)
    ink = np.full(steps.shape, PLAIN, np.int16)
    for one in whole:
        own, colour = stepped(one.counts, scale), _spread(one.colour, reach)
        shown = (own > 0) & (colour >= 0)
        steps[shown], ink[shown] = own[shown], colour[shown]
    if look is Look.COLOURS:
        tint = np.where(steps > 0, 1 + ink * np.int16(STEPS), 0).astype(np.int16)
        yield Cells(signs[np.where(steps == 1, 0, steps)], ink, tint, scale)
    yield Cells(signs[steps], ink, np.zeros(steps.shape, np.int16), scale)


def _in_cells(shading: Shading) -> Shading:
    """Squares by twos, one above the other."""
    upper, lower = shading.counts[::2], shading.counts[1::2]
    return Shading(upper + lower, np.where(upper >= lower, shading.colour[::2], shading.colour[1::2]))


def _doubled(shading: Shading) -> Shading:
    """Cells as squares, two of each."""
    return Shading(np.repeat(shading.counts, 2, axis=0), np.repeat(shading.colour, 2, axis=0))


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
