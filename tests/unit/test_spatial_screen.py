"""Screen 6 on fake services: what is asked when, what keys and the mouse do, and what is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.confirm import ConfirmDialog
from console.errors import BadInput, QueryTimedOut
from console.models.layers import SpatialSnapshot
from console.models.map_view import MapView
from console.screens.spatial import SpatialScreen
from console.screens.spatial_map import MapPane
from console.screens.spatial_places import place_of
from console.screens.spatial_pyramid import pyramid_in_words
from console.screens.spatial_text import tree
from console.screens.spatial_views import Bookmark, Bookmarks, Views
from console.widgets.filter_bar import FilterBar
from tests.fake_spatial import ANALYSED, CAD, DENIED, NOW, ROOMS, SPOTS
from tests.fakes import LIVE, LOST, FakeConsole

SIZE = (120, 40)
GROUPS = {
    "start",
    "view",
    "extent",
    "pictures",
    "name",
    "choose",
    "detail",
    "list",
    "measure",
    "find",
    "findings",
}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


async def settled(pilot: Pilot[int]) -> None:
    """Until nothing is asked any more, but for pictures that are held."""
    await pilot.pause()
    held = isinstance(pilot.app, FakeConsole) and pilot.app.spatial.pictures.held is not None
    awaited = GROUPS - {"pictures"} if held else GROUPS
    while waiting := [one for one in pilot.app.workers if one.group in awaited and not one.is_finished]:
        await asyncio.wait([asyncio.ensure_future(worker.wait()) for worker in waiting])
        await pilot.pause()
    for _ in range(3):
        await pilot.pause()


async def opened(pilot: Pilot[int]) -> SpatialScreen:
    await settled(pilot)
    await pilot.press("6")
    await settled(pilot)
    return screen_of(pilot)


async def press(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        if len(key) > 1 or not isinstance(pilot.app.focused, Input):
            await settled(pilot)
    await settled(pilot)


def screen_of(pilot: Pilot[int]) -> SpatialScreen:
    return next(one for one in reversed(pilot.app.screen_stack) if isinstance(one, SpatialScreen))


def map_of(screen: SpatialScreen) -> MapPane:
    assert screen.map is not None
    return screen.map


def view_of(screen: SpatialScreen) -> MapView:
    view = map_of(screen).view
    assert view is not None
    return view


def line(screen: SpatialScreen, name: str) -> str:
    return str(screen.query_one(f"#{name}", Static).content)


def shown(screen: SpatialScreen) -> str:
    """What is beside the map."""
    return screen.side.view


def said(app: FakeConsole) -> list[str]:
    return [note.message for note in app._notifications]


async def test_every_move_is_drawn_at_once_and_refined_until_the_next_one() -> None:
    app = FakeConsole()
    pictures = app.spatial.pictures
    pictures.held = asyncio.Event()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        first = view_of(screen)
        assert f"~ statistics of {ANALYSED.astimezone():%Y-%m-%d} …" in line(screen, "map-state")
        assert "~ 210 of 213 in view" in line(screen, "map-state")
        await press(pilot, "right")
        assert view_of(screen).x > first.x
        assert view_of(screen).y == first.y
        await press(pilot, "j", "plus", "shift+left")
        assert view_of(screen).scale == first.scale / 2
        frames = [frame for _, frame, _, _ in pictures.asked]
        assert [frame.view for frame in frames][-1] == view_of(screen)
        assert not pictures.finished, "what is asked for another view is let go"
        pictures.held.set()
        pictures.held = None
        await settled(pilot)
        assert [frame.view for frame in pictures.finished] == [view_of(screen)]
        assert "exact · " in line(screen, "map-state")
        assert " …" not in line(screen, "map-state")
        await press(pilot, "b")
        assert view_of(screen) == first, "a run of moves is one step"
        await press(pilot, "b", "n")
        assert "There is no view before this one." in said(app)
        assert view_of(screen) != first
        await press(pilot, "f")
        assert view_of(screen) == first
        pictures.problem = QueryTimedOut("The server did not answer within 1 s.")
        await press(pilot, "r")
        assert pictures.forgotten == [CAD.name]
        assert "did not answer within 1 s" in line(screen, "map-notes")
        assert "~ statistics" in line(screen, "map-state"), "what was there stays"
        pictures.problem = None
        app.spatial_feed.give(link=LOST)
        await settled(pilot)
        assert screen.has_class("-stale")
        app.spatial_feed.give(link=LIVE)
        await press(pilot, "space")


async def test_an_object_is_selected_shown_in_full_and_leads_to_its_neighbours() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        assert "Wall 157 · wall · 90 m" in line(screen, "map-below")
        await press(pilot, "enter")
        text = screen.side.detail.text
        assert "├─ floor: 12" in text
        assert "│     └─ 1: [@click=app.quit]x[/] ␛]0;t␇" in text, "data is neither markup nor control"
        assert "project: Tower B" in text
        assert "C-1: distance, active, ties 2" in text
        assert [one.label for one in map_of(screen).selected] == ["Wall 157"]
        await press(pilot, "enter")
        assert shown(screen) == "layers"
        await press(pilot, "escape", "enter", "tab", "tab")
        assert screen.side.table.has_focus
        nearest = screen.side.table.cursor_row
        assert nearest is not None
        await press(pilot, "enter")
        assert [one.label for one in map_of(screen).selected] == [nearest.label]
        assert screen.side.detail.text.startswith(nearest.label)
        await press(pilot, "escape", "escape")
        assert map_of(screen).selected == ()

        await press(pilot, "v", *["shift+right"] * 2, *["shift+down"], "enter")
        assert screen.side.title_text.endswith("in the rectangle")
        listed = len(screen.side.table.rows)
        assert 1 < listed < 213
        assert len(map_of(screen).selected) == listed
        await press(pilot, "down", "enter")
        assert shown(screen) == "detail"
        await press(pilot, "escape")
        assert shown(screen) == "objects", "back in the list that led there"
        await press(pilot, "escape", "number_sign", "N")
        assert "213 of arxos_cad.objects in view." in said(app)
        assert screen.side.title_text == "the 50 nearest to the cursor"
        await press(pilot, "escape", "o", "down")
        assert screen.side.title_text == "2 constraints, 1 with problems"
        await press(pilot, "enter")
        assert view_of(screen).x == pytest.approx(10.725)
        assert {one.label for one in map_of(screen).selected} >= {"Wall 4"}
        await press(pilot, "w", "down", "enter")
        assert screen.side.title_text == "several at one place"
        assert [one.label for one in screen.side.table.rows][:2] == ["Door 0", "Wall 1"]

        await pilot.resize_terminal(80, 24)
        await press(pilot, "o", "enter")
        frame = map_of(screen).frame
        assert frame is not None
        seen = screen.side.region.x - map_of(screen).region.x
        assert 0 < seen < 40
        assert map_of(screen).cursor == pytest.approx((10.725, view_of(screen).y))
        across, _ = frame.dot(10.725, view_of(screen).y)
        assert across == pytest.approx(seen), "in the middle of what the panel does not lie over"


async def test_layers_are_shown_together_where_it_is_known_where_they_are() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        asked = {(layer, by) for layer, _, _, by in app.spatial.pictures.asked}
        assert asked == {(CAD, "object_type")}, "the platform's objects, by their types"
        await press(pilot, "L", "down", "space")
        assert app.spatial.pictures.asked[-1][0] == ROOMS
        assert app.spatial.pictures.asked[-1][1].view.srid == 4326
        colours = [one.colour for one in screen.stack.visible]
        assert len(set(colours)) == 2
        await press(pilot, "down", "space")
        assert "public.spots.place has no SRID" in line(screen, "map-notes")
        await press(pilot, "space", "down", "space")
        assert "GRANT SELECT ON secret.bunkers" in said(app)[-1]
        await press(pilot, "up", "up", "shift+up")
        assert [one.name for one in screen.stack.layers][:2] == [ROOMS.name, CAD.name]
        await press(pilot, "down", "down", "enter")
        assert screen.active is not None
        assert screen.active.layer == SPOTS
        assert (view_of(screen).srid, view_of(screen).is_geographic) == (None, False)
        assert "no SRID" in line(screen, "map-state")
        app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (CAD, DENIED), "3.3.2", "public", ()))
        await settled(pilot)
        assert screen.active is not None
        assert screen.active.layer == CAD, "of what is dropped nothing stays"
        await press(pilot, "C", *"type", "enter")
        assert screen.active.colour_by == "object_type"


async def test_a_filter_is_asked_of_the_server_and_said() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "slash", "$", "enter", "escape")
        assert not screen.query_one(FilterBar).display, "what was refused goes too"
        await press(pilot, "slash", *"wall", "enter")
        assert app.spatial.pictures.asked[-1][2].words == "wall"
        assert "only wall" in line(screen, "map-layer")
        assert "71 in view" in line(screen, "map-state")
        assert map_of(screen).canvas.has_focus
        await press(pilot, "slash", "ctrl+u", "$", "enter")
        assert "$ is no SQL/JSON path." in said(app)
        await press(pilot, "escape")
        assert app.spatial.pictures.asked[-1][2].is_empty
        assert "only" not in line(screen, "map-layer")


async def test_measuring_going_somewhere_and_bookmarks() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "m", "right", "right", "enter", "down")
        assert "measuring · " in line(screen, "map-below")
        assert "0.1235 km² within · on the spheroid" in line(screen, "map-below")
        await press(pilot, "escape")
        assert map_of(screen).drawing is None
        await press(pilot, "g", *"59.91N", "space", *"10.75E", "enter")
        assert (view_of(screen).x, view_of(screen).y) == (10.75, 59.91)
        there = view_of(screen)
        await press(pilot, "B", "enter", *"home", "enter")
        await press(pilot, "g", *"sensor", "space", *"116", "enter")
        assert [one.label for one in map_of(screen).selected] == ["Sensor 116"]
        assert screen.side.detail.text.startswith("Sensor 116")
        await press(pilot, "F", "B", "enter")
        assert view_of(screen) == there
        assert [one.name for one in Bookmarks("dba@db1:5432/shop").all()] == ["home"]
        await press(pilot, "B", "up", "enter", "enter")
        await press(pilot, "B", *"forget", "enter", "enter")
        assert not Bookmarks("dba@db1:5432/shop").all()


async def test_the_mouse_points_drags_turns_and_draws() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        canvas, before = map_of(screen).canvas, view_of(screen)
        await pilot.click(canvas, offset=(20, 10))
        await settled(pilot)
        frame = map_of(screen).frame
        assert frame is not None
        assert map_of(screen).cursor == pytest.approx(frame.place(41, 42))
        await press(pilot, "plus")
        assert view_of(screen).zoomed(0.5, map_of(screen).cursor).x == pytest.approx(before.x)
        await pilot.click(canvas, offset=(20, 10), times=2)
        await settled(pilot)
        assert len(map_of(screen).selected) <= 1
        await pilot.mouse_down(canvas, offset=(20, 10))
        await pilot.hover(canvas, offset=(30, 12))
        await pilot.mouse_up(canvas, offset=(30, 12))
        await settled(pilot)
        assert view_of(screen).x < before.x
        await pilot.mouse_down(canvas, offset=(5, 5), control=True)
        await pilot.hover(canvas, offset=(50, 25))
        await pilot.mouse_up(canvas, offset=(50, 25), control=True)
        await settled(pilot)
        assert shown(screen) == "objects"
        assert map_of(screen).drawing is None


async def test_a_pyramid_is_built_behind_the_map() -> None:
    app = FakeConsole()
    pyramids = app.spatial.pyramids
    pyramids.held = asyncio.Event()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "p", "enter")
        while not (isinstance(app.screen, ConfirmDialog) and app.focused is not None):
            await pilot.pause()
        await press(pilot, "tab", "enter")
        assert "pyramid 40%: reading the table" in line(screen, "map-state")
        before = view_of(screen)
        await press(pilot, "right", "q")
        assert view_of(screen) != before, "the map goes on"
        assert any("q again leaves" in one for one in said(app))
        await press(pilot, "p", "enter")
        assert "pyramid 40%" not in line(screen, "map-state")
        assert pyramids.pyramid is None, "it was stopped"
        await press(pilot, "p", *"here", "enter")
        pyramids.held.set()
        await settled(pilot)
        assert pyramids.pyramid is not None
        assert app.spatial.pictures.forgotten == [CAD.name]
        assert pyramid_in_words(pyramids.pyramid) == (
            f"pyramid in the console of {NOW.astimezone():%Y-%m-%d %H:%M} · 213 objects · 488 KiB · 17 rows changed since"
        )


async def test_where_there_is_nothing_to_look_at_it_says_what_would_help() -> None:
    app = FakeConsole()
    note = "There is no PostGIS: CREATE EXTENSION postgis; brings it."
    app.spatial_feed.reading = replace(
        app.spatial_feed.reading, snapshot=SpatialSnapshot(NOW, (), None, None, (note,))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "neither PostGIS's geometry nor points" in line(screen, "map-message")
        assert note in line(screen, "map-message")
        await press(
            pilot, "right", "plus", "enter", "v", "m", "N", "o", "w", "g", "escape", "f", "r", "F", "C", "B"
        )
        app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (DENIED,), "3.3.2", "public", ()))
        await settled(pilot)
        assert "none of which this role may read" in line(screen, "map-message")
        app.spatial_feed.give(snapshot=SpatialSnapshot(NOW, (CAD,), "3.3.2", "public", ()))
        await settled(pilot)
        assert "exact · 213 of 213 in view" in line(screen, "map-state")
        await press(pilot, "enter")
        assert screen.side_open, "over the map, where there is no room beside"
        frame, cursor = map_of(screen).frame, map_of(screen).cursor
        assert frame is not None
        assert cursor is not None
        assert frame.dot(*cursor)[0] < 2 * screen.side.region.x, "what is selected stays in sight"
        await press(pilot, "escape")
        assert not screen.side_open
        assert map_of(screen).canvas.has_focus


def test_coordinates_are_read_as_people_write_them() -> None:
    for text in ("10.75 59.91", "10.75,59.91", " 10.75 ; 59.91 ", "59.91N 10.75E", "10.75° e 59.91° n"):
        assert place_of(text) == (10.75, 59.91), text
    assert place_of("1e3 -2.5") == (1000, -2.5)
    assert place_of("33.9S, 18.4W") == (-18.4, -33.9)
    for text in ("", "door 12", "12", "10.75N 59.91N", "1e999 0", "12 13 14"):
        assert place_of(text) is None, text


def test_the_way_back_and_forward() -> None:
    views, start = Views(), MapView(0, 0, 1, 4326)
    views.look(start, 0)
    for step in range(5):
        views.look(start.panned(step + 1, 0), 10 + step, moves=True)
    assert views.step(-1)
    assert views.now == start
    assert views.step(1)
    assert views.now == start.panned(5, 0)
    assert not views.step(1)
    views.step(-1)
    views.look(start.zoomed(2), 30, moves=True)
    assert not views.may_go_forward, "another way was taken"


def test_bookmarks_are_kept_for_each_database_and_nothing_else_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "state" / "bookmarks.json"
    one, other = Bookmarks("db1/shop", path), Bookmarks("db1/other", path)
    view = MapView(10.75, 59.91, 1e-5, 4326, is_geographic=True)
    one.keep(Bookmark("Home", view))
    one.keep(Bookmark("away", view.zoomed(2)))
    other.keep(Bookmark("x", view))
    one.forget("away")
    assert one.all() == [Bookmark("Home", view)]
    assert [mark.name for mark in other.all()] == ["x"]
    for damaged in (
        "[1]",
        "{",
        '{"db1/shop": {"a": {"x": "one"}}}',
        '{"db1/shop": {"a": {"x": 1, "y": 1, "scale": -1, "srid": 1}}}',
    ):
        path.write_text(damaged)
        with pytest.raises(BadInput, match="does not hold bookmarks"):
            one.all()
    path.write_text("[1]")
    with pytest.raises(BadInput):
        one.keep(Bookmark("Home", view))
    assert path.read_text() == "[1]"


def test_a_document_is_a_tree() -> None:
    document = {"a": [1, {"b": None}], "c": {}, "d\x1b": "x\ny", "e": True}
    assert list(tree(document)) == [
        "├─ a",
        "│  ├─ 0: 1",
        "│  └─ 1",
        "│     └─ b: null",
        "├─ c: {}",
        "├─ d␛: x⏎y",
        "└─ e: true",
    ]
