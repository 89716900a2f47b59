"""A text of several lines, such as JSON, to be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from console.dialogs.answer import Dialog
from console.errors import BadInput
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine


class DocumentDialog(Dialog[str | None]):
    """Asks for a text; None when the person went back. What cannot be seen in it has to be escaped before."""

    CSS_PATH = folder("themes") / "dialogs.tcss"
    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "done", "done", priority=True),
        Binding("escape", "cancel", "cancel", key_display="esc", priority=True),
    ]

    def __init__(self, title: str, text: str, check: Callable[[str], object], *, problem: str = "") -> None:
        """`check` raises `BadInput` for what cannot be; `problem` says why what was typed before was refused."""
        super().__init__()
        self._title = title
        self._text = text
        self._check = check
        self._problem = problem

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="document"):
            yield Static(Content(visible(self._title)), id="title")
            yield TextArea(
                self._text, id="document", compact=True, tab_behavior="focus", highlight_cursor_line=False
            )
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.query_one(TextArea).cursor_blink = False
        self._refuse(self._problem)

    def action_done(self) -> None:
        """Take it as it is."""
        text = self.query_one(TextArea).text
        try:
            self._check(text)
        except BadInput as problem:
            self._refuse(problem.sentence)
        else:
            self.dismiss(text)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _refuse(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(visible(sentence), "$warning"))
