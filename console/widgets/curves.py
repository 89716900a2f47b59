"""Curves over time as lines of braille: what of the data is in the picture, and the picture itself.

A point belongs to a dot column by its absolute time, and the picture moves in strides: while it stands, only the
newest column changes. Moving costs about 3 kB of terminal output for 100 × 12 cells; at each new column, every 9 s
for 15 minutes, that would be as much as all the rest of a screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import floor, log
from types import ModuleType
from typing import NamedTuple

from console.widgets.tones import Tone

Moment = datetime | float
"""A point in time: aware, or seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve. A value of None breaks the line; points are in the order of time."""

    name: str
    points: Sequence[tuple[Moment, float | None]]
    tone: Tone | None = None


STRIDES = 12
"""In how many strides a point crosses the picture."""

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


def seconds(moment: Moment) -> float:
    """Seconds since 1970."""
    return moment.timestamp() if isinstance(moment, datetime) else moment


def frame(series: Sequence[Series], width: int, height: int, span: float, limit: float) -> Frame:
    """The last `span` seconds of the series in `width` × `height` cells, with some room for what comes next."""
    cell = span / width
    stride = max(1, width // STRIDES)
    newest = max((seconds(one.points[-1][0]) for one in series if one.points), default=0.0)
    first = (floor(newest / cell) // stride + 1) * stride - width
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


ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def nice_limit(maximum: float, base: int = 1000) -> float:
    """The smallest round number not below `maximum`: a step of `ROUND_STEPS` times a power of `base`; 1 for 0."""
    if maximum <= 0:
        return 1.0
    # The small amounts keep 1000 from being taken for more, or less, than 1 k.
    unit = float(base) ** floor(log(maximum, base) + 1e-9)
    return next((step * unit for step in ROUND_STEPS if step * unit >= maximum * (1 - 1e-9)), base * unit)


def steady_limit(now: float, maximum: float, base: int = 1000) -> float:
    """`now` if it still suits the `maximum`, else a new limit: it grows at once, and shrinks only to less than half."""
    wanted = nice_limit(maximum, base)
    return wanted if wanted > now or wanted <= 0.4 * now else now


TICK_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
CELLS_BETWEEN_TICKS = 12


def time_axis(picture: Frame) -> str:
    """The line under the curves: local times (HH:MM) at round moments."""
    least = CELLS_BETWEEN_TICKS * picture.cell
    step = next((step for step in TICK_STEPS if step >= least), TICK_STEPS[-1])
    offset = datetime.fromtimestamp(picture.start).astimezone().utcoffset()
    shift = offset.total_seconds() if offset is not None else 0.0
    axis = [" "] * picture.width
    tick = floor((picture.start + shift) / step) * step - shift
    while (column := floor((tick - picture.start) / picture.cell)) < picture.width:
        label = datetime.fromtimestamp(tick).strftime("%H:%M")
        left = min(max(column - len(label) // 2, 0), picture.width - len(label))
        if left >= 0 <= column:
            axis[left : left + len(label)] = label
        tick += step
    return "".join(axis)


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
