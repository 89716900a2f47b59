"""What there is to draw of geometry: near the frame, no finer than its dots, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely

from console.data.spatial.outlines import outlines
from console.models.map_view import Frame, MapView
from console.models.pictures import Outlines
from console.widgets.map_raster import line_dots


def frame(columns: int = 40, rows: int = 40, scale: float = 1.0) -> Frame:
    """A frame around 0, 0."""
    return MapView(0, 0, scale, None).frame(columns, rows)


def wkb(*texts: str) -> list[bytes]:
    with np.errstate(invalid="ignore"):
        return [shapely.to_wkb(shapely.from_wkt(text)) for text in texts]


def paths(found: Outlines) -> list[list[tuple[float, float]]]:
    ends = [*found.starts.tolist(), len(found.vertices)]
    return [[(x, y) for x, y in found.vertices[start:end].tolist()] for start, end in pairwise(ends)]


def test_every_type_is_taken_apart() -> None:
    keys = [(str(number),) for number in range(8)]
    found, points = outlines(
        wkb(
            "POINT (1 2)",
            "LINESTRING (0 0, 5 5)",
            "POLYGON ((0 0, 9 0, 9 9, 0 0), (3 1, 6 1, 6 4, 3 1))",
            "MULTIPOINT (1 1, 15 5)",
            "MULTILINESTRING ((0 0, 5 0), (0 3, 5 3))",
            "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0)), ((5 5, 5.1 5, 5.1 5.1, 5 5)))",
            "GEOMETRYCOLLECTION (POINT (7 7), GEOMETRYCOLLECTION (LINESTRING (0 0, 0 9), POINT (8 8)))",
            "POLYGON ((7 7, 7.5 7, 7.5 7.5, 7 7))",
        ),
        frame(),
        keys,
        np.arange(8, dtype=np.int8),
    )
    assert sorted(zip(found.owner.tolist(), paths(found), strict=True)) == [
        (1, [(0, 0), (5, 5)]),
        (2, [(0, 0), (9, 0), (9, 9), (0, 0)]),
        (2, [(3, 1), (6, 1), (6, 4), (3, 1)]),
        (4, [(0, 0), (5, 0)]),
        (4, [(0, 3), (5, 3)]),
        (5, [(0, 0), (9, 0), (9, 9), (0, 0)]),
        (6, [(0, 0), (0, 9)]),
    ]
    assert found.keys == tuple(keys)
    assert points.category is not None
    places = zip(points.category.tolist(), points.keys, points.x.tolist(), points.y.tolist(), strict=True)
    assert sorted(places) == [
        (0, ("0",), 1, 2),
        (3, ("3",), 1, 1),
        (3, ("3",), 15, 5),
        (5, ("5",), pytest.approx(5.05), pytest.approx(5.05)),
        (6, ("6",), 7, 7),
        (6, ("6",), 8, 8),
        (7, ("7",), 7.25, 7.25),
    ]


def test_nothing_is_too_broken() -> None:
    curve = bytes.fromhex("0108000000030000") + bytes(46)
    found, points = outlines(
        [
            None,
            b"",
            b"no geometry",
            curve,
            *wkb(
                "POINT EMPTY",
                "GEOMETRYCOLLECTION EMPTY",
                "MULTIPOLYGON (EMPTY)",
                "POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))",
                "LINESTRING (0 0, 5 0, NaN NaN, 5 5, 0 5)",
                "LINESTRING (0 0, 1e308 0, -1e308 7, 0 7)",
            ),
            shapely.to_wkb(shapely.Point(np.nan, np.nan)),
            shapely.to_wkb(shapely.Point(np.inf, 0)),
            shapely.to_wkb(shapely.set_srid(shapely.Point(1, 2, 3), 4326), include_srid=True),
        ],
        frame(),
    )
    assert (points.x.tolist(), points.y.tolist()) == ([1], [2])
    assert found.owner.tolist() == [7, 8, 9]
    vertices = found.vertices[: found.starts[2]]
    crossed = Outlines(vertices, found.starts[:2], found.owner[:2])
    assert paths(crossed)[0] == [(0, 0), (9, 9), (9, 0), (0, 9), (0, 0)]
    rows = set(
        (line_dots(frame(), replace(crossed, vertices=vertices[5:], starts=np.array([0]))).at // 40).tolist()
    )
    assert rows == {20, 15}, "a line goes on behind what is no number"
    assert len(line_dots(frame(), found).at)
    nothing, no_points = outlines([], frame())
    assert (len(nothing.starts), len(no_points.x)) == (0, 0)


def test_what_is_far_away_is_cut_off_and_the_rest_thinned_without_another_picture() -> None:
    angle = np.linspace(0, 2 * np.pi, 100_001)
    circle = np.stack((np.cos(angle), np.sin(angle)), axis=1) * 1000
    far = np.array([[5000, 5000], [6000, 6000]])
    view = MapView(1000, 0, 1, None).frame(60, 60)
    found, points = outlines(
        [shapely.to_wkb(shapely.linestrings(circle)), shapely.to_wkb(shapely.linestrings(far))], view
    )
    assert len(points.x) == 0
    assert set(found.owner.tolist()) == {0}
    assert len(found.starts) == 2, "the path is cut where it is outside"
    assert len(found.vertices) < 600
    whole = Outlines(circle, np.array([0]), np.array([0]))
    drawn, expected = (set(line_dots(view, one).at.tolist()) for one in (found, whole))
    assert len(drawn ^ expected) <= 0.1 * len(expected), "half a dot beside it at most"
