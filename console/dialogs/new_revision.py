"""What a new revision is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine


@dataclass(frozen=True, slots=True)
class NewRevision:
    """What was typed."""

    message: str
    branch: str | None
    autogenerate: bool


class NewRevisionDialog(Dialog[NewRevision | None]):
    """Asks for the message, the branch and whether to fill it; the answer is None when the person went back."""

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer", "create", key_display="enter", priority=True),
        Binding("tab", "app.focus_next", "next"),
        Binding("down,up", "turn", "autogenerate or not", key_display="↓", priority=True),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, branches: Sequence[str], *, autogenerates: bool) -> None:
        """`branches` are the labels that there are; `autogenerates` is whether its kind can be filled by itself."""
        super().__init__()
        self._branches = branches
        self._autogenerates = autogenerates
        self._is_filled = False

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content("A new revision"), id="title")
            yield Input(placeholder="what it does", id="message", select_on_focus=False)
            if self._branches:
                labels = ", ".join(self._branches)
                yield Static(Content.styled(visible(f"branch ({labels})"), "$text-muted"), classes="label")
                yield Input(
                    placeholder="the label of the branch that it goes on", id="branch", select_on_focus=False
                )
            if self._autogenerates:
                yield Static(id="autogenerate", classes="label")
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        for box in self.query(Input):
            box.cursor_blink = False
        self._say_filling()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "turn" or self._autogenerates

    def action_turn(self) -> None:
        """Choose whether it is filled with what differs from the metadata."""
        self._is_filled = not self._is_filled
        self._say_filling()

    def _say_filling(self) -> None:
        if self._autogenerates:
            words = (
                "with what differs from the metadata (autogenerate)" if self._is_filled else "with nothing"
            )
            line = Content("filled: ") + Content.styled(words, "bold $accent")
            self.query_one("#autogenerate", Static).update(line)

    def action_answer(self) -> None:
        """Create it."""
        message = self.query_one("#message", Input).value.strip()
        if not message:
            self.query_one("#problem", Static).update(Content("Say what it does: the file is named by it."))
            return
        branch = self.query_one("#branch", Input).value.strip() if self._branches else ""
        if branch and branch not in self._branches:
            self.query_one("#problem", Static).update(Content(visible(f"There is no branch {branch!r}.")))
            return
        self.dismiss(NewRevision(message, branch or None, self._is_filled))

    def action_cancel(self) -> None:
        """Create nothing."""
        self.dismiss(None)
