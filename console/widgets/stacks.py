"""Values that lie on each other over time: what of the data is in the picture, and the picture itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import floor
from typing import NamedTuple

from console.widgets.time_axis import first_cell
from console.widgets.tones import Tone

EIGHTHS = " ▁▂▃▄▅▆▇█"
SOLID = "█"
"""The fill of layers that are told apart by colour alone: their edges are drawn to the eighth of a cell."""
LONGEST_STEP = 3.0
"""How many times longer than its neighbours a step between two points is when nothing is known of what lies between."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A named layer: its value at each time, and what tells it from the others."""

    name: str
    values: Sequence[float]
    fill: str
    """The glyph of its cells: a pattern of its own, or `SOLID`."""
    tone: Tone


Column = tuple[float, ...] | None
"""The mean of each layer in a column of cells, from the bottom up; None where nothing is known."""


class StackFrame(NamedTuple):
    """All that the picture of some layers depends on: two equal ones look the same."""

    width: int
    height: int
    limit: float
    """The value at the upper edge; 0 is at the lower."""
    start: float
    """Seconds since 1970 at the left edge."""
    cell: float
    """Seconds that a cell is wide."""
    columns: tuple[Column, ...]
    fills: tuple[str, ...]
    tones: tuple[Tone, ...]


def columns(
    times: Sequence[float], layers: Sequence[Layer], width: int, span: float
) -> tuple[float, tuple[Column, ...]]:
    """The left edge of the last `span` seconds, in seconds since 1970, and what is in each of `width` columns.

    `times` are in their order, in seconds since 1970. Between two points that are further apart than a column is wide
    the first one stands for what lies between, but not over a gap: see `LONGEST_STEP`.
    """
    cell = span / width
    first = first_cell(times[-1] if times else 0.0, width, cell)
    found: list[Column] = [None] * width
    until, before = -1, None
    for place, points in groupby(range(len(times)), lambda index: floor(times[index] / cell) - first):
        begin, *others = points
        end = (others or [begin])[-1] + 1
        if before is not None and place >= 0 and not _is_gap(times, begin):
            found[max(until, 0) : place] = [before] * (place - max(until, 0))
        before = tuple([sum(layer.values[begin:end]) / (end - begin) for layer in layers])
        if place >= 0:
            found[place] = before
        until = place + 1
    return first * cell, tuple(found)


def _is_gap(times: Sequence[float], index: int) -> bool:
    """Whether the step to the point at `index` is much longer than those before and after it."""
    before, step, after = (
        times[end] - times[end - 1] if 0 < end < len(times) else 0.0 for end in (index - 1, index, index + 1)
    )
    return step > LONGEST_STEP * max(before, after)


class Piece(NamedTuple):
    """Cells of a line."""

    text: str
    layer: int | None
    """The layer that they belong to."""
    above: int | None
    """The layer that is seen above it in the same cells."""


NOTHING = Piece(" ", None, None)


def rows(picture: StackFrame) -> list[list[Piece]]:
    """The lines of the picture, from the top down."""
    heights = [_eighths(column, picture) for column in picture.columns]
    lines = []
    for row in reversed(range(picture.height)):
        cells = [_cell(edges, 8 * row, picture.fills) for edges in heights]
        lines.append(
            [
                Piece("".join([cell.text for cell in run]), *layers)
                for layers, run in groupby(cells, lambda cell: cell[1:])
            ]
        )
    return lines


def _eighths(column: Column, picture: StackFrame) -> list[int]:
    """The upper edges of the layers, in eighths of a cell. What is more than nothing is seen."""
    scale, most = 8 * picture.height / picture.limit, 8 * picture.height
    return [min(max(round(edge * scale), edge > 0), most) for edge in accumulate(column or ())]


def _cell(edges: Sequence[int], low: int, fills: Sequence[str]) -> Piece:
    """The cell above `low` eighths."""
    filled = min(edges[-1] - low, 8) if edges else 0
    if filled <= 0:
        return NOTHING
    layers = range(bisect_right(edges, low), bisect_left(edges, low + filled) + 1)
    if any(fills[layer] != SOLID for layer in layers):
        # A pattern fills a cell or is not there; at the bottom it is, or little would be nothing.
        middle = bisect_right(edges, low + filled / 2)
        return Piece(fills[middle], middle, None) if filled >= 4 or low == 0 else NOTHING
    heights = {
        layer: min(edges[layer], low + filled) - max(edges[layer - 1] if layer else 0, low)
        for layer in layers
    }
    highest, *others = sorted(layers, key=lambda layer: heights[layer], reverse=True)
    if filled < 8 or not others:
        return Piece(EIGHTHS[filled], highest, None)
    # A cell has two colours: of more layers the two that have most of it share it.
    lower, upper = sorted((highest, others[0]))
    part = round(8 * heights[lower] / (heights[lower] + heights[upper]))
    return Piece(EIGHTHS[min(max(part, 1), 7)], lower, upper)
