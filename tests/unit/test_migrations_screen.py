"""The Migrations screen on fake services: which keys ask what of the service, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.confirm import ConfirmDialog
from console.errors import BadMigrations, OperationRefused, QueryDenied
from console.models.migrations import Direction, Drift, RunState
from console.screens.migration_run import RunScreen
from console.screens.migrations import MigrationsScreen
from console.screens.migrations_columns import graph_cell
from console.settings import Settings
from console.widgets.detail import DetailPane
from tests.fake_migrations import (
    INVALID_INDEX,
    LOCK,
    LOSSES,
    NO_SOURCE,
    STEPS,
    TROUBLED,
    migration_status,
    revision,
    step,
)
from tests.fakes import CAPABILITIES, FakeConsole

SIZE = (120, 40)
HEAD, PENDING, APPLIED = "9f3c2a1be07d", "77ab04d3c1ee", "51d0aa19f3b2"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def console(**changes: object) -> FakeConsole:
    given = {"theme": "dark", "environment": "development", "screen": "migrations"} | changes
    return FakeConsole(settings=Settings(**given))  # type: ignore[arg-type]


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before has had its effect, the first when the services are there."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way that does not wait for a person or for a run."""
    await pilot.pause()
    waiting = {"help", "export", "goal", "change", "run", "cancel"}
    asks = isinstance(pilot.app.screen, ConfirmDialog)
    workers = [
        worker
        for worker in pilot.app.workers
        if worker.group not in waiting and not (asks and worker.group == "plan")
    ]
    for worker in workers:
        while not worker.is_finished and not isinstance(pilot.app.screen, ConfirmDialog):
            await pilot.pause()
    await pilot.pause()


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await pilot.pause()


def screen_of(app: FakeConsole) -> MigrationsScreen:
    found = next(screen for screen in app.screen_stack if isinstance(screen, MigrationsScreen))
    assert isinstance(found, MigrationsScreen)
    return found


def names(app: FakeConsole) -> list[str]:
    """What the service was asked for, without what it was about."""
    return [asked[0] for asked in app.migrations.asked]


def said(app: FakeConsole) -> list[str]:
    return [notification.message for notification in app._notifications]


CONFIRM = ("tab", "enter")


# Looking ------------------------------------------------------------------------------------------------------------


async def test_p_previews_the_row_under_the_cursor_and_closes_it_again() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "p")
        screen = screen_of(app)
        assert app.migrations.asked == [("plan_of", PENDING), ("losses",), ("hazards",)]
        assert "ALTER TABLE arxos_core.api_keys" in screen.view.text
        assert (
            "AccessExclusive lock on arxos_core.api_keys (3.2 k rows, 1.1 MiB, 0 sessions)"
            in screen.view.text
        )
        await press(pilot, "p")
        assert (screen.pane, screen.focused) == ("", screen.revisions)


async def test_a_rollback_says_first_what_is_lost() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "down", "down", "p")
        lines = screen_of(app).view.text.splitlines()
        assert lines[1] == "◆ would lose: table arxos_core.audit_logs (1,204,332 rows, 412 MiB)"
        assert lines.index("DROP TABLE arxos_core.audit_logs;") > len(LOSSES)


async def test_what_cannot_be_weighed_is_said_and_the_rest_is_shown() -> None:
    app = console()
    app.migrations.problems["hazards"] = QueryDenied("squawk could not be run.")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p")
        text = screen_of(app).view.text
        assert "▲ What it does to others could not be found out: squawk could not be run." in text
        assert "CREATE INDEX objects_place_idx" in text
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert any("squawk could not be run" in line for line in app.screen._operation.consequences)


