"""The password that a server wants."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Checkbox, Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.password import SecretInput
from console.models.credentials import Answer, Question
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine


class _StoreBox(Checkbox):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.go_on", "go on", key_display="enter", priority=True),
        Binding("space", "toggle_button", "store or not"),
    ]

    def __init__(self) -> None:
        super().__init__("", compact=True)
        self.display = False

    def watch_value(self) -> None:
        """Says it in a word: the stock mark differs in its colour alone."""
        self.label = f"store it in the keyring: {'yes' if self.value else 'no'}"
        super().watch_value()


class AskedPasswordDialog(Dialog[Answer | None]):
    """Asks for a password while it is still looked for elsewhere; the answer is None when the person went back.

    It goes by itself when a password was found elsewhere before anything was typed. Once closed it holds nothing of
    what was typed.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "app.focus_next", "next", key_display="tab", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False, priority=True),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(id="dialog"):
            title = f"Password of role {question.role!r} at {question.address}"
            yield Static(Content(visible(title)), id="title")
            yield Static(Content(visible(question.problem)))
            yield Static(id="elsewhere", markup=False)
            yield SecretInput(id="password")
            yield _StoreBox()
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self._show()

    def update(self, question: Question) -> None:
        """Shows the question as things stand now."""
        self._question = question
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        question, store = self._question, self.query_one(_StoreBox)
        if question.is_found and not self.query_one(Input).value:
            self._close(None)
            return
        lines = [f"{reason[:1].upper()}{reason[1:]}." for reason in question.reasons]
        if question.waiting_for is not None:
            lines.append(f"Waiting for {question.waiting_for} …; the password can be typed instead.")
        elif question.is_found:
            lines.append("One was found elsewhere by now: esc goes on with that.")
        self.query_one("#elsewhere", Static).update(
            Content.styled(visible("\n".join(lines), multiline=True), "$text-muted")
        )
        if question.can_store and not store.display:
            store.value = question.was_stored
        store.display = question.can_store

    def action_go_on(self) -> None:
        """With what was typed."""
        if typed := self.query_one(Input).value:
            store = self.query_one(_StoreBox)
            self._close(Answer(SecretStr(typed), store=store.display and store.value))
            return
        self.query_one("#problem", Static).update(
            Content.styled("Nothing is typed yet; esc goes back without a password.", "$warning")
        )
        self.set_focus(self.query_one(Input))

    def action_cancel(self) -> None:
        """Connect without a password, or not at all."""
        self._close(None)

    def _close(self, answer: Answer | None) -> None:
        self.query_one(Input).value = ""
        self.dismiss(answer)
