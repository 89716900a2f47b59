"""A pyramid's cells as a frame's dots: nothing is lost and nothing comes to be."""

from __future__ import annotations

import numpy as np
import pytest

from console.data.spatial.pyramids_grid import Square, in_dots, morton, morton_places
from console.models.map_view import Envelope, Frame, MapView

SQUARE = Square(-512, -512, 1024)
CELLS = np.random.default_rng(1).integers(0, 5, (256, 256)).astype(float)
"""The square at level 8: cells of 4 × 4."""


def frame(x: float, y: float, scale: float, columns: int = 240, rows: int = 160) -> Frame:
    return MapView(x, y, scale, None).frame(columns, rows)


def test_counts_stay_whole_where_cells_and_dots_have_the_same_borders() -> None:
    dots = in_dots(CELLS, 0, 0, 8, SQUARE, frame(0, 0, 8, 128, 128))
    assert np.array_equal(dots[::-1], CELLS.reshape(128, 2, 128, 2).sum(axis=(1, 3)))
    # Half of the square, and the dots are a quarter of a cell.
    part = in_dots(CELLS[128:], 0, 128, 8, SQUARE, frame(0, 256, 2, 512, 256))
    assert np.array_equal(part[::-1], np.kron(CELLS[128:], np.ones((2, 2))) / 4)


@pytest.mark.parametrize("scale", [6.5, 7.3, 1e6])
def test_sums_stay_what_they_are_wherever_the_borders_are(scale: float) -> None:
    dots = in_dots(CELLS, 0, 0, 8, SQUARE, frame(3.3, -1.7, scale))
    assert dots.sum(dtype=float) == CELLS.sum()
    assert dots.min() >= 0


def test_the_level_has_cells_no_larger_than_dots_or_is_the_finest() -> None:
    for scale, finest, level in ((4, 12, 8), (3.9, 12, 9), (7.9, 12, 8), (1000, 12, 4), (1e-3, 12, 12)):
        assert SQUARE.level(frame(0, 0, scale), finest) == level
    window = SQUARE.window(frame(-512, 512, 4, 100, 100), 8)
    assert (window.column, window.end_column, window.row, window.end_row) == (0, 50, 206, 256)
    assert SQUARE.window(frame(2000, 0, 4, 100, 100), 8).is_empty


def test_cells_are_numbered_with_their_parts_together() -> None:
    columns, rows = morton_places(4)
    assert np.array_equal(morton(columns, rows), np.arange(256))
    assert np.array_equal(morton(columns >> 1, rows >> 1), np.arange(256) >> 2)


def test_a_square_can_be_divided_even_around_a_single_point() -> None:
    square = Square.around(Envelope(5e6, 3e6, 5e6, 3e6))
    assert 0 < square.cell(16) < 1e-3
