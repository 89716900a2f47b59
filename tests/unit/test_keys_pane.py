"""The tab of API keys on fake services: which keys it shows, and what its keys do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from console.dialogs.confirm import ConfirmDialog
from console.dialogs.created_key import CreatedKeyDialog
from console.dialogs.form import FormDialog
from console.dialogs.progress import ProgressDialog
from console.models.api_keys import CutFindings, KeyFilter, KeyFindingKind, KeyState
from console.screens.accounts import AccountsScreen
from console.screens.accounts_keys import KeysPane
from console.screens.accounts_pane import KeysWanted
from console.settings import Settings
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable
from console.widgets.secret_line import SecretLine
from tests.fake_accounts import NO_TABLES
from tests.fake_keys import HOSTILE, NOW
from tests.fakes import FakeConsole

SIZE = (120, 40)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way any more but what waits for a dialog."""
    await pilot.pause()
    groups = {"start", "view", "load", "detail", "find", "verify"}
    waiting = [worker for worker in pilot.app.workers if worker.group in groups]
    if waiting:
        await pilot.app.workers.wait_for_complete(waiting)
    await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def opened(pilot: Pilot[int], *keys: str) -> KeysPane:
    """The tab, after pressing keys in it."""
    await settle(pilot)
    await press(pilot, "5", "i", *keys)
    screen = next(s for s in pilot.app.screen_stack if isinstance(s, AccountsScreen))
    return screen.query_one(KeysPane)


def names(pane: KeysPane) -> list[str | None]:
    return [key.name for key in pane.query_one("#key-list", LiveTable).shown_rows]


def line(pane: KeysPane) -> str:
    return str(pane.query_one(".said", Static).content)


def sentences(app: FakeConsole) -> list[str]:
    return [notification.message for notification in app._notifications]


def drawn(pane: KeysPane) -> list[str]:
    return [pane.table.render_line(y).text for y in range(pane.table.size.height)]


# Which keys


async def test_a_key_tells_whether_it_should_still_work() -> None:
    app = FakeConsole()
    async with app.run_test(size=(200, 40)) as pilot:
        pane = await opened(pilot)
        lines = drawn(pane)
        for words in (
            (
                "dbc_live_9Kx001…",
                "ci-deploy",
                "ops@example.com",
                "deploy read",
                "in 3d00h",
                "● active",
                "▲ expires soon",
            ),
            (
                "admin-key-pr…",
                "old-admin",
                "root@example.com",
                "never",
                "◆ predictable · ▲ admin · never expires",
            ),
            ("mobile", "▲ owner deactivated"),
            ("leaked", "◆ revoked", "found in a log"),
            ("summer", "○ expired"),
            ("(unnamed)", "○ off"),
        ):
            assert any(all(word in text for word in words) for text in lines), words


async def test_rows_of_a_database_are_data() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        text = "\n".join(drawn(pane))
        assert "\x1b" not in text
        assert "\u202e" not in text
        pane.table.move_to(app.accounts.keys.find(HOSTILE).id)
        await press(pilot, "enter")
        detail = pane.query_one(DetailPane)
        assert "[@click=app.quit]old[/]" in detail.text
        assert "'; DROP" in detail.text
        assert not any("\x1b" in strip.text for strip in detail._strips)
        pane.table.move_to(UUID(int=9))
        await settle(pilot)
        assert "n" * 10_000 in detail.text


async def test_pages_follow_each_other() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "greater_than_sign")
        assert names(pane)[0] == "service-101"
        assert "about 3,204 keys" in line(pane)
        await press(pilot, "less_than_sign")
        assert names(pane)[0] == "ci-deploy"


async def test_a_search_goes_to_the_service() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "slash", *"service-12", "enter")
        assert names(pane) == [f"service-{n}" for n in range(120, 130)]
        assert app.accounts.keys.asked[-1] == KeyFilter(search="service-12")
        await press(pilot, "escape")
        assert names(pane)[0] == "ci-deploy"


