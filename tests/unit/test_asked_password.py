"""The dialog that asks for the password of a server, on fake ones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, Static

from console.dialogs.asked_password import AskedPasswordDialog
from console.models.credentials import Answer, Question
from console.screens.asking import DialogAsker
from tests.fakes import FakeConsole
from tests.live import until

QUESTION = Question("[app]", "db1:5432", "db1:5432 wants [a] password.", waiting_for="the keyring")


async def asked(pilot: Pilot[int], asker: DialogAsker, question: Question) -> asyncio.Task[Answer | None]:
    """The dialog is there."""
    task = asyncio.create_task(asker.ask(question))
    await until(lambda: isinstance(pilot.app.screen, AskedPasswordDialog) and pilot.app.screen.is_mounted)
    await pilot.pause()
    return task


async def answered(task: asyncio.Task[Answer | None], app: FakeConsole) -> Answer | None:
    """The dialog is gone."""
    answer = await task
    await until(lambda: len(app.screen_stack) == 1)
    return answer


async def test_it_asks_while_the_keyring_is_waited_for() -> None:
    app = FakeConsole()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.services is not None and app.services.server.passwords.asker is not None)
        assert app.services is not None
        asker = app.services.server.passwords.asker
        assert isinstance(asker, DialogAsker)

        task = await asked(pilot, asker, QUESTION)
        dialog = app.screen
        box, store = dialog.query_one(Input), dialog.query_one(Checkbox)
        shown = [str(one.content) for one in dialog.query(Static)]
        assert "Password of role '[app]' at db1:5432" in shown
        assert "db1:5432 wants [a] password." in shown
        assert "Waiting for the keyring …; the password can be typed instead." in shown
        assert not store.display
        await pilot.press("enter")
        assert "Nothing is typed yet" in str(dialog.query_one("#problem", Static).content)
        await pilot.press("q", "tab", "1", "space")  # no key of the screens, and nowhere else to go
        assert box.value == "q1 "
        asker.update(replace(QUESTION, waiting_for=None, can_store=True, reasons=("the [x] is locked",)))
        await pilot.pause()
        assert "The [x] is locked." in str(dialog.query_one("#elsewhere", Static).content)
        assert (store.display, store.value) == (True, False)
        await pilot.press("tab", "space", "enter")
        answer = await answered(task, app)
        assert answer is not None
        assert (answer.secret.get_secret_value(), answer.store, box.value) == ("q1 ", True, "")

        # One is found while nothing was typed yet: nobody has to answer.
        task = await asked(pilot, asker, replace(QUESTION, can_store=True, was_stored=True))
        assert app.screen.query_one(Checkbox).value
        asker.update(replace(QUESTION, waiting_for=None, is_found=True))
        assert await answered(task, app) is None

        # Where somebody types, the dialog does not go away below the hands.
        task = await asked(pilot, asker, QUESTION)
        await pilot.press("q")
        asker.update(replace(QUESTION, waiting_for=None, is_found=True))
        await pilot.pause()
        assert "esc goes on with that" in str(app.screen.query_one("#elsewhere", Static).content)
        await pilot.press("escape")
        assert await answered(task, app) is None

        # Nobody wants to connect any more.
        task = await asked(pilot, asker, QUESTION)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await until(lambda: len(app.screen_stack) == 1)
        assert app.return_code is None
