"""The cells of a terminal that a map is drawn in, and what it costs to send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from console.models.pictures import Picture
from console.widgets.map_raster import Ramp

COLOURS = 6
"""Colours that tell layers or categories apart."""
OTHER = COLOURS
"""The colour of what belongs to no category."""
PLAIN = COLOURS + 1
"""The colour of what belongs to no layer."""
KINDS = COLOURS + 1

GLYPHS = "●■▲○□△▪"
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


_PEN_BYTES = {Look.COLOURS: (11, 19), Look.FEW_COLOURS: (5, 5), Look.GLYPHS: (0, 0)}
"""What another ink costs, and another background."""
_GLYPH_BYTES = 3
AFFORDABLE = 1.7
"""Bytes for each cell of the map: with the moves between them less than 8 kB on a terminal of 120×40."""
ALWAYS_AFFORDABLE = 7200
"""Bytes: no smaller map has to cost less."""


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """What is known of a layer, and how it is told from others."""

    picture: Picture
    colour: int
    """From 0 to `COLOURS` - 1."""
    glyph: str


class Cells(NamedTuple):
    """Cells of a terminal, arrays of shape (rows, columns)."""

    glyphs: NDArray[np.uint32]
    """Code points."""
    ink: NDArray[np.int16]
    """A colour, `OTHER` or `PLAIN`; for the upper half of a half block a background."""
    ground: NDArray[np.int16]
    """0 for none, else 1 + colour * STEPS + the step of density from 0."""
    ramp: Ramp | None
    """How many objects in a cell the steps of the density say, where there is one."""


HALF = 100
"""Added to a background where it is the ink of a half block."""


def colour_and_step(ground: int) -> tuple[int, int]:
    """The colour and the step, from 1, of a background."""
    return (ground - 1) // STEPS, (ground - 1) % STEPS + 1


def sent_bytes(cells: Cells, look: Look) -> int:
    """About how many bytes it takes to show the cells where every one was another before: blanks too are written."""
    glyphs = cells.glyphs.size + (_GLYPH_BYTES - 1) * np.count_nonzero(cells.glyphs > 0x7F)
    for pens, cost in zip((carried(cells), cells.ground), _PEN_BYTES[look], strict=True):
        glyphs += cost * np.count_nonzero(np.diff(pens.ravel()))
    return int(glyphs)


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
