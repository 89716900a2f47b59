"""Density as cells: half blocks in steps of a colour where that is cheap, else patterns.

A full screen of noise in true colours is 150 kB, which a line around the world takes seconds for: density is drawn in
fewer and fewer steps until it is cheap enough.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    sent_bytes,
)
from console.widgets.map_raster import Ramp, commonest, ramp, smoothed, stepped


class Shading(NamedTuple):
    """Density of one layer in squares."""

    counts: NDArray[np.float32]
    colour: NDArray[np.int8]


def shaded(shadings: Sequence[Shading], shape: tuple[int, int], look: Look, budget: int) -> Cells:
    """Density in cells of that shape, as fine as it may be for so many bytes; nothing where there is none."""
    if not shadings:
        blank, plain = np.full(shape, ord(" "), np.uint32), np.full(shape, PLAIN, np.int16)
        return Cells(blank, plain, np.zeros(shape, np.int16), None)
    if look is Look.COLOURS:
        for reach in (0, 1):
            cells = _coloured(shadings, reach)
            if sent_bytes(cells, look) <= budget:
                return cells
    return _textured(shadings, look, budget)


def _coloured(shadings: Sequence[Shading], reach: int) -> Cells:
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


def _textured(shadings: Sequence[Shading], look: Look, budget: int) -> Cells:
    """Patterns, which need no other pen for another step: over a tint that is all of the first one, else over a dot.

    That one costs a third of the others, and the more have it the cheaper is the picture.
    """
    whole = [_in_cells(one) for one in shadings]
    together = np.concatenate([one.counts.ravel() for one in whole])
    signs = np.array([ord(shade) for shade in SHADES], np.uint32)
    least = 0.0
    for reach in (0, 0, 0, 1, 1, 2, 4, 8):
        above = ramp(together, len(SHADES) - 2, least)
        least = above.first * above.factor
        scale = Ramp(above.first / above.factor, above.factor, len(SHADES) - 1)
        steps = np.zeros(whole[0].counts.shape, np.int8)
        ink = np.full(steps.shape, PLAIN, np.int16)
        for one in whole:
            own, colour = stepped(one.counts, scale), _spread(one.colour, reach)
            shown = (own > 0) & (colour >= 0)
            steps[shown], ink[shown] = own[shown], colour[shown]
        if look is Look.COLOURS:
            tint = np.where(steps > 0, 1 + ink * np.int16(STEPS), 0).astype(np.int16)
            cells = Cells(signs[np.where(steps == 1, 0, steps)], ink, tint, scale)
            if sent_bytes(cells, look) <= budget:
                break
        cells = Cells(signs[steps], ink, np.zeros(steps.shape, np.int16), scale)
        if sent_bytes(cells, look) <= budget:
            break
    return cells


def _in_cells(shading: Shading) -> Shading:
    """Squares by twos, one above the other."""
    upper, lower = shading.counts[::2], shading.counts[1::2]
    return Shading(upper + lower, np.where(upper >= lower, shading.colour[::2], shading.colour[1::2]))


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
