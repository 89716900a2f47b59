"""Filter as you type: one line above the footer, there while a filter is on, so that nobody forgets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

WORDS = "words to find, !word to leave out, user:word in a column"
"""What can be typed, unless somebody else looks at it than the tables."""


class FilterBar(Horizontal):
    """Posts `Changed` at every key and `Closed` at enter or escape; escape clears the filter first.

    It is there from the beginning, hidden: what is typed right behind the key that opens it must already find it.
    """

    DEFAULT_CSS = """
    FilterBar {
        display: none; height: 1; padding: 0 1; background: $panel;
        Label { color: $accent; padding-right: 1; }
        Input, Input:focus { border: none; height: 1; padding: 0; background: $panel; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear filter"),
        Binding("down,up", "keep", "back to the table"),
    ]

    @dataclass
    class Changed(Message):
        """The words to filter by are others now."""

        words: str

    @dataclass
    class Closed(Message):
        """The person has finished."""

    def compose(self) -> ComposeResult:
        yield Label("/", markup=False)
        yield Input(placeholder=WORDS, select_on_focus=False)

    def on_mount(self) -> None:
        self._input.cursor_blink = False

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    def say_what_to_type(self, words: str) -> None:
        """Says in the empty bar what can be typed."""
        self._input.placeholder = words

    def edit(self) -> None:
        """Lets the person type, from the very next key on."""
        self.display = True
        self.screen.set_focus(self._input)

    def show_words(self, words: str) -> None:
        """Shows the words of a filter that was set otherwise; without any there is no bar."""
        with self._input.prevent(Input.Changed):
            self._input.value = words
        self.display = bool(words)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.display = bool(event.value) or self._input.has_focus
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()

    def action_clear(self) -> None:
        """Show every row again."""
        self.show_words("")
        self.post_message(self.Changed(""))
        self.post_message(self.Closed())

    def action_keep(self) -> None:
        """Go back to the table; the filter stays."""
        self.display = bool(self._input.value)
        self.post_message(self.Closed())
