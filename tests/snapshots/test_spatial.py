"""Pictures of screen 6: the map in three sizes and other colours, an object in full, layers, what is drawn over it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.errors import QueryTimedOut
from console.models.layers import SpatialSnapshot
from console.settings import Settings
from tests.fake_spatial import NOW
from tests.fakes import LOST, FakeConsole
from tests.snapshots.test_screens import DESIGN, SIZE_NAMES, SIZES, SMALL, SnapCompare, Step, production
from tests.unit.test_spatial_screen import press, settled


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def keys(*pressed: str) -> Step:
    """Opens the screen and presses keys, each when the one before has had its effect."""

    async def run(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await press(pilot, "6", *pressed)

    return run


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("plus", "enter")], ids=["map", "detail"])
def test_map(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys(*pressed))


@pytest.mark.parametrize("theme", ["light", "sixteen"])
def test_layers_in_other_colours(snap_compare: SnapCompare, theme: str) -> None:
    settings = production().model_copy(update={"theme": theme})
    pressed = ("L", "down", "space", "down", "space")
    assert snap_compare(FakeConsole(settings=settings), terminal_size=DESIGN, run_before=keys(*pressed))


def test_without_colours(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("m", "right", "enter", "down"))


def test_a_rectangle_over_statistics(snap_compare: SnapCompare) -> None:
    app = FakeConsole()
    app.spatial.pictures.held = asyncio.Event()
    drawn = keys("v", "shift+right", "shift+down")
    assert snap_compare(app, terminal_size=SMALL, run_before=drawn)


@pytest.mark.parametrize("pressed", ["o", "w"], ids=["constraints", "checks"])
def test_what_is_wrong(snap_compare: SnapCompare, pressed: str) -> None:
    assert snap_compare(FakeConsole(), terminal_size=DESIGN, run_before=keys(pressed, "down"))


def test_a_step_that_failed(snap_compare: SnapCompare) -> None:
    app = FakeConsole()
    app.spatial.pictures.problem = QueryTimedOut(
        "The server did not answer within 1 s; what is seen is older."
    )
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())


def test_a_lost_connection(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(link=LOST, age=42.0), terminal_size=SMALL, run_before=keys())


def test_no_layer(snap_compare: SnapCompare) -> None:
    app = FakeConsole(settings=Settings(theme="dark", environment="development"))
    notes = ("PostGIS is not installed here: CREATE EXTENSION postgis; brings geometry of every kind.",)
    app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (), None, None, notes))
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())
