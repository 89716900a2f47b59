"""The tab of roles on fake services: what it shows of one, and how one is made, changed and dropped."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.choose import ChooseDialog
from console.dialogs.confirm import ConfirmDialog
from console.dialogs.form import FormDialog
from console.dialogs.password import PasswordDialog
from console.errors import BadInput
from console.models.roles import RoleChange, RoleDraft, RoleTemplate
from console.screens.accounts import AccountsScreen
from console.screens.accounts_roles import RolesPane
from console.screens.accounts_roles_forms import (
    change_fields,
    change_of,
    read_limit,
    read_names,
    read_tables,
    written,
)
from console.settings import Settings
from console.widgets.detail import DetailPane
from tests.fake_roles import HOSTILE, NOW, member, role
from tests.fakes import FakeConsole

SIZE = (120, 40)
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way any more but what waits for a dialog."""
    await pilot.pause()
    waiting = [w for w in pilot.app.workers if w.group in {"start", "view", "load", "detail", "find"}]
    if waiting:
        await pilot.app.workers.wait_for_complete(waiting)
    await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def opened(pilot: Pilot[int], *keys: str, on: str | None = "app") -> RolesPane:
    """The tab with the cursor on a role, after pressing keys in it."""
    await settle(pilot)
    await press(pilot, "5", "o")
    screen = next(s for s in pilot.app.screen_stack if isinstance(s, AccountsScreen))
    pane = screen.query_one(RolesPane)
    if on is not None:
        assert pane.table.move_to(on)
    await press(pilot, *keys)
    return pane


def line(pane: RolesPane) -> str:
    return str(pane.query_one(".said", Static).content)


def drawn(pane: RolesPane) -> list[str]:
    return [pane.table.render_line(y).text for y in range(pane.table.size.height)]


def sentences(app: FakeConsole) -> list[str]:
    return [notification.message for notification in app._notifications]


# Showing


async def test_a_role_in_words() -> None:
    app = FakeConsole()
    async with app.run_test(size=(200, 40)) as pilot:
        pane = await opened(pilot)
        lines = drawn(pane)
        for words in (
            ("app", "● login", "writers", "never", "20"),
            ("dba", "◆ superuser", "creates roles · creates"),
            ("contractor", "▲ 40 d ago", "none"),
            ("legacy", "does not inherit", "▲ MD5"),
            ("readers", "○ group"),
            ("analytics", "in 12 d"),
        ):
            assert any(all(word in text for word in words) for text in lines), words
        assert (
            line(pane) == "9 roles · may log in 7 · superusers 1 · connections 21 · PostgreSQL's own hidden 1"
        )
        assert not any("pg_monitor" in text for text in lines)
        await press(pilot, "f")
        assert any("pg_monitor" in text for text in drawn(pane))


async def test_the_detail_says_what_it_may_do_where() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "enter")
        text = pane.query_one(DetailPane).text
        for words in (
            "writers: has its rights at once",
            "setting: statement_timeout=30s",
            "shop: 12 × table · 1 × schema · privileges on 3",
            "may do in this database\ndatabase shop: CONNECT TEMPORARY · through PUBLIC\n17 more are not listed",
            "may do in public\nschema public: USAGE · through PUBLIC\n"
            "table orders: SELECT INSERT* UPDATE · through writers\ntable carts: SELECT DELETE · owner",
            "through readers (SET ROLE)",
        ):
            assert words in text


async def test_names_and_comments_are_data() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "enter", on=HOSTILE)
        strips = [strip.text for strip in pane.query_one(DetailPane)._strips]
        assert not any("\x1b" in text for text in (*strips, *drawn(pane)))
        text = "\n".join(strips)
        for words in ("[@click=app.quit]x[/]", "[b]bold[/]", "search_path=[red]x[/]", "table [b]users[/]"):
            assert words in text


async def test_a_filter_looks_at_the_rows() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "slash", *"kind:superuser", "enter")
        assert [one.name for one in pane.table.shown_rows] == ["dba"]


# Making


async def test_a_role_is_made_from_a_template_with_a_password() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "n", "enter")
        await press(pilot, *"metabase", "enter", *"public, arxos_core", "enter", *"readers", "enter")
        await press(pilot, *["backspace"] * 4, *"5", "enter", *["backspace"] * 5, *"90 d", "enter", "enter")
        assert isinstance(app.screen, PasswordDialog)
        await press(pilot, *PASSWORD, "enter", *PASSWORD, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "tab", "enter")
        assert app.roles.done == [
            (
                "create",
                "metabase",
                RoleDraft(
                    "metabase",
                    RoleTemplate.ANALYTICS,
                    schemas=("public", "arxos_core"),
                    connection_limit=5,
                    valid_until=NOW + timedelta(days=90),
                    memberships=("readers",),
                ),
            )
        ]
        assert app.roles.passwords == [PASSWORD]
        assert sentences(app)[-1] == "metabase: create done."


async def test_a_service_names_its_tables_and_may_have_no_password() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "n", *"service", "enter")
        await press(
            pilot, *"shop", "enter", *'orders, arxos_core."Key s"', "enter", "enter", "enter", "enter"
        )
        await press(pilot, *["backspace"] * 3, *"no", "enter", "tab", "enter")
        [(_, _, draft)] = app.roles.done
        assert draft.tables == (("public", "orders"), ("arxos_core", "Key s"))
        assert (draft.schemas, app.roles.passwords) == ((), [])


