"""The dialog with a new key: it shows it once, sends it to the terminal, and forgets it."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot
from textual.widgets import Static

from console.data.keys import make_key
from console.dialogs.created_key import CreatedKeyDialog
from console.models.api_keys import CreatedKey
from console.terminal import clipboard
from tests.fake_keys import api_key
from tests.fakes import NOW, FakeConsole

SIZE = (80, 24)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent to the terminal's clipboard."""
    texts: list[str] = []
    monkeypatch.setattr("console.dialogs.created_key.copy", lambda app, text: texts.append(text))
    return texts


async def opened(
    pilot: Pilot[int], key: SecretStr, answer: Callable[[object], None] | None = None
) -> CreatedKeyDialog:
    await pilot.pause()
    dialog = CreatedKeyDialog(CreatedKey(key, api_key("ci-deploy")))
    pilot.app.push_screen(dialog, answer)
    await pilot.pause()
    await pilot.pause()
    return dialog


def on_screen(app: FakeConsole) -> str:
    """What stands on the terminal."""
    compositor = app.screen._compositor
    chops = compositor._render_chops(compositor.size.region, lambda y: True)
    lines = ["".join(chop[x].text for x in sorted(chop)) for chop in chops]
    return "\n".join(lines)


def said(dialog: CreatedKeyDialog) -> str:
    return str(dialog.query_one("#said", Static).content)


async def test_the_key_is_on_a_line_of_its_own_and_whole() -> None:
    key = make_key("production").key
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key)
        text = on_screen(app)
        assert re.search(rf"│  {key.get_secret_value()} +│", text)
        assert "the only time that it can be seen" in text


async def test_a_key_wider_than_the_dialog_goes_on_below() -> None:
    key = SecretStr("k" * 60 + "x" * 60)
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key)
        assert on_screen(app).count("k") >= 60
        assert on_screen(app).count("x") >= 60


async def test_y_sends_it_and_claims_no_more() -> None:
    key = make_key("test").key
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, key)
        sent_before = app._clipboard
        assert sent_before == ""
        await pilot.press("y")
        assert said(dialog).startswith("Sent to the terminal's clipboard.")
        assert app._clipboard == ""
        assert not list(app._notifications)


async def test_what_y_sends_is_the_whole_key(sent: list[str]) -> None:
    key = make_key("test").key
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, key)
        await pilot.press("y")
        assert sent == [key.get_secret_value()]
    assert clipboard.sequence(sent[0], {}).startswith("\x1b]52;c;")


async def test_a_double_click_and_ctrl_c_leave_nothing_in_the_app(sent: list[str]) -> None:
    key = make_key("test").key
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, key)
        await pilot.click("#secret", offset=(4, 0), times=2)
        await pilot.pause()
        assert dialog.get_selected_text() == key.get_secret_value()
        await pilot.press("ctrl+c")
        assert sent == [key.get_secret_value()]
        assert app._clipboard == ""


async def test_habit_does_not_close_it() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, make_key("test").key)
        await pilot.press("enter", "q", "space", "1", "f2", "escape", "enter", "escape")
        await pilot.pause()
        assert app.screen is dialog
        assert "esc again" in said(dialog)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not dialog


async def test_the_button_closes_it() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, make_key("test").key)
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert app.screen is not dialog


@pytest.mark.parametrize("keys", [("y", "escape", "escape"), ("tab", "enter")])
async def test_after_closing_the_key_is_nowhere(keys: tuple[str, ...]) -> None:
    answers: list[object] = []
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        key = make_key("test").key
        # What is looked for must not hold it itself.
        half = len(key.get_secret_value()) // 2
        halves = [key.get_secret_value()[:half], key.get_secret_value()[half:]]
        dialog = await opened(pilot, key, answers.append)
        del key
        await pilot.click("#secret", offset=(4, 0), times=2)
        app.export_screenshot()
        assert _holders(halves), "the search finds it while it is there"
        await pilot.press(*keys)
        await pilot.pause()
        assert answers == [None]
        assert "".join(halves) not in app.export_screenshot()
        assert "".join(halves) not in on_screen(app)
        # The dialog itself may live on for as long as somebody refers to it.
        assert isinstance(dialog, CreatedKeyDialog)
        assert _holders(halves) == []


def _holders(halves: list[str]) -> list[object]:
    """Everything in this process that refers to a text with the key in it: caches, reactives, strips, the closed dialog."""
    whole = "".join(halves)
    gc.collect()
    found = []
    for candidate in gc.get_objects():
        for part in gc.get_referents(candidate):
            if isinstance(part, str) and whole in part:
                found.append(candidate)
    return found


async def test_names_of_a_database_are_data() -> None:
    app = FakeConsole()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        row = api_key("[@click=app.quit]x[/] \x1b]0;t\x07" + "n" * 10_000, owner="\u202eo" * 5_000)
        old = api_key("old", expires_at=NOW + timedelta(hours=24))
        key = make_key("test").key
        app.push_screen(CreatedKeyDialog(CreatedKey(key, row, old)))
        await pilot.pause()
        await pilot.pause()
        text = on_screen(app)
        assert "\x1b" not in text
        assert "‹U+202E›" in text
        assert key.get_secret_value() in text
        assert "goes on working until" in text
