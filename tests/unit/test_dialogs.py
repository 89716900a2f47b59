"""What is true of every dialog: it answers once, and takes what is typed in its order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from console.dialogs.choose import Choice, ChooseDialog
from console.dialogs.confirm import ConfirmDialog
from console.dialogs.form import Field, FormDialog
from console.dialogs.goal import Goal, GoalDialog
from console.dialogs.help import HelpDialog
from console.dialogs.password import PasswordDialog
from console.dialogs.scopes import Permissions, ScopesDialog
from console.dialogs.values import ValuesDialog
from console.models.operation import Danger, Operation
from tests.fakes import FakeConsole

SIZE = (80, 24)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def opened(pilot: Pilot[int], dialog: Screen[Any]) -> list[Any]:
    """Shows a dialog; what it answers comes into the list."""
    answers: list[Any] = []
    await pilot.pause()
    pilot.app.push_screen(dialog, answers.append)
    await pilot.pause()
    return answers


async def burst(pilot: Pilot[int], *keys: str) -> None:
    """Keys that come at once, as those of a person come who is faster than the console, or pastes."""
    for key in keys:
        character = key if len(key) == 1 else {"enter": "\r", "tab": "\t"}.get(key)
        pilot.app.post_message(Key(key, character))
    await pilot.pause()
    await pilot.pause()


def confirm_dialog(*, typed: bool = False) -> ConfirmDialog:
    operation = Operation(
        title="Delete ada@example.com",
        action="Delete",
        object_name="ada@example.com",
        statements=("DELETE",),
        consequences=(),
        danger=Danger.DESTRUCTIVE,
    )
    return ConfirmDialog(operation, typed=typed, in_production=typed)


# Answering once


ANSWERED_BY_ENTER: list[tuple[Callable[[], Screen[Any]], Any]] = [
    (lambda: FormDialog("A form", [Field("name", "name", "ada")]), {"name": "ada"}),
    (lambda: ChooseDialog("Whose key?", [Choice("one", "ada")]), Choice("one", "ada")),
    (confirm_dialog, False),
    (lambda: GoalDialog("Where to?", "heads"), Goal("heads", None)),
    (lambda: HelpDialog("Keys", []), None),
    (lambda: ValuesDialog(["$1 integer"], ["7"]), ("7",)),
    (lambda: ScopesDialog("Scopes", ["read"], ["read"], lambda document: None), Permissions(["read"])),
]


@pytest.mark.parametrize(("dialog", "answer"), ANSWERED_BY_ENTER)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
async def test_an_enter_pressed_twice_answers_once(
    dialog: Callable[[], Screen[Any]], answer: Any, at_once: bool
) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, dialog())
        await (burst(pilot, "enter", "enter") if at_once else pilot.press("enter", "enter"))
        assert answers == [answer]


async def test_a_password_typed_twice_is_answered_once() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, PasswordDialog("A new password", lambda password: None))
        await pilot.press(*"secret", "enter", *"secret")
        await burst(pilot, "enter", "enter")
        assert answers == [SecretStr("secret")]


async def test_a_dialog_that_another_covers_answers_when_it_is_on_top_again() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        below, above = FormDialog("Below", [Field("name", "name")]), HelpDialog("Above", [])
        answers = await opened(pilot, below)
        await opened(pilot, above)
        below.dismiss({"name": "ada"})
        await pilot.pause()
        assert app.screen is above
        assert answers == []
        await pilot.press("escape")
        await pilot.pause()
        assert answers == [{"name": "ada"}]
        assert below not in app.screen_stack


# The order of what is typed


def form(name: str = "") -> FormDialog:
    return FormDialog(
        "A form", [Field("email", "e-mail"), Field("username", "username"), Field("name", "name", name)]
    )


@pytest.mark.parametrize("between", ["tab", "down", "enter"])
async def test_what_is_typed_ahead_gets_into_the_field_it_is_meant_for(between: str) -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, form("NULL"))  # which is typed over
        await burst(pilot, *"t1@example.com", between, *"NEWx", "backspace", between, *"New Name", "enter")
        assert answers == [{"email": "t1@example.com", "username": "NEW", "name": "New Name"}]


async def test_one_goes_back_in_the_order_of_the_keys_too() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, form())
        await burst(pilot, "a", "tab", "b", "shift+tab", "c", "left", "d", "up", "e", "enter")
        assert answers == [{"email": "adc", "username": "b", "name": "e"}]


async def test_what_is_pasted_comes_before_what_is_typed_behind_it() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, form())
        app.post_message(Paste("ada"))
        await burst(pilot, *"@x", "tab", *"ada", "tab", "enter")
        assert answers == [{"email": "ada@x", "username": "ada", "name": ""}]


async def test_a_password_is_typed_twice_in_one_burst() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, PasswordDialog("A new password", lambda password: None))
        await burst(pilot, *"secret", "tab", *"secret", "enter")
        assert answers == [SecretStr("secret")]


async def test_what_is_typed_behind_an_answer_does_nothing_to_what_is_there_then() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        below = FormDialog("Below", [Field("name", "name")])
        others = await opened(pilot, below)
        answers = await opened(pilot, FormDialog("Above", [Field("name", "name")]))
        await burst(pilot, *"ada", "enter", "enter", *"x")
        assert answers == [{"name": "ada"}]
        assert others == []
        await pilot.press("y", "enter")
        assert others == [{"name": "y"}]


# The name that is typed in production


async def test_enter_behind_the_name_leads_to_the_button_and_the_next_one_presses_it() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = confirm_dialog(typed=True)
        answers = await opened(pilot, dialog)
        await burst(pilot, *"ada@example.com", "enter")
        assert app.focused is dialog.query_one("#do")
        assert answers == []
        await burst(pilot, *"xyz")
        assert dialog.query_one("#typed", Input).value == "ada@example.com"
        assert app.focused is dialog.query_one("#do")
        await pilot.press("enter")
        assert answers == [True]


async def test_tab_leads_from_the_name_to_the_button_too() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await opened(pilot, confirm_dialog(typed=True))
        await burst(pilot, *"ada@example.com", "tab", "tab", "enter")
        assert answers == [True]


async def test_a_name_that_is_not_the_objects_leads_nowhere() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = confirm_dialog(typed=True)
        answers = await opened(pilot, dialog)
        await burst(pilot, *"ada@example.co", "enter", "enter")
        assert app.focused is dialog.query_one("#typed")
        assert answers == []
