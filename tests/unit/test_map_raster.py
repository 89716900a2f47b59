"""Geometry as dots and counts, against pictures made by hand."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from console.models.map_view import Frame, MapView
from console.models.pictures import Density, Outlines
from console.widgets.map_raster import (
    Ramp,
    braille,
    counts_at,
    density_in_squares,
    in_squares,
    line_dots,
    point_dots,
    ramp,
    smoothed,
    stepped,
)


def frame(columns: int, rows: int, scale: float = 1.0) -> Frame:
    """A frame whose lower left corner is at 0, 0."""
    return MapView(columns * scale / 2, rows * scale / 2, scale, None).frame(columns, rows)


def outlines(*paths: list[tuple[float, float]]) -> Outlines:
    vertices = np.array([vertex for path in paths for vertex in path], np.float64).reshape(-1, 2)
    lengths = [len(path) for path in paths]
    starts = np.cumsum([0, *lengths[:-1]]) if paths else np.empty(0, np.intp)
    return Outlines(vertices, starts.astype(np.intp), np.arange(len(paths)))


def picture(columns: int, rows: int, *paths: list[tuple[float, float]]) -> list[str]:
    dots = np.zeros(columns * rows, bool)
    dots[line_dots(frame(columns, rows), outlines(*paths)).at] = True
    return ["".join("#" if dot else "." for dot in row) for row in dots.reshape(rows, columns)]


def test_points_are_where_they_are_north_up() -> None:
    x = np.array([0.5, 3.5, 3.9, 4.0, -0.1, nan, inf, 1e300])
    y = np.array([0.5, 1.5, 1.1, 1.0, 1.0, 1.0, 1.0, 1e300])
    found = point_dots(frame(4, 2), x, y)
    assert found.of.tolist() == [0, 1, 2], "what is outside or no number is left out"
    assert counts_at(frame(4, 2), found.at).tolist() == [[0, 0, 0, 2], [1, 0, 0, 0]]


def test_lines_join_their_vertices() -> None:
    assert picture(6, 4, [(0.5, 0.5), (5.5, 3.5)], [(0.5, 3.5)], [(5.5, 0.5), (5.5, 0.6)]) == [
        "#....#",
        "...##.",
        ".##...",
        "#....#",
    ]
    assert picture(6, 4, [(1.5, 0.5), (4.5, 0.5), (4.5, 3.5), (1.5, 3.5), (1.5, 0.5)]) == [
        ".####.",
        ".#..#.",
        ".#..#.",
        ".####.",
    ]


def test_lines_are_cut_at_the_frame_without_losing_their_direction() -> None:
    far = 1e9
    assert picture(4, 4, [(-far, -far), (far, far)]) == ["...#", "..#.", ".#..", "#..."]
    assert picture(4, 4, [(-far, 2.5), (far, 2.5)]) == ["....", "####", "....", "...."]
    assert (
        picture(4, 4, [(-5, 1), (3, 9)], [(5, 5), (9, 9)], [(nan, 1), (2, 2)], [(0, inf), (1, 1)])
        == ["...."] * 4
    )
    assert picture(2, 4) == [".."] * 4


def test_braille_has_eight_dots() -> None:
    dots = np.zeros((4, 16), bool)
    for number, (row, column) in enumerate([(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1)]):
        dots[row, 2 * number + column] = True
    assert braille(dots).tolist() == [[1, 2, 4, 8, 16, 32, 64, 128]]


def test_density_is_divided_by_area_wherever_the_view_has_gone() -> None:
    taken = frame(8, 8)
    counts = np.arange(64, dtype=np.float32).reshape(8, 8)
    assert density_in_squares(Density(counts), taken, taken) == pytest.approx(in_squares(counts))
    moved = density_in_squares(Density(counts), taken, taken.view.panned(4, -2).frame(8, 8))
    expected = np.zeros((4, 4), np.float32)
    expected[1:, :2] = in_squares(counts)[:3, 2:]
    assert moved == pytest.approx(expected)
    closer = density_in_squares(Density(counts), taken, taken.view.zoomed(4).frame(8, 8))
    assert closer[:2, :2] == pytest.approx(np.full((2, 2), counts[3, 3] / 4))
    coarse = density_in_squares(Density(np.array([[8.0, 0], [0, 16]], np.float32)), taken, taken)
    assert coarse[0].tolist() == [2, 2, 0, 0]
    assert coarse.sum() == 24


def test_steps_are_round_and_stay_when_the_values_change_a_little() -> None:
    values = np.geomspace(600, 20_000, 1000).astype(np.float32)
    scale = ramp(values, 6)
    assert scale == Ramp(500, 2, 6)
    assert ramp(values * 1.05, 6) == scale
    assert stepped(np.array([0, 1, 999, 1000, 16_001, 1e9], np.float32), scale).tolist() == [0, 1, 1, 2, 6, 6]
    assert ramp(np.zeros(4, np.float32), 6).steps == 6


def test_smoothing_keeps_what_there_is() -> None:
    counts = np.zeros((7, 9), np.float32)
    counts[3, 4] = 9
    smooth = smoothed(counts, 1)
    assert smooth[2:5, 3:6] == pytest.approx(np.ones((3, 3)))
    assert np.count_nonzero(smooth) == 9, "nothing is left elsewhere by the arithmetic"
    assert smoothed(counts, 0) is counts
