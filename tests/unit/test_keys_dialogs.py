"""The dialogs about keys: what a key may do, what a pasted one is, choosing one of many."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from textual.events import Key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

from console.data.accounts.key_drafts import checked_permissions
from console.data.keys import make_key
from console.dialogs.choose import Choice, ChooseDialog
from console.dialogs.paste_key import PasteKeyDialog
from console.dialogs.scopes import Permissions, ScopesDialog, read_document, with_scopes
from console.errors import BadInput, QueryFailed
from console.models.api_keys import ApiKey, KeyDraft, KeyState, KeyVerdict
from console.widgets.live_table import LiveTable
from tests.fake_keys import api_key
from tests.fakes import FakeConsole

SIZE = (80, 24)
HOSTILE = "[@click=app.quit]x[/] [/foo] \x1b]0;t\x07\u202e" + "n" * 10_000


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def open_dialog(pilot: Pilot[int], dialog: Screen[Any], *keys: str) -> list[Any]:
    """Shows a dialog and presses keys; what it answers comes into the list."""
    answers: list[Any] = []
    await pilot.pause()
    pilot.app.push_screen(dialog, answers.append)
    await pilot.pause()
    await press(pilot, *keys)
    return answers


async def press(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.app.workers.wait_for_complete(
        [worker for worker in pilot.app.workers if worker.group in {"verify", "find", "start"}]
    )
    await pilot.pause()


def said(dialog: Screen[Any], name: str) -> str:
    return str(dialog.query_one(f"#{name}", Static).content)


def choices(dialog: Screen[Any]) -> list[str]:
    """The lines of the list as they are drawn."""
    table = dialog.query_one(LiveTable)
    return [table.render_line(y).text.strip() for y in range(1, table.size.height)]


# Scopes


def check(document: Any) -> object:
    return checked_permissions(KeyDraft(UUID(int=1), "ci", permissions=document))


def scopes_dialog(
    permissions: Any = None, known: tuple[str, ...] = ("admin", "deploy", "read", "write")
) -> ScopesDialog:
    return ScopesDialog("Scopes of ci-deploy", permissions, known, check)


async def test_scopes_in_use_complete_what_is_typed() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await open_dialog(pilot, scopes_dialog(), *"re", "enter", *"wr", "enter", "enter")
        assert answers == [Permissions({"scopes": ["read", "write"]})]


async def test_a_scope_that_nobody_has_yet_is_added() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await open_dialog(
            pilot, scopes_dialog({"scopes": ["read"]}), *"billing:x", "enter", "ctrl+s"
        )
        assert answers == [Permissions({"scopes": ["read", "billing:x"]})]


async def test_a_word_that_is_no_scope_is_refused() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = scopes_dialog()
        answers = await open_dialog(pilot, dialog, *"a(b", "enter")
        assert said(dialog, "problem").startswith("'a(b' is no scope")
        await press(pilot, "r", "space", "enter")
        assert answers == [Permissions({"scopes": ["read"]})]


async def test_a_scope_is_taken_away_and_what_else_is_in_the_document_stays() -> None:
    document = {"admin": True, "scopes": ["read"], "project": "x", "beta": False}
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = scopes_dialog(document)
        answers = await open_dialog(pilot, dialog)
        assert choices(dialog)[0].startswith("● admin")
        assert "▲ everything" in choices(dialog)[0]
        await press(pilot, "space", "down", "down", "space", "enter")
        assert answers == [Permissions({"scopes": ["read", "deploy"], "project": "x", "beta": False})]


async def test_escape_leaves_them_as_they_were() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        assert await open_dialog(pilot, scopes_dialog(), *"re", "enter", "escape") == [None]


async def test_json_is_one_key_away_and_comes_back_as_a_list() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = scopes_dialog(["read"])
        answers = await open_dialog(pilot, dialog, "tab")
        area = dialog.query_one(TextArea)
        assert json.loads(area.text) == ["read"]
        area.load_text('{"scopes": ["own", "read"]}')
        await press(pilot, "tab")
        assert choices(dialog)[0].startswith("● own")
        assert choices(dialog)[1].startswith("● read")
        await press(pilot, "space", "ctrl+s")
        assert answers == [Permissions({"scopes": ["read"]})]


async def test_json_that_is_none_is_refused_and_kept() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = scopes_dialog()
        answers = await open_dialog(pilot, dialog, "tab")
        area = dialog.query_one(TextArea)
        area.load_text('{"scopes": ["read",]}')
        for key in ("tab", "ctrl+s"):
            await press(pilot, key)
            assert said(dialog, "problem").startswith("Line 1, column ")
            assert (answers, area.text) == ([], '{"scopes": ["read",]}')


async def test_a_document_that_is_wrong_already_is_shown_as_json() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = scopes_dialog({"scopes": ["read", 7]})
        await open_dialog(pilot, dialog)
        assert dialog.query_one(TextArea).display
        assert said(dialog, "problem") == "A scope is a word in quotes, and 7 is none."


async def test_hostile_scopes_are_data() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        # It could not be written so today; it is shown, and goes when something else is chosen.
        dialog = scopes_dialog({"scopes": [HOSTILE], "x": HOSTILE}, known=(HOSTILE + "2", "\x9b31m"))
        answers = await open_dialog(pilot, dialog, "escape")
        assert answers == [None]
    async with FakeConsole().run_test(size=SIZE) as pilot:
        dialog = scopes_dialog([], known=("\x9b31m", "[/foo]"))
        await open_dialog(pilot, dialog)
        assert choices(dialog)[0].startswith("○ [/foo]")
        assert choices(dialog)[1].startswith("○ ‹9B›31m")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("7", "Permissions are a JSON object or a list of scopes, and not 7."),
        ('{"scopes": "read"}', '"scopes" is to be a list of words'),
        ('["read", {"a": 1}]', "A scope is a word in quotes"),
        ('["a b"]', "'a b' is no scope"),
        ('["a\\u001b"]', "'a\\x1b' is no scope"),
        ('{"scopes": [], "x": "a\\u0000"}', "The permissions have a character with the code 0"),
        ('{"x": NaN}', "NaN is no number in JSON."),
        ("[" * 100_000, "It is nested too deeply."),
        ("", "Line 1, column 1 is no JSON"),
    ],
    ids=range(9),
)
def test_what_is_wrong_with_a_document_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadInput) as raised:
        check(read_document(text))
    assert raised.value.sentence.startswith(sentence)
    assert "\n" not in raised.value.sentence


@pytest.mark.parametrize(
    ("document", "scopes", "result"),
    [
        (["a"], ["a", "b"], ["a", "b"]),
        ({"admin": True}, ["admin"], {"admin": True}),
        ({"admin": True}, ["admin", "x"], {"admin": True, "scopes": ["x"]}),
        ({"admin": True, "n": 1}, [], {"n": 1}),
        ({"scopes": []}, ["admin"], {"admin": True, "scopes": []}),
        ({"scopes": ["a"]}, [], {"scopes": []}),
    ],
)
def test_a_document_keeps_its_form(document: Any, scopes: list[str], result: Any) -> None:
    assert with_scopes(document, scopes) == result


# A pasted key


def paste_dialog(asked: list[str], key: ApiKey | None = None, problem: str | None = None) -> PasteKeyDialog:
    async def verify(pasted: SecretStr) -> KeyVerdict:
        asked.append(pasted.get_secret_value())
        if problem is not None:
            raise QueryFailed(problem)
        return KeyVerdict(key is not None, key, KeyState.ACTIVE if key else None, "That is what is known.")

    return PasteKeyDialog(verify)


async def test_a_pasted_key_is_asked_about_and_gone_to() -> None:
    asked: list[str] = []
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = paste_dialog(asked, api_key())
        answers = await open_dialog(pilot, dialog, *"abc", "enter")
        assert asked == ["abc"]
        assert said(dialog, "said") == "That is what is known.\nenter goes to it"
        assert dialog.query_one(Input).value == ""
        await press(pilot, "enter")
        assert answers == [api_key()]


async def test_what_is_pasted_is_masked() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await open_dialog(pilot, paste_dialog([]), *"qzqzqz")
        assert "qzqz" not in app.export_screenshot()


async def test_an_unknown_key_leads_nowhere() -> None:
    asked: list[str] = []
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = paste_dialog(asked)
        answers = await open_dialog(pilot, dialog, "enter", *"abc", "enter", "enter", "enter")
        assert (asked, answers) == (["abc"], [])
        assert said(dialog, "said") == "That is what is known."
        await press(pilot, "escape")
        assert answers == [None]


async def test_why_it_cannot_be_asked_is_said() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = paste_dialog([], problem=f"The server said {HOSTILE}")
        await open_dialog(pilot, dialog, *"abc", "enter")
        assert said(dialog, "said").startswith("The server said [@click=app.quit]x[/]")
        assert "\x1b" not in said(dialog, "said")


@pytest.mark.parametrize("last", [("enter",), ()])
async def test_the_pasted_key_is_nowhere_afterwards(last: tuple[str, ...]) -> None:
    key = make_key("test").key.get_secret_value()
    halves = [key[:20], key[20:]]

    async def verify(pasted: SecretStr) -> KeyVerdict:
        return KeyVerdict(True, None, None, "It is unknown.")

    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = PasteKeyDialog(verify)
        await open_dialog(pilot, dialog)
        dialog.query_one(Input).insert_text_at_cursor(key)
        del key
        assert holders(halves), "the search finds it while it is there"
        await press(pilot, *last, "escape")
        assert holders(halves) == []
        assert app._clipboard == ""


def holders(halves: list[str]) -> list[object]:
    """Everything in this process that refers to a text with the secret in it."""
    whole = "".join(halves)
    gc.collect()
    found = []
    for candidate in gc.get_objects():
        for part in gc.get_referents(candidate):
            if isinstance(part, str) and whole in part:
                found.append(candidate)
    return found


# Choosing


def people(number: int) -> list[Choice[int]]:
    return [Choice(n, f"user{n}@example.com", f"User {n}") for n in range(number)]


async def test_one_of_a_list_is_found_by_typing() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await open_dialog(pilot, ChooseDialog("Whose?", people(30)), *"user 1", "down", "enter")
        assert [answer.value for answer in answers] == [10]


async def test_what_the_server_finds_can_be_chosen() -> None:
    asked: list[str] = []

    async def find(words: str) -> list[Choice[int]]:
        asked.append(words)
        return [one for one in people(5) if words in one.name]

    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = ChooseDialog[int]("Whose?", find=find)
        answers = await open_dialog(pilot, dialog)
        await press(pilot, *"user3")
        assert asked[0] == ""
        assert asked[-1] == "user3"
        assert len(asked) < 5, "not at every key"
        await press(pilot, "enter")
        assert [answer.value for answer in answers] == [3]


async def test_enter_waits_for_what_was_typed_last() -> None:
    may_answer = asyncio.Event()

    async def find(words: str) -> list[Choice[int]]:
        if words:
            await may_answer.wait()
        return [one for one in people(5) if words in one.name]

    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        answers = await open_dialog(pilot, ChooseDialog[int]("Whose?", find=find))
        for key in (*"user3", "enter"):
            await pilot.press(key)
        assert answers == []
        may_answer.set()
        await press(pilot)
        assert [answer.value for answer in answers] == [3]


async def test_why_nothing_can_be_found_is_said() -> None:
    async def find(words: str) -> list[Choice[int]]:
        raise QueryFailed(f"No: {HOSTILE}")

    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = ChooseDialog[int]("Whose?", find=find)
        answers = await open_dialog(pilot, dialog, "enter")
        assert said(dialog, "problem").startswith("No: [@click")
        await press(pilot, "escape")
        assert answers == [None]


async def test_hostile_choices_are_data() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = ChooseDialog(HOSTILE, [Choice(1, HOSTILE, HOSTILE)])
        answers = await open_dialog(pilot, dialog)
        assert "[@click=app.quit]x[/]" in choices(dialog)[0]
        await press(pilot, "enter")
        assert len(answers) == 1


# Faster than the console


async def test_keys_that_come_at_once_are_taken_in_their_order() -> None:
    asked: list[str] = []
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await open_dialog(pilot, paste_dialog(asked, api_key()))
        at_once(app, *"abc", "enter")
        await press(pilot)
        assert asked == ["abc"]
        answers = await open_dialog(pilot, scopes_dialog())
        at_once(app, *"re", "space", *"wr", "enter", "enter")
        await press(pilot)
        assert answers == [Permissions({"scopes": ["read", "write"]})]
        answers = await open_dialog(pilot, ChooseDialog("Whose?", people(30)))
        at_once(app, *"user 1", "down", "enter")
        await press(pilot)
        assert [answer.value for answer in answers] == [10]


def at_once(app: FakeConsole, *keys: str) -> None:
    """Keys as a terminal sends them that was pasted into, or a person who does not wait."""
    for key in keys:
        app.post_message(
            Key("space" if key == " " else key, " " if key == "space" else key if len(key) == 1 else None)
        )
