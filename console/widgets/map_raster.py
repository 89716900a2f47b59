"""Geometry as dots and counts on the grid of a frame: pure functions of values.

A terminal's cell holds 2×4 dots of braille, which are square, or two squares of a half block, 2×2 dots each. Arrays are
counted from the top left.
"""

from __future__ import annotations

from math import floor, log, log10
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from console.models.map_view import Frame
from console.models.pictures import Density, Outlines
from console.widgets.map_scale import DOTS_ACROSS, DOTS_DOWN

SQUARE = 2
"""Dots along the side of a square: a cell is one wide and two high."""

Floats: TypeAlias = NDArray[np.float64]
Indexes: TypeAlias = NDArray[np.signedinteger[Any]]

_BRAILLE = np.array([[1, 8], [2, 16], [4, 32], [64, 128]], np.uint8)
_MOST_DOTS = 2_000_000
"""Of lines in one frame: with more, which cover every cell many times, only some of the segments are drawn."""


_FARTHEST = 1e15
"""Dots from the frame at which a segment may end: beyond, numbers do not tell its direction any more."""


class Dots(NamedTuple):
    """Places on a frame's grid, those outside left out; the same place may be there several times."""

    at: Indexes
    """`row * columns + column`."""
    of: Indexes
    """For each place the index of the point or of the path that it is of."""


NO_DOTS = Dots(np.empty(0, np.intp), np.empty(0, np.intp))


def point_dots(frame: Frame, x: Floats, y: Floats) -> Dots:
    """Where points are."""
    across, down = _on_grid(frame, x, y)
    # What is no number is not inside either.
    of = np.flatnonzero((across >= 0) & (across < frame.columns) & (down >= 0) & (down < frame.rows))
    at = down[of].astype(np.intp) * frame.columns + across[of].astype(np.intp)
    return Dots(at, of)


def line_dots(frame: Frame, outlines: Outlines) -> Dots:
    """Where lines are, of a dot's width. What lies outside costs nothing but to find that out."""
    vertices, starts = outlines.vertices, outlines.starts
    if not len(starts):
        return NO_DOTS
    across, down = _on_grid(frame, vertices[:, 0], vertices[:, 1])
    ends = np.append(starts[1:], len(vertices)) - 1
    goes_on = np.ones(len(vertices), bool)
    goes_on[ends] = False
    # A path of one vertex is a dot.
    first = np.flatnonzero(goes_on) if np.all(starts < ends) else _with_single(goes_on, starts, ends)
    second = first + goes_on[first]
    path = np.repeat(np.arange(len(starts)), ends - starts + 1)[first]
    x, y, path = _within(frame, across[first], down[first], across[second], down[second], path)
    return _joined(frame.columns, x, y, path)