async def test_a_plan_that_cannot_be_made_is_explained_in_the_pane() -> None:
    app = console()
    app.migrations.problems["plan_of"] = BadMigrations("env.py raises: [red]no[/] \x1b[2J")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p")
        assert "env.py raises: [red]no[/]" in screen_of(app).view.text
        drawn = "".join(screen_of(app).view.render_line(y).text for y in range(3))
        assert "␛[2J" in drawn
        assert "\x1b" not in drawn
        await press(pilot, "enter")
        assert names(app) == ["plan_of"], "there is nothing to run"


async def test_a_goal_is_planned_in_its_own_words_and_runs_as_it_was_read() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", *"+1", "enter")
        assert app.migrations.asked == [("plan", "+1", None)]
        screen = screen_of(app)
        assert "say on which branch" in screen.view.text, "there are two of them"
        await press(pilot, "escape", "g", "tab", *"cad@head", "enter")
        assert app.migrations.asked[1] == ("plan", "cad@head", Direction.UPGRADE)
        await press(pilot, "enter", *CONFIRM)
        assert ("run", (PENDING, HEAD), False) in app.migrations.asked
        assert screen.last_run is not None


async def test_the_preview_follows_the_database() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p")
        applied = [replace(one, is_current=False) for one in STEPS]
        app.migrations_feed.give(snapshot=migration_status(applied))
        await press(pilot)
        assert names(app).count("plan_of") == 2


async def test_copying_the_preview_copies_its_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        copied: list[str] = []
        monkeypatch.setattr("console.terminal.clipboard.copy", lambda _app, text: copied.append(text))
        await press(pilot, "down", "p", "y")
        (text,) = copied
        assert text.startswith(
            f"-- upgrade {PENDING}: API keys: replaced_by\nALTER TABLE arxos_core.api_keys"
        )


async def test_enter_shows_a_revision_in_full_and_follows_the_cursor() -> None:
    app = console()
    app.migrations_feed.give(snapshot=TROUBLED)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "enter")
        pane = screen_of(app).query_one(DetailPane)
        assert 'column "total" of relation "orders" already exists (42701)' in pane.text
        await press(pilot, "down")
        assert "beef00aa1122" in pane.text


async def test_the_graph_stands_beside_the_rows_only_in_their_own_order() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        screen = screen_of(app)
        column = next(column for column in screen.revisions.painter.columns if column.key == "graph")
        first = screen.revisions.shown_rows[0]
        assert column.text(first) == graph_cell(first, is_in_order=True) == "○┄┐  "
        screen.revisions.sort_by("message")
        assert column.text(first) == "○"
        screen.revisions.sort_by("graph")
        assert column.text(first) == "○┄┐  "
        screen.filter_by("pyramid")
        assert column.text(first) == "○"


async def test_messages_are_data() -> None:
    app = console()
    hostile = step(
        revision("aaaa", "[@click=app.quit]x[/] \x1b[2J\u202e"), STEPS[0].state, "[red]b[/foo]", is_head=True
    )
    app.migrations_feed.give(snapshot=migration_status([hostile], problem="[/x] \x1b[2J"))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "enter", "p")
        drawn = "\n".join(
            "".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()
        )
        assert "[@click=app.quit]x[/] ␛[2J‹U+202E›" in drawn
        assert "▲ [/x] ␛[2J" in drawn
        assert "\x1b" not in drawn


# Changing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "runs"),
    [
        (("down", "u"), ("run", (PENDING,), False)),
        (("down", "down", "u"), ("run", (PENDING, HEAD), False)),
        (("down", "U"), ("run", (PENDING, HEAD), False)),
        (("down", "h"), ("run", (PENDING,), True)),
        (("down", "down", "d"), ("run", ("2c8e51f00a9b",), False)),
        (("p", "enter"), ("run", (PENDING, HEAD), False)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) and value[0] != "run" else "",
)
async def test_a_key_runs_what_it_says_once_that_was_confirmed(
    keys: tuple[str, ...], runs: tuple[object, ...]
) -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys)
        assert isinstance(app.screen, ConfirmDialog)
        assert "run" not in names(app), "nothing runs before the answer"
        await press(pilot, *CONFIRM)
        assert app.migrations.asked[-1] == runs
        assert isinstance(app.screen, RunScreen)


