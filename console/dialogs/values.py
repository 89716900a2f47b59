"""What a statement's parameters are to be when it is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine

NULL = "NULL"
"""What is typed for no value."""


class ValuesDialog(ModalScreen[tuple[str | None, ...] | None]):
    """Asks for a value of each type, $1 first; the answer is None when the person went back.

    A value is what stands between the quotes of a constant; None among the values is NULL.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "", "next, then go on"),
        Binding("tab,down", "app.focus_next", "next", key_display="tab"),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, types: Sequence[str], before: Sequence[str | None] = ()) -> None:
        """`before` are the values that were given last."""
        super().__init__()
        self._types = types
        self._before = before or [""] * len(types)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content("With which values?"), id="title")
            with VerticalScroll(id="values", can_focus=False):
                for number, (type_, value) in enumerate(zip(self._types, self._before, strict=True), 1):
                    yield Static(Content.styled(visible(f"${number} {type_}"), "$text-muted"))
                    yield Input(NULL if value is None else value, select_on_focus=False)
            words = f"As between the quotes of a constant: 2026-03-01, {{1,2}}. {NULL} is no value."
            yield Static(Content.styled(words, "$text-muted"), classes="label")
        yield KeyLine(right=())

    def on_mount(self) -> None:
        for box in self.query(Input):
            box.cursor_blink = False

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        """To the next value; behind the last one with all of them."""
        boxes = list(self.query(Input))
        if event.input is boxes[-1]:
            self.dismiss(tuple(None if box.value == NULL else box.value for box in boxes))
        else:
            self.focus_next()

    def action_cancel(self) -> None:
        """Run nothing."""
        self.dismiss(None)
