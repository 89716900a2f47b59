"""The screens on fake services: what they watch, what keys do, what a message leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.screens.activity import ActivityScreen
from console.settings import Settings
from console.widgets.alert_strip import AlertStrip
from console.widgets.status_line import StatusLine
from tests.fakes import REFUSED, FakeConsole, activity_snapshot, session

SIZE = (120, 40)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before has had its effect, the first when the services are there."""
    await pilot.pause()
    starting = [worker for worker in pilot.app.workers if worker.group == "start"]
    if starting:
        await pilot.app.workers.wait_for_complete(starting)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def activity_screen(app: FakeConsole) -> ActivityScreen:
    assert isinstance(app.screen, ActivityScreen)
    return app.screen


async def test_only_the_screen_that_is_shown_samples() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        assert (app.pools_feed.is_watched, app.activity_feed.is_watched) == (True, False)
        await press(pilot, "2")
        assert (app.pools_feed.is_watched, app.activity_feed.is_watched) == (False, True)
        await press(pilot, "question_mark")
        assert app.activity_feed.is_watched, "a dialog leaves its screen in sight"
        await press(pilot, "escape", "1")
        assert (app.pools_feed.is_watched, app.activity_feed.is_watched) == (True, False)


async def test_a_reading_that_comes_while_the_console_ends_is_let_go() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        screen = app.screen
        before = app.pools_feed.reading
        app.exit(return_code=0)
        app.pools_feed.give(interval=5.0)
        assert screen.reading is before  # type: ignore[attr-defined]


async def test_escape_goes_back_step_by_step() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "a")
        screen = activity_screen(app)
        screen.show_only("shop-worker")
        await press(pilot, "enter")
        assert (screen.detail_open, screen.table.filter_text, screen.view) == (True, "shop-worker", "all")
        await press(pilot, "escape")
        assert (screen.detail_open, screen.table.filter_text, screen.view) == (False, "shop-worker", "all")
        await press(pilot, "escape")
        assert (screen.detail_open, screen.table.filter_text, screen.view) == (False, "", "all")
        await press(pilot, "escape")
        assert screen.view == "running"


async def test_an_alert_leads_to_what_it_is_about() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        strip = app.screen.query_one(AlertStrip)
        blocking = next(alert for alert in strip.alerts if alert.view == "blocking")
        strip.post_message(AlertStrip.Followed(blocking))
        await press(pilot)
        await pilot.pause()
        assert activity_screen(app).view == "blocking"


async def test_a_row_of_the_breakdown_leads_to_its_sessions() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "enter")
        await pilot.pause()
        screen = activity_screen(app)
        assert (screen.view, screen.sessions.filter_text) == ("all", "shop-worker")
        assert [row.pid for row in screen.sessions.shown_rows] == [8123]


async def test_the_cursor_stays_on_its_session() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "down", "down")
        screen = activity_screen(app)
        chosen = screen.session
        assert chosen is not None
        others = [session(7000 + n, query_age=500.0) for n in range(3)]
        app.activity_feed.give(snapshot=activity_snapshot([*others, chosen]))
        await press(pilot)
        assert screen.session is not None
        assert screen.session.key == chosen.key


async def test_stops_what_was_chosen_and_not_what_stands_there_later() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "k")
        app.activity_feed.give(snapshot=activity_snapshot([session(7001)]))
        await press(pilot, "tab", "enter")
        assert app.activity.stopped == [(8123, True)]


async def test_what_a_server_says_is_shown_safely_in_a_notification() -> None:
    app = FakeConsole()
    app.activity.sentence = "[red]no[/x] \x1b[2J\u202e"
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "k", "tab", "enter")
        (shown,) = app._notifications
        assert (shown.message, shown.markup) == ("pid 8123: [red]no[/x] ␛[2J‹U+202E›.", False)


@pytest.mark.parametrize("key", ["c", "k"])
async def test_read_only_asks_nothing(key: str) -> None:
    app = FakeConsole(settings=Settings(read_only=True))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", key)
        assert isinstance(app.screen, ActivityScreen)
        await press(pilot, "tab", "enter")
        assert app.activity.stopped == []
        await pilot.resize_terminal(40, 20)
        assert "READ-ONLY" in app.screen.query_one(StatusLine).render().plain


async def test_r_tries_to_connect_again() -> None:
    app = FakeConsole(link=REFUSED, empty=True)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "r")
        assert (app.server.tries, app.pools_feed.asked) == (1, 1)


async def test_idle_sessions_are_asked_for_only_while_they_are_shown() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2")
        assert not app.activity.with_idle
        await press(pilot, "a")
        assert app.activity.with_idle
        await press(pilot, "w")
        assert not app.activity.with_idle