async def test_a_group_is_asked_for_little() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "n", *"group", "enter")
        assert len(app.screen.query(Input)) == 2
        await press(pilot, *"auditors", "enter", "enter", "tab", "enter")
        assert app.roles.done[0][2] == RoleDraft("auditors", RoleTemplate.GROUP)


async def test_what_is_refused_can_be_mended() -> None:
    app = FakeConsole()
    app.roles.refusal = "There is a role auditors already."
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "n", *"group", "enter", *"auditors", "enter", "enter")
        assert isinstance(app.screen, FormDialog)
        assert "There is a role auditors already." in str(app.screen.query_one("#problem", Static).content)
        assert app.screen.query_one(Input).value == "auditors"
        await press(pilot, "escape")
        assert app.roles.done == []


# Changing


async def test_a_password_is_set_and_forgotten() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "p", *PASSWORD, "enter", *PASSWORD, "enter")
        # The statement is shown before it runs, without the password.
        assert isinstance(app.screen, ConfirmDialog)
        assert PASSWORD not in app.export_screenshot()
        await press(pilot, "tab", "enter")
        assert app.roles.done == [("password", "app")]
        assert app.roles.passwords == [PASSWORD]
        gc.collect()
        assert not any(isinstance(one, Input) and PASSWORD[:7] in one.value for one in gc.get_objects()), (
            "no box has it still"
        )
        assert not any(PASSWORD in sentence for sentence in sentences(app))


async def test_what_is_altered_is_only_what_differs() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(
            pilot, "M", "enter", *["backspace"] * 2, *"none", "enter", "enter", *", readers", "enter"
        )
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "tab", "enter")
        assert app.roles.done == [("alter", "app", RoleChange(connection_limit=-1, joins=("readers",)))]


async def test_expiring() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "x", "tab", "enter", on="legacy")
        assert app.roles.done == [("expire", "legacy")]


async def test_dropping_asks_who_gets_what_it_owns() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        pane = await opened(pilot, "D")
        assert isinstance(app.screen, ChooseDialog)
        title = str(app.screen.query_one("#title", Static).content)
        assert title == "app owns shop: 12 × table · 1 × schema · privileges on 3. Who gets it?"
        await press(pilot, *"dba", "enter", "tab", "enter")
        assert app.roles.done == [("drop", "app", "dba")]
        assert "app" not in [one.name for one in pane.table.shown_rows]


async def test_who_owns_nothing_is_dropped_after_one_question() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "D", "tab", "enter", on="legacy")
        assert app.roles.done == [("drop", "legacy", None)]


async def test_in_production_the_name_is_typed() -> None:
    app = FakeConsole(settings=Settings(environment="production"))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, "x", *"legac", "enter", "escape", on="legacy")
        assert app.roles.done == []
        await press(pilot, "x", *"legacy", "enter", "enter")
        assert app.roles.done == [("expire", "legacy")]


@pytest.mark.parametrize("key", ["n", "M", "p", "x", "D"])
async def test_read_only_changes_nothing(key: str) -> None:
    app = FakeConsole(settings=Settings(read_only=True))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key)
        assert isinstance(app.screen, AccountsScreen)
        assert (
            sentences(app)[-1]
            == "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
        )


@pytest.mark.parametrize("key", ["M", "p", "x", "D"])
async def test_a_refusal_is_said(key: str) -> None:
    app = FakeConsole()
    app.roles.refusal = "The role dba may not change legacy."
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key, on="legacy")
        if key == "M":
            await press(pilot, "enter", "enter", "enter", *", readers", "enter")
            assert "may not change" in str(app.screen.query_one("#problem", Static).content)
        else:
            assert sentences(app)[-1] == "The role dba may not change legacy."
        assert app.roles.done == []


# What is typed


def test_names_are_read_as_they_are_written() -> None:
    names = ("plain", "Capital", "with space", 'quo"te', "dotted.name", "a,b", "漢字")
    assert read_names(", ".join(map(written, names))) == names
    assert read_names("") == ()
    assert read_names("a,a") == ("a",)


def test_tables_have_their_schema_or_are_in_public() -> None:
    assert read_tables('orders, s . t, "My S"."a.b"') == (("public", "orders"), ("s", "t"), ("My S", "a.b"))


@pytest.mark.parametrize("text", ["a b", 'a"b', "a,,b", ".a", "a.b.c", '"open'])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_tables(text)


def test_a_name_of_a_schema_has_no_dot() -> None:
    with pytest.raises(BadInput, match="Names are separated by commas"):
        read_names("public.orders")


@pytest.mark.parametrize("text", ["-1", "many", "1e3", "9999999"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_limit(text)


def test_an_end_is_changed_only_where_it_is_written_anew() -> None:
    ends = role("x", valid_until=NOW + timedelta(days=3), memberships=(member("a"), member("b c")))
    values = {field.name: field.value for field in change_fields(ends)}
    assert change_of(ends, values, NOW) == RoleChange()
    assert change_of(ends, values | {"valid": "never"}, NOW) == RoleChange(never_ends=True)
    later = change_of(ends, values | {"valid": "2026-12-31 18:00"}, NOW)
    assert later.valid_until == datetime(2026, 12, 31, 18, 0).astimezone()
    assert change_of(ends, values | {"groups": "a"}, NOW) == RoleChange(leaves=("b c",))
    assert change_of(ends, values | {"login": "no"}, NOW) == RoleChange(can_login=False)
    with pytest.raises(BadInput, match="passed"):
        change_of(ends, values | {"valid": "2020-01-01"}, NOW)
