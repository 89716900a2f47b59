"""The map: what of the layers is in which cell, what the mouse wants, and what it costs to send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.color import ColorSystem
from textual._compositor import LayoutUpdate
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from console.models.layers import LayerName
from console.models.map_view import Envelope, Frame, MapView
from console.models.pictures import Density, Outlines, Picture, Points, Source
from console.terminal.painter import Painter
from console.themes import SHIPPED, load_theme
from console.widgets.map_canvas import MapCanvas
from console.widgets.map_cells import COLOURS, HALF, OTHER, STEPS, Cells, DrawnLayer, Look
from console.widgets.map_colours import MapColours
from console.widgets.map_layers import compose
from console.widgets.map_legend import MapLegend, signs
from console.widgets.map_marks import Marks, with_marks
from console.widgets.map_raster import Ramp


def frame(columns: int, rows: int) -> Frame:
    """So many cells, the lower left corner at 0, 0."""
    return MapView(columns, rows * 2, 1, None).frame(2 * columns, 4 * rows)


def layer(
    taken: Frame,
    *,
    colour: int = 0,
    glyph: str = "●",
    table: str = "trees",
    categories: tuple[str, ...] = (),
    density: Density | None = None,
    points: Points | None = None,
    outlines: Outlines | None = None,
) -> DrawnLayer:
    picture = Picture(
        LayerName("public", table, "geom"),
        taken,
        Source.EXACT,
        None,
        True,
        True,
        density,
        points,
        outlines,
        categories,
    )
    return DrawnLayer(picture, colour, glyph)


def points(*places: tuple[float, float], category: Sequence[int] | None = None) -> Points:
    x, y = np.array(places, np.float64).reshape(-1, 2).T
    return Points(x, y, (), None if category is None else np.array(category, np.int8))


def line(*places: tuple[float, float]) -> Outlines:
    return Outlines(np.array(places, np.float64), np.array([0]), np.array([0]))


def text(cells: Cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs.tolist()]


def crowd(count: int, seed: int = 1, spread: float = 1.0) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    return chance.uniform(0, 240 * spread, count), chance.uniform(0, 160 * spread, count)


# What is in the cells -------------------------------------------------------------------------------------------------


def test_a_point_that_is_alone_is_a_glyph_and_several_in_a_cell_are_dots() -> None:
    cells = compose(
        frame(40, 3),
        [layer(frame(40, 3), glyph="▲", points=points((0.5, 11.5), (79.5, 0.5), (77.5, 0.5), (76.5, 3.5)))],
        Look.COLOURS,
    )
    assert text(cells) == ["▲" + " " * 39, " " * 40, " " * 38 + "⢁▲"]


def test_layers_share_their_dots_and_the_topmost_gives_the_colour() -> None:
    wide = frame(24, 1)
    lower = layer(wide, colour=1, outlines=line((0.5, 0.5), (7.5, 0.5)))
    upper = layer(wide, colour=2, outlines=line((4.5, 3.5), (11.5, 3.5)))
    cells = compose(wide, [lower, upper], Look.COLOURS)
    assert text(cells) == ["⣀⣀⣉⣉⠉⠉" + " " * 18]
    assert cells.ink[0, :6].tolist() == [1, 1, 2, 2, 2, 2]


def test_density_is_half_blocks_in_colours_and_shades_without_them() -> None:
    taken = frame(40, 10)
    counts = np.zeros((40, 80), np.float32)
    counts[0:2, 0:2], counts[2:4, 2:4], counts[4:8, 4:6] = 25, 250, 2500
    drawn = layer(taken, colour=1, density=Density(counts))
    cells = compose(taken, [drawn], Look.COLOURS)
    assert [row.rstrip() for row in text(cells)[:3]] == ["▀▄", "", ""]
    low, middle, high = cells.ink[0, 0] - HALF, cells.ink[0, 1] - HALF, cells.ground[1, 2]
    assert 1 + STEPS <= low < middle < high <= 2 * STEPS
    assert np.argwhere(cells.ground).tolist() == [[1, 2]]
    few = compose(taken, [drawn], Look.FEW_COLOURS)
    assert [row.rstrip() for row in text(few)[:3]] == [".░", "  ▓", ""]
    assert not few.ground.any()


def test_sparse_density_is_dots() -> None:
    taken = frame(24, 2)
    counts = np.zeros((8, 48), np.float32)
    counts[3, 5] = counts[4, 6] = 1
    assert text(compose(taken, [layer(taken, density=Density(counts))], Look.COLOURS)) == [
        "  ●" + " " * 21,
        "   ●" + " " * 20,
    ]


def test_crowded_points_are_density_and_keep_their_commonest_colour() -> None:
    x, y = crowd(20_000)
    category = np.where(x < 120, 3, -1).astype(np.int8)
    taken = frame(120, 40)
    cells = compose(
        taken, [layer(taken, categories=("a", "b", "c", "d"), points=Points(x, y, (), category))], Look.GLYPHS
    )
    assert set("".join(text(cells))) <= set(" .░▒▓█")
    assert set(cells.ink[:, :58].ravel().tolist()) <= {3}
    assert set(cells.ink[:, 62:].ravel().tolist()) <= {OTHER, 3}
    assert cells.ramp is not None


def test_too_many_borders_are_density_but_for_the_large_ones() -> None:
    chance = np.random.default_rng(1)
    corners = chance.uniform(0, 160, (4000, 1, 2)) * (1.5, 1)
    squares = corners + np.array([[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]])
    large = np.array([[[20.5, 20.5], [220.5, 20.5], [220.5, 140.5], [20.5, 140.5], [20.5, 20.5]]])
    vertices = np.concatenate((squares, large)).reshape(-1, 2)
    number = np.arange(4001)
    taken = frame(120, 40)
    cells = compose(taken, [layer(taken, outlines=Outlines(vertices, number * 5, number))], Look.COLOURS)
    assert all(row[10] > "\u2800" and row[110] > "\u2800" for row in text(cells)[6:34]), (
        "the large one is a border"
    )
    assert set("".join(row[40:80] for row in text(cells)[6:34])) <= set(" .░▒▓█"), "the others are density"


def test_a_picture_of_another_frame_is_moved_and_what_it_does_not_know_is_marked() -> None:
    taken = frame(20, 4)
    drawn = layer(taken, points=points((2.5, 8.5)))
    moved = taken.view.panned(-20, 0).frame(40, 16)
    lines = text(compose(moved, [drawn], Look.COLOURS))
    assert lines[1][11] == "●"
    assert all(set(row[10:]) <= set(" ●") for row in lines)
    assert set("".join(row[:10] for row in lines)) == set(" ·")
    far = taken.view.zoomed(0.001).frame(40, 16)
    assert "●" in "".join(text(compose(far, [drawn], Look.COLOURS)))


def test_without_colours_glyphs_tell_layers_and_categories_apart() -> None:
    x, y = crowd(600)
    taken = frame(120, 40)
    drawn = layer(taken, categories=("a", "b"), points=Points(x, y, (), (x < 120).astype(np.int8)))
    assert set("".join(text(compose(taken, [drawn], Look.GLYPHS)))) == set(" ●■")
    trees, doors = (layer(taken, glyph=glyph, points=Points(x[part], y[part])) for glyph, part in
                    (("▲", slice(0, 300)), ("○", slice(300, 600))))  # fmt: skip
    assert set("".join(text(compose(taken, [trees, doors], Look.GLYPHS)))) == set(" ▲○")
    assert [(sign.glyph, sign.words) for sign in signs([trees, drawn])] == [
        ("●", "a"), ("■", "b"), ("▪", "other"), ("▲", "trees"),
    ]  # fmt: skip


def test_marks_lie_over_everything_and_leave_the_layers_as_they_are() -> None:
    taken = frame(12, 5)
    cells = compose(taken, [layer(taken, points=points((4.5, 10.5)))], Look.COLOURS)
    before = text(cells)
    marks = Marks(
        cursor=(4.5, 10.5),
        chosen=[(20.5, 18.5), (99, 99)],
        rectangle=Envelope(12, 4, 20, 16),
        path=[(1, 1), (9, 1)],
    )
    assert text(with_marks(cells, taken, marks)) == [
        "          ◆ ",
        "  │   ┌──┐  ",
        "─ ● ─ │  │  ",
        "  │   └──┘  ",
        "○⣀⣀⣀○       ",
    ]
    assert text(cells) == before
    outside = Marks(cursor=(-1, 0), rectangle=Envelope(-50, -50, 50, 50), path=[(-50, -50), (-40, -50)])
    assert text(with_marks(cells, taken, outside)) == before


# The widget -----------------------------------------------------------------------------------------------------------


class Map(App[None]):
    """A map alone on a screen, which notes what it is told."""

    def __init__(self, theme: str = "dark") -> None:
        super().__init__()
        self.register_theme(load_theme(theme, Path("/nonexistent")))
        self.theme = theme
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield MapCanvas()

    def note(self, message: Message) -> None:
        self.told.append(message)

    on_map_canvas_clicked = on_map_canvas_panned = on_map_canvas_zoomed = on_map_canvas_spanned = note

    @property
    def canvas(self) -> MapCanvas:
        return self.query_one(MapCanvas)


async def test_the_mouse_says_what_it_wants() -> None:
    app = Map()
    async with app.run_test(size=(20, 10)) as pilot:
        view = MapView(20, 20, 1, None)
        app.canvas.show(view, [])
        await pilot.click(MapCanvas, offset=(3, 2))
        await pilot.mouse_down(MapCanvas, offset=(3, 2))
        await pilot.hover(MapCanvas, offset=(5, 1))
        await pilot.mouse_up(MapCanvas, offset=(5, 1))
        app.canvas.draws_rectangle = True
        await pilot.mouse_down(MapCanvas, offset=(8, 6))
        await pilot.hover(MapCanvas, offset=(5, 4))
        await pilot.mouse_up(MapCanvas, offset=(5, 4))
        await pilot.pause()
        rectangle = Envelope(10, 12, 18, 24)
        assert app.told == [
            MapCanvas.Clicked(7, 30, 1, False),
            MapCanvas.Panned(4, -4),
            MapCanvas.Spanned(rectangle, False),
            MapCanvas.Spanned(rectangle, True),
        ]
        assert app.canvas.frame == view.frame(40, 40)


async def test_colours_can_be_told_apart_in_every_theme() -> None:
    for theme in SHIPPED:
        app = Map(theme)
        async with app.run_test(size=(20, 10)):
            colours = MapColours(app, app.canvas.background_colors[1])
            inks = {str(colours.style(kind, 0).color) for kind in range(COLOURS + 1)}
            assert len(inks) == COLOURS + 1, theme
            if theme != "sixteen":
                steps = {colours.style(0, 1 + step).bgcolor for step in range(STEPS)}
                assert len(steps | {colours.style(0, 0).bgcolor}) == STEPS + 1, theme


@pytest.mark.parametrize("theme", ["dark", "sixteen"])
async def test_a_frame_is_eight_kilobytes_at_most(theme: str) -> None:
    """Of the map of a terminal of 120×40, where each frame shows something else."""
    noise, other_noise = crowd(50_000), crowd(50_000, 2)
    few, other_few = crowd(2500), crowd(2500, 2)
    chance = np.random.default_rng(1)
    number = np.arange(3000)
    corners = chance.uniform(0, 160, (3000, 1, 2)) * (1.5, 1) + np.array(
        [[0, 0], [5, 0], [5, 4], [0, 4], [0, 0]]
    )
    borders = Outlines(corners.reshape(-1, 2), number * 5, number)
    few_borders = Outlines(borders.vertices[:100], borders.starts[:20], number[:20])
    counts = chance.lognormal(3, 2, (160, 240)).astype(np.float32)
    taken = frame(120, 40)
    scenes: list[list[DrawnLayer]] = [
        [layer(taken, density=Density(counts))],
        [layer(taken, density=Density(counts[::-1]))],
        [layer(taken, points=Points(*noise))],
        [layer(taken, points=Points(*other_noise))],
        [layer(taken, points=Points(*few))],
        [layer(taken, points=Points(*other_few))],
        [layer(taken, outlines=borders)],
        [layer(taken, points=Points(*noise)), layer(taken, colour=1, outlines=few_borders)],
    ]
    app = Map(theme)
    async with app.run_test(size=(118, 34)):
        painter = Painter(ColorSystem.STANDARD if theme == "sixteen" else ColorSystem.TRUECOLOR)

        def sent() -> int:
            lines: list[Iterable[Strip]] = [[app.canvas.render_line(y)] for y in range(34)]
            return len(painter.frame(LayoutUpdate(lines, Region(0, 0, 118, 34)), (0, 0)).encode())

        sizes = []
        for scene in scenes:
            app.canvas.show(taken.view, scene)
            sizes.append(sent())
        assert max(sizes) <= 8192, sizes
        app.canvas.show(taken.view, scenes[-1], Marks(cursor=(100, 100)))
        assert sent() < 250
        app.canvas.show(taken.view, scenes[-1], Marks(cursor=(100, 100)))
        assert sent() == 0


@pytest.mark.parametrize(
    ("width", "line"), [(60, "● trees   shades from 10 · 20 · 40 a cell"), (24, "● trees"), (5, "● tr…")]
)
async def test_a_legend_says_all_of_the_steps_or_none(width: int, line: str) -> None:
    app = App[None]()
    async with app.run_test(size=(width, 3)) as pilot:
        legend = MapLegend()
        await app.mount(legend)
        legend.show([layer(frame(4, 4))], Ramp(5.0, 2.0, 4))
        await pilot.pause()
        assert legend.has_class("-plain")
        assert legend.render_line(0).text.rstrip() == line
        legend.show([layer(frame(4, 4)), layer(frame(4, 4), colour=1, glyph="■", table="[b]x")])
        await pilot.pause()
        assert not legend.has_class("-plain")
        assert legend.render_line(0).text.startswith("■ [b]x   ● trees"[: width - 1])