async def test_filters_are_chosen_and_hold_together() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "f", *"admin scope", "enter", "f", *"active", "enter")
        assert pane.chosen_filter == KeyFilter(state=KeyState.ACTIVE, admin=True)
        assert names(pane) == ["old-admin"]
        assert "active · admin scope" in line(pane)
        await press(pilot, "f", *"expired", "enter")
        assert pane.chosen_filter.state is KeyState.EXPIRED
        await press(pilot, "f", *"expired", "enter")
        assert pane.chosen_filter == KeyFilter(admin=True), "the same again takes it away"
        await press(pilot, "f", *"all keys", "enter")
        assert pane.chosen_filter == KeyFilter()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("7 d", KeyFilter(expires_within=timedelta(days=7))),
        ("in 30 d", KeyFilter(expires_within=timedelta(days=30))),
        ("never used", KeyFilter(never_used=True)),
        ("for 90", KeyFilter(unused_for=timedelta(days=90))),
        ("never exp", KeyFilter(never_expires=True)),
        ("revoked", KeyFilter(state=KeyState.REVOKED)),
        ("switched", KeyFilter(state=KeyState.INACTIVE)),
    ],
)
async def test_every_filter(words: str, wanted: KeyFilter) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "f", *words, "enter")
        assert pane.chosen_filter == wanted
        assert app.accounts.keys.asked[-1] == wanted
        assert pane.choice in line(pane)


async def test_unused_for_as_long_as_one_says() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "f", *"say how", "enter", *["backspace"] * 4, *"17 d", "enter")
        assert pane.chosen_filter == KeyFilter(unused_for=timedelta(days=17))
        assert "unused for 17 d" in line(pane)
        await press(pilot, "escape")
        assert pane.chosen_filter == KeyFilter()


async def test_the_keys_of_one_user() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "f", *"revoked", "enter", "u")
        pane.screen.post_message(KeysWanted(UUID(int=1003), "ada@example.com"))
        await settle(pilot)
        assert names(pane) == ["backup"]
        assert "of ada@example.com" in line(pane)
        assert pane.chosen_filter == KeyFilter(user_id=UUID(int=1003)), "all of them"
        await press(pilot, "escape")
        assert names(pane)[0] == "ci-deploy"


async def test_without_the_table_it_says_what_brings_it() -> None:
    app = FakeConsole(tables=NO_TABLES)
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        assert any("dbconsole platform init" in text for text in drawn(pane))
        assert app.accounts.keys.asked == []


async def test_the_detail_has_the_document_and_the_history() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "enter")
        text = pane.query_one(DetailPane).text
        assert '"deploy",' in text
        assert "last used: 2026-03-01" in text
        assert "user.update  by ops@bastion" in text
        assert app.accounts.trail.filters[-1].resource == str(UUID(int=1))


# What is wrong with them


async def test_the_audit_has_the_worst_first_and_leads_to_the_key() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "a")
        kinds = [found.kind.value for found in pane.table.shown_rows]
        assert kinds == ["predictable", "admin, never expires", "owner deactivated or deleted", "long unused"]
        assert "4 findings" in line(pane)
        await press(pilot, "enter")
        assert (pane.view, names(pane), pane.detail_open) == ("keys", ["old-admin"], True)
        await press(pilot, "escape", "escape")
        assert names(pane)[0] == "ci-deploy"


async def test_that_there_is_more_than_the_audit_shows_is_said() -> None:
    app = FakeConsole()
    app.accounts.keys.cut = (CutFindings(KeyFindingKind.STALE, 200, 10_000, False),)
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "a")
        assert "long unused: the first 200 of at least 10,000" in line(pane)


async def test_words_that_were_searched_for_filter_the_findings() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "slash", *"old-admin", "enter", "a")
        assert [found.key.name for found in pane.table.shown_rows] == ["old-admin", "old-admin"]


async def test_the_audit_is_not_done_again_by_itself() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "a")
        app.accounts_feed.give()
        await settle(pilot)
        assert app.accounts.keys.audits == 1
        await press(pilot, "r")
        assert app.accounts.keys.audits == 2
        await press(pilot, "escape")
        assert pane.view == "keys"


# Making


