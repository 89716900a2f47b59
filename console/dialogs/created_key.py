"""A key that was just made, shown this once."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Button, Static

from console.dialogs.answer import Dialog
from console.models.api_keys import CreatedKey
from console.resources import folder
from console.terminal.clipboard import copy
from console.terminal.safe_text import visible
from console.widgets.columns import fit
from console.widgets.key_line import KeyLine
from console.widgets.secret_line import SecretLine

_MOST = 60
"""Cells of a name or an e-mail that are shown: what must be read here is the key."""


class CreatedKeyDialog(Dialog[None]):
    """Shows the key until the person says that they have it, and then forgets it.

    No key that is pressed by habit closes it: escape does at the second time, or the button.
    """

    CSS_PATH: ClassVar = [folder("themes") / "dialogs.tcss", folder("themes") / "keys.tcss"]
    AUTO_FOCUS = "SecretLine"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "send to the clipboard", tooltip="Send the key to the terminal's clipboard"),
        Binding("tab", "app.focus_next", "to the button"),
        Binding("escape", "leave", "twice: forget it", key_display="esc"),
    ]

    def __init__(self, created: CreatedKey) -> None:
        super().__init__()
        self._created: CreatedKey | None = created
        self._is_leaving = False

    def compose(self) -> ComposeResult:
        created = self._created
        assert created is not None, "it is composed once, when it opens"
        row = created.row
        with Vertical(id="dialog", classes="noticeable"):
            yield Static(Content(f"The new key {_short(row.name)} of {_short(row.owner)}"), id="title")
            yield Static(
                Content(
                    "▲ This is the only time that it can be seen: nobody keeps more than its hash. Put it now where it "
                    "is to be used."
                )
            )
            yield SecretLine(created.key, id="secret")
            if created.replaces is not None:
                yield Static(Content(_until(created.replaces.prefix, created.replaces.expires_at)))
            yield Static(
                Content.styled(
                    "y sends it to the terminal's clipboard (OSC 52). Or select it: a double click does, or the mouse "
                    "with shift held.",
                    "$text-muted",
                ),
                classes="label",
            )
            yield Static(id="said", markup=False)
            with Horizontal(id="buttons"):
                yield Button("I have it: forget it", id="leave", variant="warning", compact=True)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self._created = None

    def action_copy(self) -> None:
        """Send the key to the terminal, which may or may not put it into its clipboard."""
        secret = self.query_one(SecretLine).secret
        if secret is not None:
            copy(self.app, secret.get_secret_value())
            self._say("Sent to the terminal's clipboard. Paste it where it belongs before you close this.")

    def action_copy_text(self) -> None:
        """Textual's own copying of a selection keeps the text in the app."""
        if text := self.get_selected_text():
            copy(self.app, text)
            self._say("The selection was sent to the terminal's clipboard.")

    def on_key(self, event: Key) -> None:
        if event.key != "escape":
            self._is_leaving = False

    def action_leave(self) -> None:
        """Forget the key, at the second time."""
        if self._is_leaving:
            self._leave()
        else:
            self._is_leaving = True
            self._say("▲ Closing forgets it for good: esc again closes.")

    @on(Button.Pressed)
    def _leave(self) -> None:
        self.query_one(SecretLine).forget()
        self.dismiss(None)

    def _say(self, sentence: str) -> None:
        self.query_one("#said", Static).update(Content(sentence))


def _short(text: str | None) -> str:
    return fit(visible(text or "–"), _MOST).rstrip()


def _until(prefix: str | None, expires_at: datetime | None) -> str:
    if expires_at is None:
        return f"The old key {_short(prefix)} goes on working."
    return f"The old key {_short(prefix)} goes on working until {expires_at.astimezone():%Y-%m-%d %H:%M}."
