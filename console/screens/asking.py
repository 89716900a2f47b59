"""Asks for a password in a dialog, whichever screen is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from console.dialogs.asked_password import AskedPasswordDialog
    from console.models.credentials import Answer, Question


class DialogAsker:
    """An `Asker` of the credentials."""

    patience = 0.3
    """Seconds; a keyring that is open has answered by then, and no dialog flashes up."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._dialog: AskedPasswordDialog | None = None

    async def ask(self, question: Question) -> Answer | None:
        """What was typed; None where the person went back, or a password was found meanwhile."""
        from console.dialogs.asked_password import AskedPasswordDialog

        dialog = self._dialog = AskedPasswordDialog(question)
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def take(given: Answer | None) -> None:
            if not answer.done():
                answer.set_result(given)

        # Of the app, and not of the screen that wanted to connect and may be gone when it is answered.
        self._app.call_later(self._app.push_screen, dialog, take)
        try:
            return await answer
        finally:
            self._dialog = None
            if not answer.done() or answer.cancelled():
                self._app.call_later(dialog.dismiss, None)  # whoever wanted to connect does not any more

    def update(self, question: Question) -> None:
        """Has the dialog show the question as things stand now."""
        if self._dialog is not None:
            self._dialog.update(question)

    def say(self, sentence: str) -> None:
        """Shows a sentence for a while."""
        self._app.notify(sentence, markup=False, timeout=5)
