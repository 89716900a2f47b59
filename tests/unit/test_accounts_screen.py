"""Screen 5 on fake services: its tabs, what their keys do, what is said, and what is kept of a password."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.confirm import ConfirmDialog
from console.dialogs.form import FormDialog
from console.dialogs.password import PasswordDialog
from console.errors import BadInput, OutcomeUnknown, QueryDenied
from console.models.accounts import Page, TrailFilter, User
from console.screens.accounts import AccountsScreen
from console.screens.accounts_pane import REREAD, AccountsPane
from console.screens.accounts_sessions import SessionsPane
from console.screens.paged import PAGE_SIZE
from console.screens.trail_words import moment_of, trail_filter
from console.settings import Settings
from console.widgets.detail import DetailPane
from tests.fake_accounts import NO_TABLES, NOW, OLD_TABLES, SESSIONS, USERS, accounts_snapshot
from tests.fakes import CAPABILITIES, FakeConsole

SIZE = (120, 40)
LONG_ENOUGH = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def settled(pilot: Pilot[int]) -> None:
    """Waits until what was asked for is there, or a dialog waits for a person."""
    await pilot.pause()
    awaited = {"start", "view", "load", "detail", "verify", "newest"}
    while waiting := [one for one in pilot.app.workers if one.group in awaited and not one.is_finished]:
        await asyncio.wait([asyncio.ensure_future(worker.wait()) for worker in waiting])
        await pilot.pause()
    await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> AccountsScreen:
    """Opens the screen and presses keys, each when the one before has had its effect; what is typed goes in at once."""
    await settled(pilot)
    is_there = pilot.app.current_mode == "accounts"
    for one in keys if is_there else ("5", *keys):
        await pilot.press(one)
        if len(one) > 1 or not isinstance(pilot.app.focused, Input):
            await settled(pilot)
    await settled(pilot)
    return screen_of(pilot)


async def confirm(pilot: Pilot[int]) -> AccountsScreen:
    """Answers the question before a change with yes, and waits for its end, or for the form that it was refused in."""
    app = pilot.app
    while not (isinstance(app.screen, ConfirmDialog) and app.focused is not None):
        await pilot.pause()
    dialog = app.screen
    await pilot.press("tab", "enter")
    while app.screen is dialog or (not app.screen.is_modal and is_changing(pilot)):
        await pilot.pause()
    await settled(pilot)
    return screen_of(pilot)


def is_changing(pilot: Pilot[int]) -> bool:
    return any(worker.group == "change" and not worker.is_finished for worker in pilot.app.workers)


async def search(pilot: Pilot[int], words: str) -> AccountsScreen:
    """Opens the screen and searches: what is typed goes in at once."""
    return await press(pilot, "slash", *("space" if letter == " " else letter for letter in words))


def screen_of(pilot: Pilot[int]) -> AccountsScreen:
    return next(screen for screen in reversed(pilot.app.screen_stack) if isinstance(screen, AccountsScreen))


def pane(screen: AccountsScreen) -> AccountsPane:
    assert screen.pane is not None
    return screen.pane


def said(screen: AccountsScreen) -> str:
    """The line above the list."""
    return str(pane(screen).query_one(".said", Static).content)


def tabs(screen: AccountsScreen) -> str:
    return str(screen.query_one("#tabs", Static).content)


def users(screen: AccountsScreen) -> list[str]:
    return [user.label.partition("@")[0] for user in pane(screen).table.shown_rows]


def cursor(screen: AccountsScreen) -> str:
    row = pane(screen).table.cursor_row
    assert isinstance(row, User)
    return row.label.partition("@")[0]


def detail(screen: AccountsScreen) -> str:
    return pane(screen).query_one(DetailPane).text


def notes(app: FakeConsole) -> list[str]:
    return [note.message for note in app._notifications]


# Tabs ---------------------------------------------------------------------------------------------------------------


async def test_the_tabs_say_how_much_is_in_them_and_only_the_first_is_made() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert tabs(screen) == "u Users 412  i API keys 3.2 k  l Sessions 188  o Roles  h Audit 48.1 k"
        assert [made.id for made in screen.query(AccountsPane)] == ["users"]
        assert app.accounts.trail.filters == [], "nobody has looked at it"


async def test_a_tab_is_made_once_and_keeps_its_place() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "down", "down", "l", "h", "u")
        assert [made.id for made in screen.query(AccountsPane)] == ["users", "sessions", "trail"]
        assert [made.id for made in screen.query(AccountsPane) if made.display] == ["users"]
        assert pane(screen).table.has_focus
        assert pane(screen).table.cursor_row is USERS[2]


async def test_the_feed_is_watched_only_while_it_is_shown() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        assert app.accounts_feed.is_watched
        await pilot.press("1")
        await settled(pilot)
        assert not app.accounts_feed.is_watched


async def test_it_can_be_the_first_screen() -> None:
    app = FakeConsole(settings=Settings(screen="accounts"))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert users(screen_of(pilot))[:2] == ["ada", "alan"]


async def test_without_tables_each_tab_says_what_brings_them() -> None:
    app = FakeConsole(tables=NO_TABLES)
    async with app.run_test(size=SIZE) as pilot:
        for key in ("u", "l", "h"):
            screen = await press(pilot, key)
            table = pane(screen).table
            words = " ".join(table.render_line(y).text for y in range(1, 8))
            assert "There is no table for" in words
            assert "dbconsole platform init" in words
            assert "core@head --migrations platform" in words
        assert app.accounts.users.asked == []
        # Somebody follows the advice.
        app.accounts_feed.give(snapshot=accounts_snapshot())
        screen = await press(pilot, "u")
        assert users(screen)[0] == "ada"


async def test_what_an_older_installation_lacks_is_noted() -> None:
    app = FakeConsole(tables=OLD_TABLES)
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        lines = str(screen.query_one("#notes", Static).content).splitlines()
        assert lines == [f"▲ {note}" for note in OLD_TABLES.notes]


# Pages and searching ------------------------------------------------------------------------------------------------


async def test_one_page_is_held_and_the_next_is_a_key_away() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert said(screen) == "about 412 users · > next · ada@example.com … member100@example.com"
        assert len(pane(screen).table.rows) == PAGE_SIZE
        screen = await press(pilot, "greater_than_sign")
        assert users(screen)[0] == "member101"
        assert len(pane(screen).table.rows) == PAGE_SIZE
        assert said(screen).endswith("· < before · > next · member101@example.com … member200@example.com")
        screen = await press(pilot, "greater_than_sign")
        assert (users(screen)[0], users(screen)[-1]) == ("member201", "member239")
        assert said(screen).endswith("· < before · member201@example.com … member239@example.com")
        await press(pilot, "greater_than_sign")
        assert "This is the last page." in notes(app)
        screen = await press(pilot, "less_than_sign", "less_than_sign")
        assert users(screen)[0] == "ada"


async def test_paging_on_at_the_edge_of_a_page_shows_the_next_one() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "end", "pagedown")
        assert users(screen)[0] == "member101"
        assert cursor(screen) == "member101"
        screen = await press(pilot, "pageup")
        assert cursor(screen) == "member100", "where one came from"
        screen = await press(pilot, "home", "pageup")
        assert "This is the first page." in notes(app)


async def test_a_search_is_asked_of_the_server_once_for_all_that_was_typed() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await search(pilot, "LISKOV")
        assert app.accounts.users.asked == ["", "LISKOV"]
        assert users(screen) == ["barbara"]
        assert said(screen) == "1 user found · search: LISKOV"
        screen = await press(pilot, "escape", "escape")
        assert users(screen)[0] == "ada"
        assert app.accounts.users.asked[-1] == ""


async def test_a_search_that_is_overtaken_is_cancelled() -> None:
    app = FakeConsole()
    cancelled: list[str] = []
    never = asyncio.Event()
    page = app.accounts.users.page

    async def slow_page(search: str = "", **rest: object) -> Page[User]:
        if search != "lisk":
            return await page(search=search, **rest)  # type: ignore[arg-type]
        try:
            await never.wait()
        except asyncio.CancelledError:
            cancelled.append(search)
            raise
        raise AssertionError

    app.accounts.users.page = slow_page  # type: ignore[method-assign,assignment]
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "slash")
        await pilot.press(*"lisk")
        while not any(worker.group == "load" and worker.is_running for worker in app.workers):
            await pilot.pause()
        screen = screen_of(pilot)
        pane(screen).reload()  # past the pause in typing
        await pilot.pause()
        await pilot.press("o")
        await settled(pilot)
        assert users(screen) == ["barbara"]
        assert cancelled == ["lisk"]


async def test_words_of_one_tab_are_not_those_of_another() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await search(pilot, "grace")
        await pilot.press("enter")
        screen = await press(pilot, "l")
        assert screen.query_one(Input).value == ""
        screen = await press(pilot, "u")
        assert screen.query_one(Input).value == "grace"
        assert users(screen) == ["grace"]


async def test_more_characters_are_asked_for_where_too_few_find_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SessionsPane, "LEAST_CHARACTERS", 3)
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "l")
        screen = await search(pilot, "ad")
        assert said(screen).startswith("▲ type 3 characters at least · 2 sessions found · open only")
        screen = await press(pilot, "a")
        assert said(screen) == "1 session found · open only · search: ada"


async def test_which_users_are_shown() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "f", "f")
        assert (users(screen), said(screen)) == (["alan"], "1 user found · deactivated only")
        screen = await press(pilot, "f")
        assert users(screen) == ["barbara"]
        screen = await press(pilot, "f")
        assert users(screen)[:3] == ["ada", "alan", "barbara"]


async def test_the_list_is_read_again_now_and_then() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        app.accounts_feed.give(snapshot=replace(accounts_snapshot(), server_ms=0.5))
        await settled(pilot)
        assert len(app.accounts.users.asked) == 1, "not with every sample"
        pane(screen)._loaded_at = pane(screen).clock.monotonic() - REREAD
        app.accounts_feed.give(snapshot=replace(accounts_snapshot(), server_ms=0.6))
        await settled(pilot)
        assert len(app.accounts.users.asked) == 2
        await press(pilot, "r")
        assert len(app.accounts.users.asked) == 3


async def test_a_list_that_cannot_be_asked_for_says_why_and_is_asked_for_again() -> None:
    app = FakeConsole()
    page = app.accounts.users.page

    async def denied(**_: object) -> Page[User]:
        raise QueryDenied("The role dba may not read arxos_core.users; GRANT SELECT … gives it that.")

    app.accounts.users.page = denied  # type: ignore[method-assign,assignment]
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        assert said(screen).startswith("▲ The role dba may not read arxos_core.users")
        app.accounts.users.page = page  # type: ignore[method-assign]
        screen = await press(pilot, "r")
        assert users(screen)[0] == "ada"


async def test_rows_of_a_page_are_not_sorted() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "s")
        assert pane(screen).table.sort_key is None
        assert "sort" not in {active.binding.action for active in screen.active_bindings.values()}


# Users --------------------------------------------------------------------------------------------------------------


async def test_a_user_in_full() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "enter")
        text = detail(screen)
        for words in (
            "e-mail: ada@example.com",
            "ci-deploy: ● active  dbc_live_9Kx001…  deploy read  used 2m00s ago",
            "old [b]admin[/]: ● active",
            "10.0.0.7: ● open",
            "Tower B",
            "user.update  by ops@bastion  name: Ada → Ada Lovelace",
        ):
            assert words in text
        screen = await press(pilot, "down")
        assert detail(screen).startswith("alan@example.com")
        screen = await press(pilot, "escape")
        assert not pane(screen).detail_open


async def test_a_user_is_created_after_the_question() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", *"eve@example.com", "enter", *"eve", "enter", "enter", "enter", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "enter")
        assert app.accounts.users.done == [], "Cancel has the focus"
        await press(pilot, "n", *"eve@example.com", *["enter"] * 5)
        screen = await confirm(pilot)
        ((what, made),) = app.accounts.users.done
        assert what == "create"
        assert isinstance(made, User)
        assert (made.email, made.username) == ("eve@example.com", None)
        assert users(screen)[0] == "eve", "the list is read again"
        assert "eve@example.com is there now, without a password: p sets one." in notes(app)
        assert app.accounts_feed.asked == 1


async def test_what_is_refused_is_said_in_the_form_and_nothing_typed_is_lost() -> None:
    app = FakeConsole()
    app.accounts.users.refusal = "The e-mail address ADA@example.com is that of another user already."
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", *"ADA@example.com", *["enter"] * 5)
        await confirm(pilot)
        form = app.screen
        assert isinstance(form, FormDialog)
        assert form.query(Input).first().value == "ADA@example.com"
        assert "is that of another user already" in str(form.query_one("#problem", Static).content)
        await press(pilot, "escape")
        assert app.accounts.users.done == []


async def test_after_a_conflict_the_form_has_what_was_typed_over_the_values_of_now() -> None:
    app = FakeConsole()
    users = app.accounts.users
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "m", "enter", "enter", *" Byron", *["enter"] * 3)
        users.refusal = "Nothing was changed, for somebody changed ada@example.com meanwhile; look again."
        users.rows[0] = replace(users.rows[0], email="ada@example.net")
        await confirm(pilot)
        form = app.screen
        assert isinstance(form, FormDialog)
        email, _, name, *_ = (box.value for box in form.query(Input))
        assert (email, name) == ("ada@example.net", "Ada Lovelace Byron")
        assert "meanwhile" in str(form.query_one("#problem", Static).content)
        await press(pilot, *["enter"] * 5)
        await confirm(pilot)
        ((what, changed),) = users.done
        assert isinstance(changed, User)
        assert (what, changed.name, changed.email) == ("edit", "Ada Lovelace Byron", "ada@example.net")


async def test_only_what_is_different_is_changed() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "m", "enter", "enter", *" Byron", *["enter"] * 3)
        await confirm(pilot)
        ((what, changed),) = app.accounts.users.done
        assert isinstance(changed, User)
        assert (what, changed.name, changed.email) == ("edit", "Ada Lovelace Byron", "ada@example.com")
        await press(pilot, "m", *["enter"] * 5)
        assert "Nothing is different." in notes(app)


@pytest.mark.parametrize(
    ("row", "key", "expected"),
    [(0, "d", "deactivate"), (1, "d", "reactivate"), (0, "D", "delete"), (2, "D", "restore")],
)
async def test_what_becomes_of_a_user(row: int, key: str, expected: str) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *["down"] * row, key)
        await confirm(pilot)
        ((what, changed),) = app.accounts.users.done
        assert isinstance(changed, User)
        assert (what, changed.id) == (expected, USERS[row].id)


async def test_in_production_the_name_is_typed() -> None:
    app = FakeConsole(settings=Settings(environment="production"))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "D", *"ada@example.org", "enter", "escape")
        assert app.accounts.users.done == []
        await press(pilot, "D", *"ada@example.com", "enter", "enter")
        await settled(pilot)
        assert [what for what, _ in app.accounts.users.done] == ["delete"]


@pytest.mark.parametrize("key", ["n", "m", "d", "D", "p"])
async def test_read_only_changes_nothing(key: str) -> None:
    app = FakeConsole(settings=Settings(read_only=True))
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, key)
        assert app.screen is screen
        assert notes(app) == [
            "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
        ]


async def test_a_standby_changes_nothing() -> None:
    app = FakeConsole()
    app.server.capabilities = replace(CAPABILITIES, in_recovery=True)
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "d")
        assert app.screen is screen
        assert notes(app) == ["The server is a standby: what changes it has to run on its primary."]


async def test_a_change_whose_end_is_unknown_is_said_and_looked_after() -> None:
    app = FakeConsole()

    async def lost(*_: object) -> User:
        raise OutcomeUnknown(
            "The connection was lost before the server said whether this is done: Deactivate."
        )

    app.accounts.users.deactivate = lost  # type: ignore[method-assign,assignment]
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "d")
        await confirm(pilot)
        assert notes(app) == [
            "The connection was lost before the server said whether this is done: Deactivate."
        ]
        assert len(app.accounts.users.asked) == 2, "the list says how it is"


async def test_a_second_change_waits_for_the_first() -> None:
    app = FakeConsole()
    going_on = asyncio.Event()

    async def slow(_operation: object, user: User) -> User:
        await going_on.wait()
        return user

    app.accounts.users.deactivate = slow  # type: ignore[method-assign,assignment]
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "d")
        await pilot.press("tab", "enter")
        screen = await press(pilot, "D")
        assert app.screen is screen
        assert notes(app) == ["The change before is still being made."]
        going_on.set()
        await settled(pilot)
        assert "ada@example.com is deactivated." in notes(app)


# Passwords ----------------------------------------------------------------------------------------------------------


def everything(node: DOMNode) -> Iterator[object]:
    """What the widgets hold, as deep as a text would be found."""
    for one in node.walk_children(with_self=True):
        yield from vars(one).values()


async def test_a_password_is_typed_twice() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p", *"short", "enter")
        assert isinstance(app.screen, PasswordDialog)
        assert "12 characters" in str(app.screen.query_one("#problem", Static).content)
        await press(pilot, *(["backspace"] * 5), *LONG_ENOUGH.replace(" ", "_"), "enter", *"other", "enter")
        assert "not the same" in str(app.screen.query_one("#problem", Static).content)
        await press(pilot, *LONG_ENOUGH.replace(" ", "_"), "enter")
        await confirm(pilot)
        assert app.accounts.users.done == [("password", LONG_ENOUGH.replace(" ", "_"))]


async def test_nothing_of_a_password_is_kept() -> None:
    secret = "Xq7_" + "Zw9-" * 4
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p", *secret)
        dialog = app.screen
        assert isinstance(dialog, PasswordDialog)
        box = dialog.query(Input).first()
        box.select_all()
        await pilot.press("ctrl+c", "ctrl+x")
        assert app._clipboard == ""
        await press(pilot, *secret, "enter", *secret)
        assert secret not in app.export_screenshot()
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        kept = [*everything(app), *everything(dialog), app._clipboard, app.export_screenshot(), *notes(app)]
        kept += [[key for key, _ in app._keys_read]] if app._keys_read else []
        assert not [value for value in kept if secret in repr(value)]
        await confirm(pilot)
        assert app.accounts.users.done == [("password", secret)]
        assert secret not in app.export_screenshot()
        assert not [worker for worker in app.workers if secret in repr(worker.result)]


# Sessions -----------------------------------------------------------------------------------------------------------


async def test_open_sessions_and_all() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "l")
        assert said(screen) == "2 sessions found · open only"
        screen = await press(pilot, "f")
        assert said(screen) == "4 sessions"
        screen = await press(pilot, "enter")
        assert "token: sess_9… (no more of it is ever read)" in detail(screen)


async def test_sessions_are_ended() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "l", "x")
        await confirm(pilot)
        assert app.accounts.sessions.ended == [SESSIONS[0].id]
        await press(pilot, "f", "home", "X")
        await confirm(pilot)
        assert app.accounts.sessions.ended[-1] == USERS[0].id
        await press(pilot, "end", "X")
        assert notes(app)[-1] == "This session belongs to no user; x ends it alone."


# The trail ----------------------------------------------------------------------------------------------------------


async def test_the_chain_is_looked_at_when_somebody_wants_it() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "h")
        assert "whole" not in tabs(screen)
        screen = await press(pilot, "v")
        assert re.search(r"h Audit ● whole \d\d:\d\d$", tabs(screen))
        assert re.match(r"● chain whole at \d\d:\d\d, 48,113 rows · ", said(screen))
        app.accounts.trail.broken_at = 17
        screen = await press(pilot, "v", "u")
        assert tabs(screen).endswith("h Audit ◆ BROKEN at 17")
        assert "The chain breaks at row 17: it was changed after it was written." in notes(app)


async def test_the_newest_hash_is_handed_over() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "h", "n")
        assert notes(app)[0] == f"Row 200: {200:064x}. Keep it where nobody who can change the table can."
        assert notes(app)[1] == "Sent to the terminal's clipboard."


async def test_a_row_of_the_trail_in_full() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "h", "enter")
        text = detail(screen)
        assert '"name": "Ada"' in text
        assert '"name": "Ada Lovelace"' in text
        assert "by: ops@bastion" in text
        assert f"hash: {200:064x}" in text


async def test_the_trail_is_searched_by_words() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "h")
        screen = await search(pilot, "action:user. since:7d")
        assert app.accounts.trail.filters[-1] == TrailFilter(action="user.", since=NOW - timedelta(days=7))
        assert said(screen) == "2 rows found · search: action:user. since:7d"
        screen = await press(pilot, "x")
        assert said(screen).startswith("▲ 7dx is no moment")


async def test_letting_go_of_old_rows_is_confirmed() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "h", "R", "enter")
        assert app.accounts.trail.retained == 0
        await press(pilot, "R")
        await confirm(pilot)
        assert app.accounts.trail.retained == 1


def test_words_for_the_trail() -> None:
    wanted = trail_filter("person:ada object:users until:2026-02-01T00:00+00:00 act person:", NOW)
    assert (wanted.person, wanted.resource, wanted.action) == ("ada", "users", "")
    assert wanted.until == NOW.replace(month=2, hour=0)
    assert moment_of("90m", NOW) == NOW - timedelta(minutes=90)
    for words in ("ada", "since:999999w", "since:yesterday", "who:ada"):
        with pytest.raises(BadInput):
            trail_filter(words, NOW)


async def test_the_keys_of_a_user_are_a_key_away() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot, "k")
        assert screen.tab == "keys"
        assert "of ada@example.com" in said(screen)


async def test_tabs_that_are_asked_for_at_once_are_each_made_once() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        screen = await press(pilot)
        await pilot.press(*"lhlohu")
        await settled(pilot)
        assert sorted(made.id or "" for made in screen.query(AccountsPane)) == [
            "roles",
            "sessions",
            "trail",
            "users",
        ]
        assert users(screen)[0] == "ada"
        assert pane(screen).table.has_focus
