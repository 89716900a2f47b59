"""What is kept of pictures, and what a frame inside a larger one shows of it."""

from __future__ import annotations

import numpy as np

from console.data.spatial import picture_shelf
from console.data.spatial.picture_shelf import PictureShelf
from console.models.layers import EVERYTHING, LayerName
from console.models.map_view import Frame, MapView
from console.models.pictures import Outlines, Picture, Points, Source
from tests.fakes import StoppedClock

LAYER = LayerName("public", "roads", "g")
KEY = (LAYER, EVERYTHING, None)


def frame(x: float, columns: int = 20) -> Frame:
    """Of a map with a unit a dot."""
    return MapView(x, 0.0, 1.0, 4326, True).frame(columns, 20)


def picture(of: Frame, outlines: Outlines, points: Points) -> Picture:
    return Picture(LAYER, of, Source.EXACT, len(outlines.keys), True, True, points=points, outlines=outlines)


def lines(number: int, x: float) -> Outlines:
    """So many lines of two vertices, next to each other from `x` on."""
    vertices = np.array([(x + one + end / 2, 0.0) for one in range(number) for end in (0, 1)], np.float64)
    starts = np.arange(0, 2 * number, 2)
    return Outlines(vertices, starts, np.arange(number), tuple((str(one),) for one in range(number)))


def points(number: int, x: float) -> Points:
    return Points(np.arange(number, dtype=np.float64) + x, np.zeros(number))


def test_what_has_a_vertex_in_the_frame_is_counted() -> None:
    shelf = PictureShelf(StoppedClock())
    shelf.put(KEY, picture(frame(0, 80), lines(40, -19.75), points(4, 8)))
    cut = shelf.find(KEY, frame(0))
    assert cut is not None
    assert (cut.count, cut.count_is_exact) == (20 + 3, False)
    nothing = shelf.find(KEY, frame(30))
    assert nothing is not None
    assert nothing.count == 0
    assert shelf.find(KEY, frame(35)) is None, "it reaches beyond what was fetched"


def test_what_is_kept_takes_no_more_than_so_many_bytes() -> None:
    shelf = PictureShelf(StoppedClock())
    large = 20_000
    for number in range(8):
        shelf.put(KEY, picture(frame(100.0 * number), lines(large, 100.0 * number), points(0, 0)))
    kept = [number for number in range(8) if shelf.find(KEY, frame(100.0 * number)) is not None]
    one = picture_shelf._size(picture(frame(0), lines(large, 0), points(0, 0)))
    assert kept == list(range(8 - picture_shelf.MOST_BYTES // one, 8))
