"""The one question before every change to a server."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Event, Key
from textual.widgets import Button, Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.form import OrderedInput
from console.models.operation import Danger, Operation
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine

MOST_LINES = 400
"""Lines of SQL that are shown: a migration may have ten thousand, which take seconds to wrap and nobody reads here."""


class _CancelButton(Button):
    """Has the focus, and hands what is typed over to the box where there is one."""

    def _forward_event(self, event: Event) -> None:
        if isinstance(event, Key) and event.is_printable and isinstance(self.screen, ConfirmDialog):
            for box in self.screen.query(_NameInput):
                self.screen.set_focus(box)
                box._forward_event(event)
                return
        super()._forward_event(event)


class _NameInput(OrderedInput):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.go_on", "to the button", show=False, priority=True)
    ]


class ConfirmDialog(Dialog[bool]):
    """Shows an operation: its SQL, what is lost. True when the person wants it.

    Cancel has the focus. With `typed` the object's name has to be written out first; `in_production` says so.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", tooltip="Do nothing"),
        Binding("tab", "next", "next", priority=True, tooltip="Go to the next button"),
        Binding("left,right", "app.focus_next", show=False),
        Binding("pagedown,down", "scroll_consequences(1)", "read on", key_display="pgdn"),
        Binding("pageup,up", "scroll_consequences(-1)", "read back", show=False),
    ]

    def __init__(self, operation: Operation, *, typed: bool, in_production: bool) -> None:
        super().__init__()
        self._operation = operation
        self._typed = typed
        self._in_production = in_production

    def compose(self) -> ComposeResult:
        operation = self._operation
        typed = " typed" if self._typed else ""
        with Vertical(id="dialog", classes=f"{operation.danger.value}{typed}"):
            yield Static(Content(visible(operation.title)), id="title")
            with VerticalScroll(id="consequences", can_focus=False):
                for consequence in operation.consequences:
                    yield Static(Content(f"▲ {visible(consequence)}"))
                yield Static(Content.styled("This will run:", "$text-muted"), classes="label")
                yield Static(Content(visible(self._sql, multiline=True)), classes="sql")
            if self._typed:
                where = "PRODUCTION. " if self._in_production else ""
                yield Static(
                    Content(f"{where}Type {visible(operation.object_name)} to go on:"), classes="label"
                )
                yield _NameInput(id="typed", compact=True, select_on_focus=False)
            with Horizontal(id="buttons"):
                yield _CancelButton("Cancel", id="cancel", compact=True)
                yield Button(
                    operation.action, id="do", variant=self._variant, disabled=self._typed, compact=True
                )
        yield KeyLine(right=())

    @property
    def _sql(self) -> str:
        lines = ";\n".join(self._operation.statements).split("\n")
        more = len(lines) - MOST_LINES
        return "\n".join(lines[:MOST_LINES]) + (f"\n… and {more:,} more lines" if more > 0 else "")

    @property
    def _variant(self) -> Literal["warning", "error"]:
        return "error" if self._operation.danger is Danger.DESTRUCTIVE else "warning"

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()
        for box in self.query(Input):
            box.cursor_blink = False

    @on(Input.Changed)
    def _typing(self) -> None:
        self._let_be_done()

    def _let_be_done(self) -> None:
        """Lets the button be pressed while the name stands in the box."""
        for box in self.query(_NameInput):
            self.query_one("#do", Button).disabled = not self._is_named(box.value)

    def action_next(self) -> None:
        """Go to the next button."""
        self._let_be_done()
        self.focus_next()

    def action_go_on(self) -> None:
        """Leads to the button, which is the last step; a name that is not the object's is answered."""
        self._let_be_done()
        if self._is_named(self.query_one(_NameInput).value):
            self.set_focus(self.query_one("#do"))
        else:
            name = self._operation.object_name
            self.notify(f"It has to be {name}, letter for letter.", markup=False, severity="warning")

    def _is_named(self, text: str) -> bool:
        return text.strip() == self._operation.object_name

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "do")

    def action_scroll_consequences(self, pages: int) -> None:
        """Read what does not fit."""
        box = self.query_one("#consequences")
        box.scroll_relative(y=pages * max(1, box.size.height - 1), animate=False)

    def action_cancel(self) -> None:
        """Do nothing."""
        self.dismiss(False)
