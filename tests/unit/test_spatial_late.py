"""Screen 6 where answers come late: what they may still change when the person, or the layer, has gone on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.color import ColorType
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.export import ExportDialog
from console.dialogs.help import HelpDialog
from console.models.layers import SpatialSnapshot
from console.screens.spatial import SpatialScreen
from console.settings import Settings
from tests.fake_spatial import CAD, NOW, ROOMS
from tests.fakes import LOST, FakeConsole
from tests.live import until
from tests.unit.test_spatial_screen import (
    SIZE,
    _no_settings_of_this_machine,
    line,
    map_of,
    opened,
    press,
    said,
    shown,
    view_of,
)

__all__ = ["_no_settings_of_this_machine"]


class Late:
    """Answers of a service that come when they are let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, service: object, name: str) -> None:
        self.asked = 0
        self.may_come = asyncio.Event()
        ask: Callable[..., Any] = getattr(service, name)

        async def held(*arguments: Any, **named: Any) -> Any:
            self.asked += 1
            await self.may_come.wait()
            return await ask(*arguments, **named)

        monkeypatch.setattr(service, name, held)

    async def is_asked(self) -> None:
        await until(lambda: self.asked > 0)

    async def comes(self, pilot: Pilot[int]) -> None:
        self.may_come.set()
        await press(pilot)


