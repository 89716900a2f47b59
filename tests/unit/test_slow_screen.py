"""Screen 3 on fake services: what its keys choose, what it says, what leads where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from console.models.reading import Reading
from console.models.statements import (
    Extension,
    ExtensionState,
    Scope,
    StatementKind,
    StatementsView,
)
from console.screens.slow import SlowScreen
from console.screens.statement_pane import StatementPane
from console.settings import Settings
from tests.fake_statements import MISSING, figures, key, statements_snapshot
from tests.fakes import FakeConsole

SIZE = (120, 40)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def press(pilot: Pilot[int], *keys: str) -> SlowScreen:
    """Opens the screen and presses keys, each when the one before has had its effect."""
    for one in ("", "3", *keys):
        if one:
            await pilot.press(one)
        await pilot.pause()
        waiting = [w for w in pilot.app.workers if w.group in {"start", "detail", "copy", "view"}]
        if waiting:
            await pilot.app.workers.wait_for_complete(waiting)
        await pilot.pause()
    screen = next(s for s in reversed(pilot.app.screen_stack) if isinstance(s, SlowScreen))
    assert isinstance(screen, SlowScreen)
    return screen


def said(screen: SlowScreen, name: str) -> str:
    return str(screen.query_one(f"#{name}", Static).content)


def shown(screen: SlowScreen) -> list[int]:
    """The statements by their number in the fakes."""
    return [statement.key.query_id - key(0).query_id for statement in screen.statements.shown_rows]


async def test_the_dearest_first_and_only_the_slow_ones() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert shown(screen) == [0, 1, 2, 4, 3, 5]
        assert "since reset 4d00h · min 100 ms · all kinds" in said(screen, "summary")
        assert "6 shown · 1 (17 %) left out" in said(screen, "summary")


async def test_both_feeds_are_watched_only_while_it_is_shown() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        assert (app.statements_feed.is_watched, app.waits_feed.is_watched) == (True, True)
        await pilot.press("1")
        await pilot.pause()
        assert (app.statements_feed.is_watched, app.waits_feed.is_watched) == (False, False)
        await press(pilot, "question_mark")
        assert (app.statements_feed.is_watched, app.waits_feed.is_watched) == (True, True), "behind a dialog"


async def test_the_first_screen_watches_the_waits_too() -> None:
    app = FakeConsole(settings=Settings(screen="slow"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert (app.statements_feed.is_watched, app.waits_feed.is_watched) == (True, True)


async def test_a_pause_holds_both_still() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "space")
        assert (app.statements_feed.paused, app.waits_feed.paused) == (True, True)
        await press(pilot, "space")
        assert (app.statements_feed.paused, app.waits_feed.paused) == (False, False)


async def test_keys_choose_span_minimum_and_kind() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "o", "m", "k")
        assert app.statements.view == StatementsView(Scope.OPENED, 1.0, StatementKind.SELECT)
        assert shown(screen) == [4]
        assert "since opened 14m00s · min 1.0 s · select" in said(screen, "summary")
        screen = await press(pilot, "m", "m")
        assert app.statements.view.min_mean == 0.0
        for _ in range(len(StatementKind) - 1):
            screen = await press(pilot, "k")
        assert app.statements.view.kind is None
        screen = await press(pilot, "o")
        assert app.statements.view.scope is Scope.INTERVAL
        assert shown(screen) == [0, 2, 6], "what was called since the sample before"


async def test_nothing_to_show_is_explained() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "k", "k", "m", "m")
        assert shown(screen) == []
        lines = [screen.statements.render_line(y).text for y in range(3)]
        assert any("No INSERT statement took 10 s a call or more since" in line for line in lines)


async def test_counting_from_now_on() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n")
        assert (app.statements.begun, app.statements.view.scope) == (1, Scope.OPENED)
        assert app.statements_feed.asked == 1


async def test_the_sets_of_columns() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        titles = [screen.statements.render_line(0).text]
        for name in ("buffers", "I/O and WAL", "planning and JIT", "left out"):
            screen = await press(pilot, "c")
            assert (
                said(screen, "summary")
                .removesuffix(" · pg_stat_statements.track_planning is off")
                .endswith(name)
            )
            titles.append(screen.statements.render_line(0).text)
        assert titles[0] == titles[-1]
        assert "read" in titles[1]
        assert "WAL" in titles[2]
        assert "JIT" in titles[3]
        assert shown(screen) == [0, 1, 2, 4, 3, 5], "still the dearest first"


async def test_a_filter_of_one_column() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "slash", *"user:etl", "enter")
        assert shown(screen) == [1, 5]


async def test_the_detail_has_text_figures_and_charts() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "enter")
        text = screen.query_one(StatementPane).text.text
        assert text.startswith("SELECT o.*, c.name\nFROM orders o")
        assert "-- [b]not markup[/]" in text
        for words in (
            "1h47m, 50.0 % of all time, 30,500 calls",
            "212 ms ± 170 ms",
            "query id: 8614407856940471875",
        ):
            assert words in text
        screen = await press(pilot, "down", "down")
        assert "UPDATE orders" in screen.query_one(StatementPane).text.text
        screen = await press(pilot, "escape")
        assert not screen.detail_open


async def test_what_is_missing_is_said_and_the_waits_are_shown() -> None:
    app = FakeConsole(extension=MISSING)
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert screen.has_class("-waits")
        notice = said(screen, "notice")
        assert "is not installed" in notice
        assert "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';" in notice
        assert "CREATE EXTENSION pg_stat_statements;" in notice
        assert screen.query_one("#waits").display
        assert not screen.statements.parent.display  # type: ignore[union-attr]
        # Somebody follows the advice.
        app.statements_feed.give(snapshot=statements_snapshot())
        await pilot.pause()
        assert not screen.has_class("-waits")
        assert shown(screen) == [0, 1, 2, 4, 3, 5]


async def test_an_old_version_is_said_beside_the_statements() -> None:
    old = Extension(
        ExtensionState.READY,
        "1.8",
        "public",
        newest="1.12",
        problem="It is old.",
        remedy=("ALTER EXTENSION …",),
    )
    app = FakeConsole(extension=old)
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert said(screen, "notice") == "▲ It is old.\n    ALTER EXTENSION …;"
        assert len(shown(screen)) == 6


async def test_resetting_asks_first() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "z", "enter")
        assert app.statements.reset_of == [], "Cancel has the focus"
        await press(pilot, "z", "tab", "enter")
        assert [s.key for s in app.statements.reset_of if s is not None] == [key(0)]
        await press(pilot, "Z", "tab", "enter")
        assert app.statements.reset_of[-1] is None


async def test_resetting_in_production_is_typed() -> None:
    app = FakeConsole(settings=Settings(environment="production"))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "Z", *"all", "space", *"statement", "enter", "escape")
        assert app.statements.reset_of == []
        await press(pilot, "Z", *"all", "space", *"statements", "enter", "enter")
        assert app.statements.reset_of == [None]


async def test_read_only_resets_nothing() -> None:
    app = FakeConsole(settings=Settings(read_only=True))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "Z")
        assert isinstance(app.screen, SlowScreen)
        assert [n.message for n in app._notifications] == [
            "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
        ]


async def test_a_plan_is_taken_of_the_statement_under_the_cursor() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "down", "x")
        request = app.plans.asked[0][1]
        assert request.text == "UPDATE orders SET state = $1 WHERE id = $2"
        assert (request.database, request.user, request.query_id) == ("shop", "worker", key(2).query_id)
        assert request.rows_per_call == 1


async def test_figures_that_are_not_known_say_so() -> None:
    snapshot = statements_snapshot()
    bare = figures(
        0.5, 3, 1, least=None, most=None, deviation=None, wal_bytes=None, jit_time=None, plans=None
    )
    entries = {key(0): replace(snapshot.entries[key(0)], figures=bare)}
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "enter")
        reading: Reading[object] = app.statements_feed.reading
        app.statements_feed.give(snapshot=replace(snapshot, entries=entries))
        await pilot.pause()
        assert reading is not app.statements_feed.reading
        text = screen.query_one(StatementPane).text.text
        assert "a call: 500 ms\n" in text
        assert "WAL" not in text