async def test_a_key_is_made_shown_once_and_forgotten() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "n", *"grace", "enter")
        await press(pilot, *"ci", "enter", "enter", "enter")
        await press(pilot, *"re", "enter", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "tab", "enter")
        assert isinstance(app.screen, CreatedKeyDialog)
        [whole] = app.accounts.keys.made
        secret = app.screen.query_one(SecretLine).secret
        assert secret is not None
        assert secret.get_secret_value() == whole
        await press(pilot, "escape", "escape")
        [(what, draft)] = app.accounts.keys.done
        assert (what, draft.user_id, draft.name) == ("create", UUID(int=1005), "ci")
        assert (draft.permissions, draft.environment) == ({"scopes": ["read"]}, "development")
        assert draft.expires_at == NOW + timedelta(days=90)
        assert names(pane)[0] == "ci"
        assert whole not in app.export_screenshot()
        assert not any(whole in sentence for sentence in sentences(app))
        assert not any(whole in repr(worker.result) for worker in app.workers if worker.is_finished)


async def test_of_one_user_nobody_is_asked_for() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        pane.show_user(UUID(int=1003), "ada@example.com")
        await press(pilot, "n")
        assert isinstance(app.screen, FormDialog)
        assert "A new key of ada@example.com" in str(app.screen.query_one("#title", Static).content)


async def test_a_key_without_end_is_warned_of() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        pane.show_user(UUID(int=1003), "ada@example.com")
        await press(pilot, "n", *"ci", "enter", "enter", *["backspace"] * 4, *"never", "enter", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert any("It never ends" in str(one.content) for one in app.screen.query(Static))


@pytest.mark.parametrize("typed", ["soon", "2025-01-01"])
async def test_an_end_that_is_none_is_refused_in_the_form(typed: str) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        pane.show_user(UUID(int=1003), "ada@example.com")
        await press(pilot, "n", *"ci", "enter", "enter", *["backspace"] * 4, *typed, "enter")
        assert isinstance(app.screen, FormDialog)
        assert str(app.screen.query_one("#problem", Static).content)


async def test_what_the_service_refuses_can_be_mended() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        pane.show_user(UUID(int=1003), "ada@example.com")
        app.accounts.keys.refusal = "The user is deactivated, and gets no key."
        await press(pilot, "n", *"ci", "enter", "enter", "enter", *"re", "enter", "enter")
        assert isinstance(app.screen, FormDialog)
        assert "gets no key" in str(app.screen.query_one("#problem", Static).content)
        assert app.screen.query_one(Input).value == "ci", "what was typed is there still"
        await press(pilot, "enter", "enter", "enter", "enter", "tab", "enter", "escape", "escape")
        assert app.accounts.keys.done[0][1].permissions == {"scopes": ["read"]}


# Changing


async def test_rotating_shows_the_new_key() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "g", "enter", "tab", "enter")
        assert isinstance(app.screen, CreatedKeyDialog)
        await press(pilot, "tab", "enter")
        assert app.accounts.keys.done == [("rotate", "ci-deploy", timedelta(hours=24))]
        assert names(pane)[:2] == ["ci-deploy", "ci-deploy"]


async def test_revoking_takes_a_reason_and_asks_first() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "x", *"leak", "enter", "enter")
        assert app.accounts.keys.done == [], "Cancel has the focus"
        await press(pilot, "x", *"leak", "enter", "tab", "enter")
        assert app.accounts.keys.done == [("revoke", ["ci-deploy"], "leak")]
        assert sentences(app)[-1] == "ci-deploy is revoked."


@pytest.mark.parametrize("key", ["x", "X"])
async def test_nothing_is_revoked_without_a_reason(key: str) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "m", key, "space", "enter")
        assert isinstance(app.screen, FormDialog)
        assert "There is no reason" in str(app.screen.query_one("#problem", Static).content)
        assert app.accounts.keys.done == []


