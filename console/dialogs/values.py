"""What a statement's parameters are to be when it is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine

NULL = "NULL"
"""What is typed for no value."""


class ValuesDialog(Dialog[tuple[str | None, ...] | None]):
    """Asks for values, that of $1 first; the answer is None when the person went back.

    A value is what stands between the quotes of a constant; None among the values is NULL.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "next, then go on", key_display="enter", priority=True),
        Binding("tab,down", "app.focus_next", "next", key_display="tab"),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, labels: Sequence[str], before: Sequence[str | None] = ()) -> None:
        """`labels` tell the parameters: "$1 integer"; `before` are the values that were given last."""
        super().__init__()
        self._labels = labels
        self._before = before or [""] * len(labels)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content("With which values?"), id="title")
            with VerticalScroll(id="values", can_focus=False):
                for label, value in zip(self._labels, self._before, strict=True):
                    yield Static(Content.styled(visible(label), "$text-muted"))
                    yield Input(NULL if value is None else value, select_on_focus=False)
            words = f"As between the quotes of a constant: 2026-03-01, {{1,2}}. {NULL} means the parameter is NULL."
            yield Static(Content.styled(words, "$text-muted"), classes="label")
        yield KeyLine(right=())

    def on_mount(self) -> None:
        for box in self.query(Input):
            box.cursor_blink = False

    def action_go_on(self) -> None:
        """To the next value; behind the last one with all of them."""
        boxes = list(self.query(Input))
        if self.focused is boxes[-1]:
            self.dismiss(tuple(None if box.value == NULL else box.value for box in boxes))
        else:
            self.focus_next()

    def action_cancel(self) -> None:
        """Run nothing."""
        self.dismiss(None)