async def test_nobody_is_asked_on_another_screen() -> None:
    app = console()
    app.migrations.may_weigh.clear()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("u", "1")
        await until(pilot, lambda: "hazards" in names(app))
        app.migrations.may_weigh.set()
        await until(pilot, lambda: bool(said(app)))
        assert not app.screen.is_modal
        await press(pilot, "4", "enter")
        assert isinstance(app.screen, ConfirmDialog)


async def test_escape_gives_up_on_what_is_still_worked_out() -> None:
    app = console()
    app.migrations.may_weigh.clear()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("u")
        await until(pilot, lambda: "hazards" in names(app))
        await pilot.press("escape")
        app.migrations.may_weigh.set()
        await press(pilot)
        assert not app.screen.is_modal
        assert screen_of(app).pane == ""


async def test_cancel_runs_nothing() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", "enter")
        assert "run" not in names(app)
        assert screen_of(app).last_run is None


async def test_production_wants_the_revision_typed() -> None:
    app = console(environment="production")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "u", *CONFIRM)
        assert "run" not in names(app)
        await press(pilot, *PENDING)
        button = app.screen.query_one("#do")
        assert not button.disabled
        button.focus()
        await press(pilot, "enter")
        assert names(app)[-1] == "run"


@pytest.mark.parametrize("key", ["u", "U", "d", "h", "T"])
async def test_read_only_changes_nothing_and_says_why(key: str) -> None:
    app = console(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "down", key)
        assert not app.screen.is_modal
        assert said(app) == [
            "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
        ]
        assert app.migrations.asked == []


async def test_a_standby_changes_nothing_and_says_why() -> None:
    app = console()
    app.server.capabilities = replace(CAPABILITIES, in_recovery=True)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u")
        assert "standby" in said(app)[0]
        assert app.migrations.asked == []


async def test_what_is_pending_is_not_rolled_back() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "d")
        assert app.migrations.asked == []
        assert said(app)


async def test_a_refusal_is_said() -> None:
    app = console()
    app.migrations.problems["run"] = OperationRefused("pid 4711 migrates already.")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM)
        assert said(app) == ["pid 4711 migrates already."]
        assert isinstance(app.screen, MigrationsScreen)


async def test_what_is_not_known_is_not_called_nothing() -> None:
    app = console()
    source = migration_status().source
    app.migrations_feed.give(snapshot=migration_status((), source=source, problem="It may not be read."))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        head = str(screen_of(app).query_one("#head", Static).content)
        assert "not known where it stands" in head
        assert "nothing pending" not in head


async def test_without_migrations_every_key_says_so() -> None:
    app = console()
    app.migrations_feed.give(snapshot=NO_SOURCE)
    async with app.run_test(size=SIZE) as pilot:
        for key in ("p", "u", "d", "h", "v", "n", "T"):
            await press(pilot, key)
            assert isinstance(app.screen, MigrationsScreen), key
        assert len(said(app)) == 7
        assert app.migrations.asked == []


async def test_stamping_is_always_typed() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "T", *APPLIED, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert f"Type {APPLIED} to go on:" in [str(line.content) for line in app.screen.query(Static)]
        await press(pilot, *APPLIED[:-1], "enter")
        assert said(app) == [f"It has to be {APPLIED}, letter for letter."]
        await press(pilot, APPLIED[-1], "enter")
        assert "stamp" not in names(app), "the last step is the button"
        await press(pilot, "enter")
        await until(pilot, lambda: "stamp" in names(app))
        assert said(app)[1:] == [f"The database stands at {APPLIED}."]


