"""Filter as you type: one line above the footer, there only while it is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class FilterBar(Horizontal):
    """Posts `Changed` at every key and `Closed` at enter or escape; escape clears the filter first."""

    DEFAULT_CSS = """
    FilterBar {
        dock: bottom; height: 1; padding: 0 1; margin-bottom: 1; background: $panel;
        Label { color: $accent; padding-right: 1; }
        Input { border: none; height: 1; padding: 0; background: $panel; width: 1fr; }
        Input:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear filter"),
        Binding("enter", "keep", "keep filter", priority=True),
        Binding("up,down", "keep", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The words to filter by are others now."""

        text: str

    @dataclass
    class Closed(Message):
        """The person has finished."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield Label("/", markup=False)
        yield Input(self._text, placeholder="words to find, !word to leave out", select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def action_clear(self) -> None:
        """Show every row again."""
        self.post_message(self.Changed(""))
        self.post_message(self.Closed())

    def action_keep(self) -> None:
        """Go back to the table; the filter stays."""
        self.post_message(self.Closed())