async def hit(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys without waiting for what comes of them."""
    await pilot.press(*keys)
    for _ in range(4):
        await pilot.pause()


def is_sound(app: FakeConsole) -> bool:
    """Whether no worker has failed where nobody sees it."""
    return all(worker.error is None for worker in app.workers)


def active_layer(screen: SpatialScreen) -> object:
    return screen.active.layer if screen.active is not None else None


async def test_what_was_asked_about_a_layer_is_said_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FakeConsole()
    objects = app.spatial.objects
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        map_ = map_of(screen)
        with monkeypatch.context() as patch:
            late = Late(patch, objects, "filter")
            await hit(pilot, "slash", *"wall", "enter")
            await late.is_asked()
            await hit(pilot, "L", "down", "space")
            await until(lambda: len(screen.stack.visible) == 2)
            named = map_.named
            naming = Late(patch, objects, "nearest")
            await hit(pilot, "enter")
            assert active_layer(screen) == ROOMS
            assert named is not None
            assert map_.named is None, "it was one of the other layer"
            late.may_come.set()
            await naming.comes(pilot)
        assert {one.layer: one.words for one in screen.stack.visible} == {CAD: "wall", ROOMS: ""}
        map_.named = named
        aim = screen.aim()
        assert aim is not None
        assert (aim.layer, aim.keys) == (ROOMS, ()), "a key of one layer may be a key of the other"

        # What changes is named anew: the object at the cursor may be gone.
        with monkeypatch.context() as patch:
            late = Late(patch, objects, "nearest")
            screen.show_changed(ROOMS)
            assert map_.named is None
            await late.comes(pilot)
        assert map_.named is not None

        # What has its place in another SRID is not drawn where it is not.
        await press(pilot, "enter", "escape", "m")
        assert map_.selected
        assert map_.drawing is not None
        await press(pilot, "L", "down", "enter")
        assert view_of(screen).srid is None
        assert not map_.selected
        assert map_.drawing is None
    assert is_sound(app)


async def test_who_has_gone_elsewhere_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FakeConsole()
    spatial = app.spatial
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        map_ = map_of(screen)
        with monkeypatch.context() as patch:
            late = Late(patch, spatial.layers, "extent")
            await hit(pilot, "f", "right")
            there = view_of(screen)
            await late.comes(pilot)
            assert view_of(screen) == there
        with monkeypatch.context() as patch:
            late = Late(patch, spatial.objects, "detail")
            await hit(pilot, "g", *"116", "enter")
            await late.is_asked()
            map_.pan_screen(1.5, 0)
            there = view_of(screen)
            await late.comes(pilot)
            assert view_of(screen) == there
            assert "project: Tower B" in screen.side.detail.text
        await press(pilot, "escape")

        # A list says nothing over what has taken its place, and takes no key from a person who types.
        with monkeypatch.context() as patch:
            late = Late(patch, spatial.constraints, "page")
            await hit(pilot, "o", "escape")
            await late.comes(pilot)
            assert (shown(screen), screen.side.title_text) == ("layers", "layers")
        with monkeypatch.context() as patch:
            late = Late(patch, spatial.objects, "nearest")
            await hit(pilot, "N", "slash", "w")
            await late.comes(pilot)
            assert shown(screen) == "objects"
            assert isinstance(screen.focused, Input)
        await press(pilot, "escape")

        # An object that was chosen on the map leads back to no list.
        screen.side.table.focus()
        await press(pilot, "enter")
        map_.canvas.focus()
        await press(pilot, "enter", "enter")
        assert shown(screen) == "detail"
        await press(pilot, "escape")
        assert shown(screen) == "layers"
    assert is_sound(app)


async def test_an_object_without_a_place_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FakeConsole()
    objects = app.spatial.objects
    [*_, one] = await objects.find(CAD, "wall", 4326, 1000)
    full = await objects.detail(CAD, one.key, 4326)

    async def detail(*_: Any) -> Any:
        return replace(full, geometry=None, extent=None, notes=("It cannot be measured. [b]x",))

    async def find(*_: Any, **__: Any) -> Any:
        return [replace(one, x=None, y=None)]

    async def nearest(*_: Any, **__: Any) -> Any:
        return []

    for name, answer in (("detail", detail), ("find", find), ("nearest", nearest)):
        monkeypatch.setattr(objects, name, answer)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        before = view_of(screen)
        await press(pilot, "g", "x", "enter")
        assert view_of(screen) == before
        assert "what is not known\nIt cannot be measured. [b]x" in screen.side.detail.text
    assert is_sound(app)


async def test_pictures_of_an_old_view_and_of_a_hidden_screen_are_let_go() -> None:
    app = FakeConsole()
    pictures = app.spatial.pictures
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        pictures.finished.clear()
        last = pictures.held = asyncio.Event()
        map_of(screen).forget()
        await hit(pilot)
        # The last step of the old view is there in the moment in which the view becomes another.
        pictures.held = asyncio.Event()
        last.set()
        map_of(screen).pan(10, 0)
        for _ in range(3):
            await asyncio.sleep(0)
        assert screen.active is not None
        assert not screen.active.is_complete
        await until(lambda: pictures.asked[-1][1].view == view_of(screen))
        await hit(pilot, "1")
        pictures.held.set()
        await hit(pilot)
        assert not any(frame.view == view_of(screen) for frame in pictures.finished)
        await press(pilot, "6")
        assert pictures.finished[-1].view == view_of(screen)
        assert "exact · " in line(screen, "map-state")
        await press(pilot, "L", "space")
        assert line(screen, "map-state").startswith("hidden ")
    assert is_sound(app)


async def test_layers_that_go_and_come_again() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "enter")
        app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (), "3.3.2", "public", ()))
        await press(pilot)
        assert not map_of(screen).display
        assert not map_of(screen).selected
        assert screen.query_one("#map-message").display
        assert "No column" in line(screen, "map-message")
        assert not line(screen, "map-state")
        await press(pilot, "right", "plus", "f", "enter", "v", "m", "N", "escape", "r", "F", "escape")
        app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (CAD,), "3.3.2", "public", ()))
        await press(pilot)
        assert map_of(screen).display
        assert not screen.query_one("#map-message").display
        await press(pilot, "f")
        assert "exact · 213 of 213 in view" in line(screen, "map-state")

        # A dialog that opens while the map is dragged takes the mouse away.
        canvas = map_of(screen).canvas
        await pilot.mouse_down(canvas, offset=(20, 10))
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpDialog))
        await press(pilot, "escape")
        before = view_of(screen)
        await pilot.hover(canvas, offset=(30, 12))
        await press(pilot)
        assert view_of(screen) == before
    assert is_sound(app)


async def test_sixteen_colours_stay_sixteen_when_the_server_is_lost() -> None:
    app = FakeConsole(settings=Settings(theme="sixteen", environment="development"))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        app.spatial_feed.give(link=LOST)
        await press(pilot)
        assert screen.has_class("-stale")
        canvas = map_of(screen).canvas
        strips = canvas.render_lines(Region(0, 0, *canvas.size))
        kinds = {
            segment.style.color.type
            for strip in strips
            for segment in strip
            if segment.style and segment.style.color
        }
        assert kinds == {ColorType.STANDARD}


async def test_nothing_that_is_typed_ends_the_console() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        for number in range(2):
            await press(pilot, "e", "pagedown" if number else "pageup", "enter")
            box = app.screen.query(Input).first()
            box.value = "~nobody-of-that-name/x.csv"
            app.screen.query(Input).last().focus()
            await press(pilot, "enter")
            if number:
                assert isinstance(app.screen, ExportDialog)
                assert "Not written" in str(app.screen.query_one("#problem", Static).content)
                await press(pilot, "escape")
            else:
                await until(lambda: bool(said(app)))
        await press(pilot, "L", "down", "down", "enter")
        for far in ("1e300 0", "1e307,-1e307", "1e25 1e25"):
            await press(pilot, "g")
            app.screen.query_one(Input).value = far
            await hit(pilot)
            await press(pilot, "enter")
            assert view_of(screen).x > 1e20
            await press(pilot, "minus", "plus", "right", "v", "m", "escape")
    assert is_sound(app)
