"""One of several things, found by typing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.form import FormInput
from console.errors import DbconsoleError
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.columns import Column
from console.widgets.key_line import KeyLine
from console.widgets.live_table import LiveTable

T = TypeVar("T")

_NARROW = 30
"""Cells that the longest name may take beside which what there is to know is read in full."""
PAUSE_IN_TYPING = 0.15
"""Seconds without a key after which something is looked for."""


# Without slots: a frozen class with both slots and a type parameter cannot be called as Choice[T](…).
@dataclass(frozen=True)
class Choice(Generic[T]):
    """Something to choose, with how it is called; both texts are data."""

    value: T
    name: str
    more: str = ""
    """What else there is to know of it."""


Find = Callable[[str], Awaitable[Sequence[Choice[T]]]]
"""What there is to choose from when these words are typed. Raises `DbconsoleError`."""


def _columns(choices: Sequence[Choice[T]]) -> Sequence[Column[Choice[T]]]:
    """The name as wide as that of the choices that there are, and the rest for what there is to know."""
    longest = max((len(choice.name) for choice in choices), default=0)
    is_narrow = 0 < longest <= _NARROW
    return (
        Column("name", "", lambda choice: choice.name, max(16, longest if is_narrow else 20), 16, flexible=not is_narrow, share=0.5),
        Column("more", "", lambda choice: (choice.more, "muted"), 24, 8, flexible=is_narrow),
    )  # fmt: skip


class _ChooseInput(FormInput):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "choose", key_display="enter")]


class ChooseDialog(Dialog[Choice[T] | None], Generic[T]):
    """Asks for one of `choices`, or of what `find` gives for the words typed; None when the person went back."""

    CSS_PATH: ClassVar = [folder("themes") / "dialogs.tcss", folder("themes") / "keys.tcss"]
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "next", key_display="↓"),
        Binding("up", "move(-1)", "previous", show=False),
        Binding("pagedown", "move(10)", "further", show=False),
        Binding("pageup", "move(-10)", "back", show=False),
        Binding("escape", "cancel", "cancel", key_display="esc"),
    ]

    def __init__(
        self, title: str, choices: Sequence[Choice[T]] = (), *, find: Find[T] | None = None, hint: str = ""
    ) -> None:
        """`hint` says in the empty box what can be typed."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._find = find
        self._hint = hint
        self._is_awaited = False
        """Whether enter was pressed while what was typed was still looked for: the first that is found is meant."""

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="choose"):
            yield Static(Content(visible(self._title)), id="title")
            yield _ChooseInput(placeholder=self._hint, select_on_focus=False)
            yield LiveTable[Choice[T]](
                _columns(self._choices),
                lambda choice: choice.value,
                sortable=False,
                empty=Content("…" if self._find else "Nothing is called that."),
                id="choices",
            )
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self._table.can_focus = False  # keys go into the box, whatever is clicked
        self._show(self._choices)
        if self._find is not None:
            self._look_for("", wait=0.0)

    @property
    def _table(self) -> LiveTable[Any]:
        return self.query_one("#choices", LiveTable)

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        if self._find is not None:
            self._is_awaited = False
            self._look_for(event.value.strip(), wait=PAUSE_IN_TYPING)
            return
        words = event.value.casefold().split()
        self._show(
            [one for one in self._choices if all(w in f"{one.name} {one.more}".casefold() for w in words)]
        )

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _look_for(self, words: str, *, wait: float) -> None:
        """Shows what is found; why nothing can be is said. Other words cancel it."""
        assert self._find is not None, "it is only called where there is one"
        await asyncio.sleep(wait)
        try:
            found = await self._find(words)
        except DbconsoleError as problem:
            self.query_one("#problem", Static).update(Content.styled(visible(problem.sentence), "$warning"))
            return
        self.query_one("#problem", Static).update("")
        self._table.show_when_empty(Content("Nothing is found."))
        self._show(found)
        if self._is_awaited and found:
            self.dismiss(found[0])

    def _show(self, choices: Sequence[Choice[T]]) -> None:
        self._table.update_rows(choices)
        self._table.action_first_row()

    def action_move(self, by: int) -> None:
        """Go to another one."""
        self._table.action_move_cursor(by)

    @on(Input.Submitted)
    def _choose(self) -> None:
        """Take the one under the cursor."""
        if any(worker.node is self and not worker.is_finished for worker in self.workers):
            self._is_awaited = True
        elif (choice := self._table.cursor_row) is not None:
            self.dismiss(choice)

    @on(LiveTable.RowSelected)
    def _clicked(self, event: LiveTable.RowSelected) -> None:
        self.dismiss(event.row)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
