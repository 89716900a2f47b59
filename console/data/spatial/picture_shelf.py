"""Pictures that are kept for a while, so that going back, or a little aside, asks the server for nothing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from console.clock import Clock
from console.models.layers import LayerFilter, LayerName
from console.models.map_view import Frame
from console.models.pictures import Density, Outlines, Picture, Points

KEPT = 12
"""Pictures at most."""
MOST_BYTES = 16 * 2**20
"""Of all that are kept together; the largest, of four frames with 20,000 objects, takes about 6 MB."""
SECONDS = 30.0
"""After which a picture is too old to stand for how things are."""

_KEY_BYTES = 170
"""Of an object's key, which is a tuple with a text."""

Key: TypeAlias = tuple[LayerName, LayerFilter, str | None]
"""A layer, what of it is shown, and the column that colours tell apart."""


class PictureShelf:
    """The exact pictures of the last half minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, Frame], tuple[float, Picture]] = OrderedDict()

    def put(self, key: Key, picture: Picture) -> None:
        """Keeps a picture, and lets the one go that was not looked at for longest."""
        self._kept[repr(key), picture.frame] = (self._clock.monotonic(), picture)
        while len(self._kept) > KEPT or self._bytes > MOST_BYTES:
            self._kept.popitem(last=False)

    def find(self, key: Key, frame: Frame) -> Picture | None:
        """The picture of a frame, cut from a larger one where that has all of it."""
        oldest, name = self._clock.monotonic() - SECONDS, repr(key)
        for (kept_name, kept_frame), (at, picture) in reversed(self._kept.items()):
            if kept_name == name and at >= oldest and (cut := _cut(picture, frame)) is not None:
                self._kept.move_to_end((kept_name, kept_frame))
                return cut
        return None

    @property
    def _bytes(self) -> int:
        return sum(_size(picture) for _, picture in self._kept.values())

    def forget(self, layer: LayerName) -> None:
        """Lets every picture of a layer go."""
        self._kept = OrderedDict((k, kept) for k, kept in self._kept.items() if kept[1].layer != layer)


def _size(picture: Picture) -> int:
    """About how many bytes a picture takes."""
    density, points, outlines = picture.density, picture.points, picture.outlines
    return (
        (density.counts.nbytes if density is not None else 0)
        + (points.x.nbytes * 2 + _KEY_BYTES * len(points.keys) if points is not None else 0)
        + (outlines.vertices.nbytes + _KEY_BYTES * len(outlines.keys) if outlines is not None else 0)
    )


def _cut(picture: Picture, frame: Frame) -> Picture | None:
    """What a picture shows of a frame; None where it does not have all of it, as sharp as it can be."""
    whole, view = picture.frame, frame.view
    if picture.frame == frame:
        return picture
    if whole.view.srid != view.srid or not whole.envelope.grown(1e-9).contains(frame.envelope):
        return None
    is_same_scale = abs(whole.view.scale - view.scale) <= view.scale * 1e-6
    if picture.density is not None:
        return _cut_density(picture, picture.density, frame) if is_same_scale else None
    if picture.outlines is not None:
        # They reach beyond a frame anyway; closer they would have more vertices.
        return _cut_outlines(picture, picture.outlines, frame) if is_same_scale else None
    return _cut_points(picture, picture.points, frame) if picture.points is not None else None


def _cut_density(picture: Picture, density: Density, frame: Frame) -> Picture | None:
    whole = picture.frame.envelope
    left = (frame.envelope.west - whole.west) / frame.view.scale
    top = (whole.north - frame.envelope.north) / frame.view.scale
    across, down = round(left), round(top)
    if abs(left - across) > 0.01 or abs(top - down) > 0.01:
        return None  # between the dots
    counts = density.counts[down : down + frame.rows, across : across + frame.columns]
    if counts.shape != (frame.rows, frame.columns):
        return None
    return replace(picture, frame=frame, count=int(counts.sum()), density=Density(counts))


def _cut_outlines(picture: Picture, outlines: Outlines, frame: Frame) -> Picture:
    """Of what has no vertex in the frame it is not known whether it passes through."""
    seen = np.empty(0, np.bool_)
    if len(outlines.starts):
        x, y = outlines.vertices.T
        seen = np.logical_or.reduceat(_inside(x, y, frame), outlines.starts)
    number = len(np.unique(outlines.owner[seen]))
    if picture.points is not None:
        number += int(_inside(picture.points.x, picture.points.y, frame).sum())
    return replace(picture, frame=frame, count=number, count_is_exact=False)


def _cut_points(picture: Picture, points: Points, frame: Frame) -> Picture:
    seen = np.flatnonzero(_inside(points.x, points.y, frame))
    keys = tuple(points.keys[number] for number in seen.tolist()) if points.keys else ()
    category = points.category[seen] if points.category is not None else None
    cut = Points(points.x[seen], points.y[seen], keys, category)
    return replace(picture, frame=frame, count=len(seen), points=cut)


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], frame: Frame) -> NDArray[np.bool_]:
    whole = frame.envelope
    return (x >= whole.west) & (x <= whole.east) & (y >= whole.south) & (y <= whole.north)
