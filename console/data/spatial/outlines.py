"""Geometry as what a frame can show of it: lines and borders near the frame, with no more vertices than its dots need.

shapely reads it and takes it apart. Cutting and thinning are done on the numbers alone: it takes a tenth of the time
(GEOS needs 1.6 s to cut a polygon of 500,000 vertices), and nothing can be too invalid for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from console.models.map_objects import ObjectKey
from console.models.map_view import Frame
from console.models.pictures import Outlines, Points

MARGIN = 0.5
"""How much of the frame's width and height is kept beyond each side, for the view that is moved next."""
TINY = 1.0
"""Dots that a geometry has to be wide or high to be more than a point."""
_FINEST = 0.5
"""Dots within which one vertex stands for all that follow each other there."""

_AT_ONCE = 2_000
"""Geometries: all vertices of so many are in memory together, several times."""

_LINES, _POLYGON, _COLLECTIONS = (1, 2), 3, (4, 5, 6, 7)
"""shapely's numbers of the types."""

Geometries: TypeAlias = NDArray[np.object_]
Vertices: TypeAlias = NDArray[np.float64]
Indexes: TypeAlias = NDArray[np.signedinteger[Any]]


@np.errstate(invalid="ignore", over="ignore")
def outlines(
    wkb: Sequence[bytes | None],
    frame: Frame,
    keys: Sequence[ObjectKey] = (),
    category: NDArray[np.int8] | None = None,
) -> tuple[Outlines, Points]:
    """What there is to draw of geometry in WKB or EWKB, whose coordinates are in the units of the frame's view.

    What is smaller than a dot is a point. `keys` and `category`, where they are given, have one for each geometry. Left
    out is what is NULL, empty, far outside or cannot be read, as curves cannot. Takes up to 0.2 s for 100,000
    geometries; most of it can run beside the event loop, in a thread.
    """
    parts = [_part(wkb[at : at + _AT_ONCE], frame) for at in range(0, len(wkb), _AT_ONCE)] or [
        _part((), frame)
    ]
    vertices, starts, line_owners, places, of = (np.concatenate(one) for one in zip(*parts, strict=True))
    at_vertex = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    at_geometry = _AT_ONCE * np.arange(len(parts))
    starts += np.repeat(at_vertex, [len(part[1]) for part in parts])
    line_owners += np.repeat(at_geometry, [len(part[2]) for part in parts])
    of += np.repeat(at_geometry, [len(part[4]) for part in parts])
    return (
        Outlines(vertices, starts, line_owners, tuple(keys), category),
        Points(places[:, 0], places[:, 1], _chosen(keys, of), None if category is None else category[of]),
    )


def _part(wkb: Sequence[bytes | None], frame: Frame) -> tuple[Vertices, Indexes, Indexes, Vertices, Indexes]:
    """The vertices, where each path begins and what it is of; the points, and what they are of."""
    geometry = shapely.from_wkb(np.array(wkb, dtype=object), on_invalid="ignore")
    owner = np.arange(len(geometry))
    lines: list[Geometries] = []
    owners: list[Indexes] = []
    points: list[Vertices] = []
    point_owners: list[Indexes] = []
    while True:
        middle, is_tiny, is_near = _sizes(geometry, frame)
        points.append(middle[is_tiny & is_near])
        point_owners.append(owner[is_tiny & is_near])
        geometry, owner = geometry[~is_tiny & is_near], owner[~is_tiny & is_near]
        kind = shapely.get_type_id(geometry)
        # A polygon without holes has the vertices of one line: to take it apart would take most of the time.
        has_holes = shapely.get_num_interior_rings(geometry) > 0
        is_line = np.isin(kind, _LINES) | ((kind == _POLYGON) & ~has_holes)
        rings, ring_of = shapely.get_rings(geometry[has_holes], return_index=True)
        lines += [geometry[is_line], rings]
        owners += [owner[is_line], owner[has_holes][ring_of]]
        if not (is_collection := np.isin(kind, _COLLECTIONS)).any():
            break
        geometry, part_of = shapely.get_parts(geometry[is_collection], return_index=True)
        owner = owner[is_collection][part_of]
    return (
        *_near(np.concatenate(lines), np.concatenate(owners), frame),
        np.concatenate(points),
        np.concatenate(point_owners),
    )


def _sizes(geometry: Geometries, frame: Frame) -> tuple[Vertices, NDArray[np.bool_], NDArray[np.bool_]]:
    """The middles, which are smaller than a dot, and which are anywhere near; NULL and empty are not."""
    west, south, east, north = shapely.bounds(geometry).T
    near, dot = frame.envelope.grown(MARGIN), TINY * frame.view.scale
    is_tiny = (east - west < dot) & (north - south < dot)
    is_near = (east >= near.west) & (west <= near.east) & (north >= near.south) & (south <= near.north)
    return np.stack(((west + east) / 2, (south + north) / 2), axis=1), is_tiny, is_near


def _near(lines: Geometries, owner: Indexes, frame: Frame) -> tuple[Vertices, Indexes, Indexes]:
    """The vertices of what lies near the frame, where each path begins, and what it is of."""
    vertices, line = shapely.get_coordinates(lines, return_index=True)
    kept = _worth_drawing(vertices, line, frame)
    x, y, line = vertices[kept, 0], vertices[kept, 1], line[kept]
    near = frame.envelope.grown(MARGIN)
    # A segment is seen where its bounds are.
    seen = (
        (line[1:] == line[:-1])
        & ((x[1:] >= near.west) | (x[:-1] >= near.west))
        & ((x[1:] <= near.east) | (x[:-1] <= near.east))
        & ((y[1:] >= near.south) | (y[:-1] >= near.south))
        & ((y[1:] <= near.north) | (y[:-1] <= near.north))
    )
    begins, goes_on = np.append(seen, False), np.insert(seen, 0, False)
    kept = np.flatnonzero(begins | goes_on)
    starts = np.flatnonzero(~goes_on[kept])
    return np.stack((x[kept], y[kept]), axis=1), starts, owner[line[kept[starts]]]


def _worth_drawing(vertices: Vertices, line: Indexes, frame: Frame) -> Indexes:
    """Which vertices are at another place than the one before, or an end of a line."""
    is_other = np.ones(len(vertices), bool)
    is_other[1:] = line[1:] != line[:-1]
    is_other[:-1] |= is_other[1:]
    is_other[-1:] = True
    for along, middle in ((0, frame.view.x), (1, frame.view.y)):
        place = np.floor((vertices[:, along] - middle) / (_FINEST * frame.view.scale))
        is_other[1:] |= place[1:] != place[:-1]
    return np.flatnonzero(is_other)


def _chosen(keys: Sequence[ObjectKey], of: Indexes) -> tuple[ObjectKey, ...]:
    if not keys or not len(of):
        return ()
    chosen = itemgetter(*of.tolist())(keys)
    return (chosen,) if len(of) == 1 else chosen