def _on_grid(frame: Frame, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    envelope, scale = frame.envelope, frame.view.scale
    with np.errstate(over="ignore", invalid="ignore"):
        return (x - envelope.west) / scale, (envelope.north - y) / scale


def _with_single(goes_on: NDArray[np.bool_], starts: Indexes, ends: Indexes) -> Indexes:
    begins = goes_on.copy()
    begins[starts[starts == ends]] = True
    return np.flatnonzero(begins)


def _within(
    frame: Frame, x0: Floats, y0: Floats, x1: Floats, y1: Floats, path: Indexes
) -> tuple[NDArray[np.int32], NDArray[np.int32], Indexes]:
    """The columns and the rows of both ends of the parts of segments that are in the frame: shape (2, segments).

    Liang and Barsky, "A new concept and method for line clipping", 1984.
    """
    columns, rows = frame.columns, frame.rows
    with np.errstate(invalid="ignore", over="ignore"):
        seen = (
            (np.minimum(x0, x1) < columns)
            & (np.maximum(x0, x1) >= 0)
            & (np.minimum(y0, y1) < rows)
            & (np.maximum(y0, y1) >= 0)
            & (np.abs(x0) + np.abs(x1) + np.abs(y0) + np.abs(y1) < _FARTHEST)
        )
    x0, y0, x1, y1, path = x0[seen], y0[seen], x1[seen], y1[seen], path[seen]
    crossing = np.flatnonzero(
        (np.minimum(x0, x1) < 0)
        | (np.maximum(x0, x1) >= columns)
        | (np.minimum(y0, y1) < 0)
        | (np.maximum(y0, y1) >= rows)
    )
    if len(crossing):
        from_x, from_y = x0[crossing], y0[crossing]
        right, down = x1[crossing] - from_x, y1[crossing] - from_y
        enters, leaves = np.zeros(len(crossing)), np.ones(len(crossing))
        for along, room in (
            (-right, from_x),
            (right, columns - from_x),
            (-down, from_y),
            (down, rows - from_y),
        ):
            with np.errstate(divide="ignore", invalid="ignore"):
                share = room / along
            enters = np.where(along < 0, np.maximum(enters, share), enters)
            leaves = np.where(along > 0, np.minimum(leaves, share), leaves)
        x0[crossing], y0[crossing] = from_x + enters * right, from_y + enters * down
        x1[crossing], y1[crossing] = from_x + leaves * right, from_y + leaves * down
        hit = np.ones(len(path), bool)
        hit[crossing[enters > leaves]] = False
        x0, y0, x1, y1, path = x0[hit], y0[hit], x1[hit], y1[hit], path[hit]
    x = np.clip(np.stack((x0, x1)), 0, columns - 1).astype(np.int32)
    y = np.clip(np.stack((y0, y1)), 0, rows - 1).astype(np.int32)
    return x, y, path


def _joined(columns: int, x: NDArray[np.int32], y: NDArray[np.int32], path: Indexes) -> Dots:
    """The dots of all segments at once: a DDA along their longer axis, one step of all that are so long at a time."""
    steps = np.maximum(np.abs(x[1] - x[0]), np.abs(y[1] - y[0])).astype(np.int16)
    if (thinning := int(steps.sum(dtype=np.intp)) // _MOST_DOTS) and len(steps):
        some = slice(None, None, thinning + 1)
        x, y, path, steps = x[:, some], y[:, some], path[some], steps[some]
    longest_first = np.argsort(-steps, kind="stable")
    x, y, path, steps = x[:, longest_first], y[:, longest_first], path[longest_first], steps[longest_first]
    if not len(steps):
        return NO_DOTS
    parts = np.maximum(steps, 1).astype(np.float32)
    right, down = (x[1] - x[0]) / parts, (y[1] - y[0]) / parts
    column, row = x[0] + np.float32(0.5), y[0] + np.float32(0.5)
    as_long = np.searchsorted(-steps, -np.arange(int(steps[0]) + 1), side="right")
    at = np.empty(int(as_long.sum()), np.int32)
    of = np.empty(len(at), np.intp)
    filled = 0
    for count in as_long.tolist():
        part = at[filled : filled + count]
        np.multiply(row[:count].astype(np.int32), columns, out=part)
        part += column[:count].astype(np.int32)
        of[filled : filled + count] = path[:count]
        column[:count] += right[:count]
        row[:count] += down[:count]
        filled += count
    return Dots(at, of)


def path_sizes(frame: Frame, outlines: Outlines) -> tuple[Floats, Floats, Floats]:
    """How wide or high each path is, in dots, and x and y of its middle."""
    x, y = outlines.vertices[:, 0], outlines.vertices[:, 1]
    west, east = np.minimum.reduceat(x, outlines.starts), np.maximum.reduceat(x, outlines.starts)
    south, north = np.minimum.reduceat(y, outlines.starts), np.maximum.reduceat(y, outlines.starts)
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.maximum(east - west, north - south) / frame.view.scale
        return sizes, (west + east) / 2, (south + north) / 2


def counts_at(frame: Frame, at: Indexes) -> NDArray[np.float32]:
    """How many places there are at each dot: shape (rows, columns)."""
    counts = np.bincount(at, minlength=frame.rows * frame.columns)
    return counts.reshape(frame.rows, frame.columns).astype(np.float32)


def braille(dots: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The patterns of braille, to be added to U+2800, for dots of shape (4 rows, 2 columns)."""
    rows, columns = dots.shape[0] // DOTS_DOWN, dots.shape[1] // DOTS_ACROSS
    cells = dots.reshape(rows, DOTS_DOWN, columns, DOTS_ACROSS)
    patterns: NDArray[np.uint8] = np.einsum("rycx,yx->rc", cells, _BRAILLE, dtype=np.uint8, casting="unsafe")
    return patterns


def in_squares(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Counts of dots added up to squares."""
    rows, columns = counts.shape[0] // SQUARE, counts.shape[1] // SQUARE
    sums: NDArray[np.float32] = counts.reshape(rows, SQUARE, columns, SQUARE).sum(axis=(1, 3))
    return sums


def density_in_squares(density: Density, taken: Frame, frame: Frame) -> NDArray[np.float32]:
    """Counts that were taken in one frame as they are in the squares of another; 0 where nothing is known.

    A count that lies in several squares is divided among them by area.
    """
    rows, columns = density.counts.shape
    theirs, ours = taken.envelope, frame.envelope
    tall, wide = rows / theirs.height, columns / theirs.width
    side = SQUARE * frame.view.scale
    lines = _sums(density.counts, (theirs.north - ours.north) * tall, side * tall, frame.rows // SQUARE)
    squares = _sums(lines.T, (ours.west - theirs.west) * wide, side * wide, frame.columns // SQUARE).T
    # What the sums lost in their last digits is nothing.
    return np.where(squares > 1e-9 * density.counts.max(initial=0), squares, 0).astype(np.float32)


def _sums(values: NDArray[np.floating[Any]], start: float, step: float, count: int) -> Floats:
    """What lies in each of `count` intervals of the length `step` along the first axis, where a value has the length 1."""
    size = len(values)
    # A view that is moved by whole dots and back differs in the last digits: nothing is to bleed into a neighbour.
    edges = np.clip(round(start, 6) + np.round(step * np.arange(count + 1), 6), 0, size)
    below = np.minimum(edges.astype(np.intp), size - 1)
    sums = np.zeros((size + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=sums[1:])
    until: Floats = sums[below] + values[below] * (edges - below)[:, None]
    return np.diff(until, axis=0)


def density_points(density: Density, taken: Frame) -> tuple[Floats, Floats]:
    """x and y of the middles of the places that have any."""
    rows, columns = np.nonzero(density.counts)
    envelope = taken.envelope
    x = envelope.west + (columns + 0.5) * (envelope.width / density.counts.shape[1])
    y = envelope.north - (rows + 0.5) * (envelope.height / density.counts.shape[0])
    return x, y


def smoothed(counts: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The mean of each value and its neighbours that far to every side."""
    if not reach:
        return counts
    values = counts.astype(np.float64)
    for axis in (0, 1):
        size = values.shape[axis]
        sums = np.insert(np.cumsum(values, axis=axis), 0, 0, axis=axis)
        places = np.arange(size)
        low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, size)
        width: NDArray[np.intp] = (high - low).reshape((-1, 1) if axis == 0 else (1, -1))
        values = (sums.take(high, axis) - sums.take(low, axis)) / width
    # What the sums lost in their last digits is nothing.
    values[values < 1e-9 * values.max(initial=0)] = 0
    return values.astype(np.float32)


class Ramp(NamedTuple):
    """Steps of density: the second begins at `first * factor` objects, each further one at `factor` times more.

    All that is less is on the first one.
    """

    first: float
    factor: float
    steps: int


_FACTORS = (1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0, 1000.0, 10_000.0)


def ramp(values: NDArray[np.float32], steps: int, least: float = 0.0) -> Ramp:
    """Round steps that suit the values from `least`, and that stay when the view moves a little."""
    counted = values[(values > 0) & (values >= least)]
    if not len(counted):
        return Ramp(least or 1.0, _FACTORS[0], steps)
    low, high = np.percentile(counted, (5, 99.5)).tolist()
    magnitude = 10.0 ** floor(log10(low))
    first = max(least, next(step * magnitude for step in (5, 2, 1) if step == 1 or low >= step * magnitude))
    factor = next((one for one in _FACTORS if first * one ** (steps - 0.5) >= high), _FACTORS[-1])
    return Ramp(first, factor, steps)


def stepped(values: NDArray[np.float32], scale: Ramp) -> NDArray[np.int8]:
    """Which step each value is on, from 1; 0 where there is nothing."""
    with np.errstate(divide="ignore"):
        height = np.log(values / np.float32(scale.first)) / log(scale.factor)
    return np.where(values > 0, np.clip(np.floor(height) + 1, 1, scale.steps), 0).astype(np.int8)


def commonest(place: Indexes, kind: NDArray[np.integer], places: int, kinds: int) -> NDArray[np.int8]:
    """For each of `places` the kind that is there most often, the lower of two; -1 where there is none."""
    votes = np.bincount(place * kinds + kind, minlength=places * kinds).reshape(places, kinds)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), -1).astype(np.int8)
