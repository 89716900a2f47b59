"""Pictures of the map alone: in colours, in sixteen of them, and without any."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.models.layers import LayerName
from console.models.map_view import Envelope, Frame, MapView
from console.models.pictures import Density, Outlines, Picture, Points, Source
from console.resources import folder
from console.themes import load_theme
from console.widgets.map_canvas import MapCanvas
from console.widgets.map_cells import DrawnLayer
from console.widgets.map_legend import MapLegend
from console.widgets.map_marks import Marks
from tests.snapshots.test_widgets import SnapCompare, looks_right

PLACES = Envelope(-180, -90, 180, 90)


class Map(App[None]):
    """A legend over a map."""

    CSS_PATH: ClassVar[list[str | Path]] = [folder("themes") / "widgets.tcss"]  # type: ignore[assignment]

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.register_theme(load_theme(theme, Path("/nonexistent")))
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield MapLegend()
        yield MapCanvas()


def objects(taken: Frame) -> list[DrawnLayer]:
    """Districts, crowds, and among them sensors of five types and of others."""
    turn = np.linspace(0, 2 * np.pi, 25)
    circle = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    centres = np.array([(-120.0, 20.0), (-40.0, -30.0), (60.0, 30.0), (130.0, -20.0)])
    sizes = np.array([40.0, 30.0, 50.0, 25.0])
    vertices = (centres[:, None] + sizes[:, None, None] * circle).reshape(-1, 2)
    number = np.arange(4)
    x, y = np.meshgrid(np.linspace(-170, 170, 15), np.linspace(-80, 80, 6))
    category = (np.arange(x.size) % 6 - 1).astype(np.int8)
    return [
        _layer(taken, "districts", 1, "■", outlines=Outlines(vertices, number * 25, number)),
        _layer(
            taken,
            "sensors",
            0,
            "●",
            points=Points(x.ravel() + 3 * np.sin(y.ravel()), y.ravel(), (), category),
            categories=("door", "wall", "[red]pump[/]", "fan", "lamp"),
        ),
    ]


def crowds(taken: Frame) -> list[DrawnLayer]:
    """Three hills of density."""
    rows, columns = np.mgrid[0 : taken.rows, 0 : taken.columns]
    counts = sum(
        height * np.exp(-(((columns - x) / width) ** 2 + ((rows - y) / width) ** 2))
        for x, y, width, height in ((60, 40, 30, 300), (150, 80, 18, 2000), (190, 30, 9, 90))
    )
    return [
        _layer(taken, "trees", 2, "▲", density=Density(np.floor(counts).astype(np.float32))),
        *objects(taken)[:1],
    ]


def _layer(
    taken: Frame,
    table: str,
    colour: int,
    glyph: str,
    *,
    density: Density | None = None,
    points: Points | None = None,
    outlines: Outlines | None = None,
    categories: tuple[str, ...] = (),
) -> DrawnLayer:
    name = LayerName("public", table, "geom")
    picture = Picture(name, taken, Source.EXACT, None, True, True, density, points, outlines, categories)
    return DrawnLayer(picture, colour, glyph)


MARKS = Marks(
    cursor=(20, 10),
    chosen=[(-100, 40)],
    rectangle=Envelope(-60, -60, -10, -30),
    path=[(60, -60), (120, -40), (100, 60)],
)


async def show(pilot: Pilot[None], *, of_crowds: bool) -> None:
    await pilot.pause()
    canvas = pilot.app.query_one(MapCanvas)
    view = MapView(0, 0, 1, None, True).fitted(PLACES, canvas.size.width * 2, canvas.size.height * 4)
    canvas.show(view, [])
    assert canvas.frame is not None
    layers = (crowds if of_crowds else objects)(canvas.frame)
    # What was taken elsewhere is shown where it belongs; to the right nothing is known yet.
    canvas.show(view.panned(24, 0) if of_crowds else view, layers, Marks() if of_crowds else MARKS)
    pilot.app.query_one(MapLegend).show(layers, canvas.ramp)
    await pilot.pause()


@pytest.mark.parametrize("theme", ["dark", "light", "sixteen"])
@pytest.mark.parametrize("of_crowds", [False, True], ids=["objects", "crowds"])
def test_map(snap_compare: SnapCompare, theme: str, of_crowds: bool) -> None:
    assert looks_right(snap_compare, Map(theme), (110, 30), lambda pilot: show(pilot, of_crowds=of_crowds))


def test_map_without_colours(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert looks_right(snap_compare, Map("sixteen"), (80, 24), lambda pilot: show(pilot, of_crowds=False))