async def test_extending() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "E", *["backspace"] * 4, *"1 y", "enter", "tab", "enter")
        assert app.accounts.keys.done == [("extend", "ci-deploy", NOW + timedelta(days=365))]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("E",), "cannot be extended; create a new key"),
        (("x",), "There is nothing to revoke"),
        (("m", "X"), "There is nothing to revoke"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_asked(keys: tuple[str, ...], said: str) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot)
        pane.table.move_to(app.accounts.keys.find("leaked").id)
        await press(pilot, *keys)
        assert isinstance(app.screen, AccountsScreen)
        assert said in sentences(app)[-1]


async def test_a_choice_without_a_key_that_is_on_is_refused_before_a_reason_is_asked_for() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "f", *"revoked", "enter", "X")
        assert isinstance(app.screen, AccountsScreen)
        assert "There is nothing to revoke" in sentences(app)[-1]


async def test_changing_what_a_key_may_do() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "c", "tab")
        app.screen.query_one(TextArea).load_text(json.dumps({"scopes": ["write"], "x": 1}))
        await press(pilot, "ctrl+s", "tab", "enter")
        assert app.accounts.keys.done == [("permissions", "ci-deploy", {"scopes": ["write"], "x": 1})]
        await press(pilot, "c", "enter")
        assert sentences(app)[-1] == "It may do what it could do before: nothing is changed."


async def test_a_pasted_key_leads_to_its_row() -> None:
    app = FakeConsole()
    app.accounts.keys.made.append("whole-key")
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "v", *"whole-key", "enter", "enter")
        assert (names(pane), pane.detail_open) == (["ci-deploy"], True)


# Many at once


async def test_what_is_marked_on_several_pages_is_revoked() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "m", "m", "greater_than_sign", "m")
        assert "3 marked" in line(pane)
        await press(pilot, "less_than_sign")
        assert pane.table.marked_keys >= {UUID(int=1), UUID(int=2)}
        await press(pilot, "X", *"gone", "enter", "tab", "enter")
        assert app.accounts.keys.done == [("bulk", 3, "gone")]
        assert sentences(app)[-1] == "3 API keys were revoked."
        assert "marked" not in line(pane)


async def test_all_that_a_filter_finds_is_revoked() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "f", *"never used", "enter", "X", *"gone", "enter", "tab", "enter")
        assert app.accounts.keys.done == [("bulk", 2, "gone")]


async def test_all_keys_are_never_revoked_by_leaving_the_filter_out() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "X")
        assert isinstance(app.screen, AccountsScreen)
        assert sentences(app)[-1].startswith("Mark keys with m, or choose which with f")


async def test_revoking_many_can_be_cancelled() -> None:
    app = FakeConsole()
    app.accounts.keys.may_go_on.clear()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "m", "m", "X", *"gone", "enter", "tab", "enter")
        assert isinstance(app.screen, ProgressDialog)
        assert "1 of 2" in str(app.screen.query_one("#progress", Static).content)
        await press(pilot, "c")
        assert app.accounts.keys.done == []
        assert sentences(app)[-1] == "Cancelled: no key was revoked."


async def test_a_refusal_while_many_are_revoked_is_said() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "m", "m", "X", *"gone", "enter")
        app.accounts.keys.refusal = "Nothing was done: they had been revoked meanwhile."
        await press(pilot, "tab", "enter")
        assert sentences(app)[-1] == "Nothing was done: they had been revoked meanwhile."


async def test_in_production_it_is_typed() -> None:
    app = FakeConsole(settings=Settings(environment="production"))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "m", "m", "X", *"gone", "enter", *"3 keys", "enter", "enter", "escape")
        assert app.accounts.keys.done == []
        await press(pilot, "X", *"gone", "enter", *"2 keys", "enter", "enter")
        assert app.accounts.keys.done == [("bulk", 2, "gone")]


@pytest.mark.parametrize("key", ["n", "g", "x", "X", "E", "c"])
async def test_read_only_changes_nothing(key: str) -> None:
    app = FakeConsole(settings=Settings(read_only=True))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key)
        assert isinstance(app.screen, AccountsScreen)
        assert (
            sentences(app)[-1]
            == "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
        )


async def test_without_a_key_there_is_nothing_to_do() -> None:
    app = FakeConsole()
    app.accounts.keys.rows = []
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "m", "a", "a", "g")
        assert sentences(app)[-1] == "There is no key here."
