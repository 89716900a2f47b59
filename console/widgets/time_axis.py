"""The axes of a picture of values over time, and when it moves.

A point belongs to a cell by its absolute time, and the picture moves in strides: while it stands, only the newest
column changes. Moving costs about 3 kB of terminal output for 100 × 12 cells; at each new column, every 9 s for 15
minutes, that would be as much as all the rest of a screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import floor, log
from typing import Protocol

Moment = datetime | float
"""A point in time: aware, or seconds since 1970."""


class Picture(Protocol):
    """Values over time in so many cells."""

    @property
    def width(self) -> int:
        """Cells."""

    @property
    def height(self) -> int:
        """Cells."""

    @property
    def limit(self) -> float:
        """The value at the upper edge; 0 is at the lower."""

    @property
    def start(self) -> float:
        """Seconds since 1970 at the left edge."""

    @property
    def cell(self) -> float:
        """Seconds that a cell is wide."""


def seconds(moment: Moment) -> float:
    """Seconds since 1970."""
    return moment.timestamp() if isinstance(moment, datetime) else moment


STRIDES = 12
"""In how many strides a point crosses the picture."""


def first_cell(newest: float, width: int, cell: float) -> int:
    """The leftmost cell, counted from 1970, of a picture with some room for what comes after the `newest` point.

    A cell is `cell` seconds wide.
    """
    stride = max(1, width // STRIDES)
    return (floor(newest / cell) // stride + 1) * stride - width


ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
CLOSER_STEPS = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800)
"""For pictures of few lines, which should be used."""


def nice_limit(maximum: float, base: int = 1000, steps: Sequence[int] = ROUND_STEPS) -> float:
    """The smallest round number not below `maximum`: one of the `steps` times a power of `base`; 1 for 0."""
    if maximum <= 0:
        return 1.0
    # The small amounts keep 1000 from being taken for more, or less, than 1 k.
    unit = float(base) ** floor(log(maximum, base) + 1e-9)
    return next((step * unit for step in steps if step * unit >= maximum * (1 - 1e-9)), base * unit)


def steady_limit(now: float, maximum: float, base: int = 1000, steps: Sequence[int] = ROUND_STEPS) -> float:
    """`now` if it still suits the `maximum`, else a new limit: it grows at once, and shrinks only to less than half."""
    wanted = nice_limit(maximum, base, steps)
    return wanted if wanted > now or wanted <= 0.4 * now else now


TICK_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
CELLS_BETWEEN_TICKS = 12


def time_axis(picture: Picture) -> str:
    """The line under a picture: local times (HH:MM) at round moments."""
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
