"""Some labelled boxes to fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Event, Key, Paste
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.values import NULL
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine

Check = Callable[[str], str | None]
"""What is wrong with what was typed, as a sentence; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Field:
    """A box. Nothing secret belongs into one: see `PasswordDialog`."""

    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    """What can be typed, said while the box is empty."""
    check: Check | None = None
    suggestions: Sequence[str] = ()
    """What is completed; → takes it."""


class FormInput(Input):
    """A box. Its enter comes behind what was typed before: a key of the dialog, looked at first, would overtake that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "next, then go on", key_display="enter")
    ]


class OrderedInput(FormInput):
    """A box that has each key at once, while the console reads it, and so in the order in which they were typed.

    A box of Textual's hears of a key after those behind it were looked at: what follows a tab would stay in the box
    before it. The dialog has an action `go_on` for enter, and its own keys that leave the box are priority ones.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            replace(binding, priority=True)
            for binding in Input.BINDINGS
            if isinstance(binding, Binding) and binding.key != "enter"
        ),
        Binding("enter", "screen.go_on", "next, then go on", key_display="enter", priority=True),
    ]

    def _forward_event(self, event: Event) -> None:
        if isinstance(event, Key) and event.character and self.check_consume_key(event.key, event.character):
            self.replace(event.character, *self.selection)
        elif isinstance(event, Paste):
            self._on_paste(event)
        else:
            super()._forward_event(event)


class FormDialog(Dialog[dict[str, str] | None]):
    """Asks for several values; the answer is what was typed, by the names of the fields, None when the person went back.

    Where a field's `check`, or `check` of all of them, has a sentence, it is shown and the dialog stays.
    """

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "app.focus_next", "next", key_display="tab", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False, priority=True),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        note: str = "",
        problem: str = "",
        check: Callable[[Mapping[str, str]], str | None] | None = None,
    ) -> None:
        """`note` is said below the boxes, and `problem` why what was typed before was refused."""
        super().__init__()
        self._title = title
        self._fields = fields
        self._note = note
        self._problem = problem
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(visible(self._title)), id="title")
            with VerticalScroll(id="values", can_focus=False):
                for number, field in enumerate(self._fields):
                    yield Static(Content.styled(visible(field.label), "$text-muted"))
                    yield OrderedInput(
                        field.value,
                        placeholder=field.placeholder,
                        suggester=SuggestFromList(field.suggestions, case_sensitive=False)
                        if field.suggestions
                        else None,
                        select_on_focus=False,
                        id=f"field-{number}",
                    )
            if self._note:
                yield Static(Content.styled(visible(self._note), "$text-muted"), classes="label")
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        for box in self.query(Input):
            box.cursor_blink = False
            if box.value == NULL:  # which is no beginning of a value: what is typed takes its place
                box.select_all()
        self._refuse(self._problem)

    @property
    def _values(self) -> dict[str, str]:
        boxes = self.query(Input)
        return {field.name: box.value.strip() for field, box in zip(self._fields, boxes, strict=True)}

    def action_go_on(self) -> None:
        """To the next box; behind the last one with all of them."""
        boxes, values = list(self.query(Input)), self._values
        here = boxes.index(self.focused) if isinstance(self.focused, Input) else 0
        is_last = here == len(boxes) - 1
        for number, field in enumerate(self._fields):
            sentence = field.check(values[field.name]) if field.check is not None else None
            if sentence and (is_last or number == here):
                self._refuse(sentence)
                self.set_focus(boxes[number])
                return
        self._refuse("")
        if not is_last:
            self.focus_next()
        elif self._check is not None and (sentence := self._check(values)):
            self._refuse(sentence)
        else:
            self.dismiss(values)

    def _refuse(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(visible(sentence), "$warning"))

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)
