"""Curves over time as lines of braille: what of the data is in the picture, and the picture itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from types import ModuleType
from typing import NamedTuple

from console.widgets.time_axis import Moment, first_cell, seconds
from console.widgets.tones import Tone


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve. A value of None breaks the line; points are in the order of time."""

    name: str
    points: Sequence[tuple[Moment, float | None]]
    tone: Tone | None = None


Run = tuple[tuple[int, float], ...]
"""Points that are joined: (dot column from the left, value)."""


class Frame(NamedTuple):
    """All that the picture of some curves depends on: two equal ones look the same."""

    width: int
    height: int
    limit: float
    """The value at the upper edge; 0 is at the lower."""
    start: float
    """Seconds since 1970 at the left edge."""
    cell: float
    """Seconds that a cell is wide."""
    curves: tuple[tuple[Run, ...], ...]


def frame(series: Sequence[Series], width: int, height: int, span: float, limit: float) -> Frame:
    """The last `span` seconds of the series in `width` × `height` cells, with some room for what comes next."""
    cell = span / width
    newest = max((seconds(one.points[-1][0]) for one in series if one.points), default=0.0)
    first = first_cell(newest, width, cell)
    curves = tuple(tuple(_runs(one.points, cell / 2, 2 * first, 2 * width)) for one in series)
    return Frame(width, height, limit, first * cell, cell, curves)


def _runs(
    points: Sequence[tuple[Moment, float | None]], dot: float, first: int, columns: int
) -> Iterator[Run]:
    peaks: dict[int, float | None] = {}
    for moment, value in points:
        column = floor(seconds(moment) / dot) - first
        if 0 <= column < columns:
            before = peaks.get(column)
            # Of several values in one column the highest is drawn: a peak must not vanish.
            peaks[column] = value if before is None else before if value is None else max(before, value)
    run: list[tuple[int, float]] = []
    for column, value in peaks.items():
        if value is not None:
            run.append((column, value))
        elif run:
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


class Piece(NamedTuple):
    """Cells of a line that belong to one curve, or to none (None)."""

    text: str
    curve: int | None


_COLOUR = re.compile(r"\x1b\[(?:38;5;(\d+)|[0-9;]*)m")


def draw(plotext: ModuleType, picture: Frame) -> list[list[Piece]]:
    """The curves as lines of braille. `plotext` is the module, which takes too long to be imported by a key press."""
    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear()
    figure.axes(False)
    figure.canvas("default")
    width, height = picture.width, picture.height
    for axis in (0, 1):
        figure.ruler(axis).frequency(0)
    # A limit is the middle of the outermost cell; a cell is 2 dots wide and 4 high.
    figure.ruler(0).lim(0.5, 2 * width - 1.5)
    figure.ruler(1).lim(1.5, 4 * height - 2.5)
    figure.plot_size(width, height)
    # The first curve is the important one: drawn last, it lies over the others.
    for number, runs in reversed(list(enumerate(picture.curves))):
        for run in runs:
            marker = plotext.marker("braille", pixel=number + 1)
            rows = [min(max(value / picture.limit, 0.0), 1.0) * (4 * height - 1) for _, value in run]
            figure.draw(figure.signal([column for column, _ in run], rows, marker=marker).lines(True))
    return [_pieces(line) for line in figure.build().string().splitlines()[:height]]


def _pieces(line: str) -> list[Piece]:
    matches = list(_COLOUR.finditer(line))
    pieces: list[Piece] = []
    for match, following in pairwise([*matches, None]):
        if match is not None:
            text = line[match.end() : following.start() if following is not None else None]
            if text:
                pieces.append(Piece(text, int(match[1]) - 1 if match[1] else None))
    return pieces