async def test_a_new_revision() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "enter")
        assert names(app) == [], "it wants a message"
        await press(pilot, *"Totals", "tab", *"cad", "down", "enter")
        await until(pilot, lambda: bool(said(app)))
        assert app.migrations.asked == [("create", "Totals", True, "cad")]
        assert said(app) == ["Written: /srv/shop/migrations/versions/abc123_new.py"]


async def test_a_new_revision_on_a_branch_that_there_is_not() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", *"Totals", "tab", *"caf", "enter")
        assert app.migrations.asked == []
        assert app.screen.query_one("#message", Input).value == "Totals"


async def test_verify_lists_what_differs() -> None:
    app = console()
    app.migrations.drifts = (Drift("public.orders.total", "missing in the database"),)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "v")
        assert (
            screen_of(app).view.text == "verify: 1 difference\n▲ public.orders.total: missing in the database"
        )


@pytest.mark.parametrize(("key", "asked"), [("i", "repair"), ("I", "drop")])
async def test_an_invalid_index_is_built_again_or_dropped(key: str, asked: str) -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, key)
        assert isinstance(app.screen, MigrationsScreen), "there is none yet"
        app.migrations_feed.give(snapshot=migration_status(invalid_indexes=(INVALID_INDEX,)))
        await press(pilot, key, *CONFIRM)
        assert app.migrations.asked == [(asked, "orders_customer_idx")]
        assert isinstance(app.screen, RunScreen)


async def test_an_index_that_is_being_built_is_left_alone() -> None:
    app = console()
    building = replace(INVALID_INDEX, in_progress=True)
    app.migrations_feed.give(snapshot=migration_status(invalid_indexes=(building,)))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "i")
        assert isinstance(app.screen, MigrationsScreen)


# A run --------------------------------------------------------------------------------------------------------------


async def test_a_run_goes_on_unseen_and_says_how_it_ended() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM, "escape")
        assert isinstance(app.screen, MigrationsScreen)
        await press(pilot, "u")
        assert said(app) == ["A migration runs: w shows it."]
        app.migrations.runs[0].give(state=RunState.FAILED, sentence="The table is there already.")
        await until(pilot, lambda: len(said(app)) > 1)
        assert said(app)[1].startswith("◆ failed")
        assert said(app)[1].endswith("The table is there already.")
        assert app.migrations_feed.asked == 1
        await press(pilot, "w")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "escape", "escape")
        assert screen_of(app).last_run is None


async def test_c_cancels_a_run_and_says_twice_what_that_means() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM, "c")
        run = app.migrations.runs[0]
        await until(pilot, lambda: run.cancelled == 1)
        await press(pilot, "c")
        assert run.cancelled == 1
        assert "killed" in said(app)[0]
        run.give(state=RunState.CANCELLED, sentence="Nothing was changed.")
        await press(pilot, "c")
        assert run.cancelled == 1


async def test_its_own_lock_is_not_shown_as_somebody_elses() -> None:
    app = console()
    app.migrations_feed.give(snapshot=migration_status(lock=LOCK))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM, "escape")

        def head() -> str:
            return str(screen_of(app).query_one("#head", Static).content)

        app.migrations.runs[0].give(state=RunState.RUNNING)
        await until(pilot, lambda: "running" in head())
        assert "migrates this database" not in head()
        app.migrations.runs[0].give(state=RunState.DONE)
        await until(pilot, lambda: "migrates this database" in head())


async def test_leaving_while_a_migration_runs_wants_to_be_said_twice() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM, "escape", "1", "q")
        assert app.return_code is None
        assert "A migration runs" in said(app)[0]
        await pilot.press("q")
        await until(pilot, lambda: app.return_code is not None)


async def test_after_a_run_one_leaves_at_once() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "u", *CONFIRM)
        app.migrations.runs[0].give(state=RunState.DONE, sentence="Done.")
        await until(pilot, lambda: app.migrations_feed.asked == 1)
        await press(pilot, "escape")
        await pilot.press("q")
        await until(pilot, lambda: app.return_code is not None)
