"""What a key may do: a list of scopes, or the JSON that they stand in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from console.dialogs.answer import Dialog
from console.dialogs.form import FormInput
from console.errors import BadInput
from console.models.api_keys import scopes_of
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.columns import Cell, Column
from console.widgets.key_line import KeyLine
from console.widgets.live_table import LiveTable


@dataclass(frozen=True, slots=True)
class Permissions:
    """What was decided: a document for the column `permissions`."""

    document: Any


@dataclass(frozen=True, slots=True)
class _Choice:
    """A scope that can be chosen."""

    scope: str
    is_chosen: bool
    is_new: bool = False


class _ScopeInput(FormInput):
    """A box for one word after the other: enter and space hand over what was typed, and empty it for what follows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take(True)", "add, or done", key_display="enter"),
        Binding("space", "take(False)", "choose"),
    ]

    @dataclass
    class Taken(Message):
        """A word was handed over; where there is none, enter may end it all."""

        word: str
        may_end: bool

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key != "space" and super().check_consume_key(key, character)

    async def _on_key(self, event: Key) -> None:
        if event.key == "space":
            event.stop()
            event.prevent_default()
            self.action_take(False)

    def action_take(self, may_end: bool) -> None:
        """Hand over what was typed."""
        self.post_message(self.Taken(self.value.strip(), may_end))
        self.value = ""


class ScopesDialog(Dialog[Permissions | None]):
    """Asks for the scopes of a key, completing what is typed from `known`; None when the person went back."""

    CSS_PATH: ClassVar = [folder("themes") / "dialogs.tcss", folder("themes") / "keys.tcss"]
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "next", show=False),
        Binding("up", "move(-1)", "previous", show=False),
        Binding("tab", "turn", "JSON or list"),
        Binding("ctrl+s", "done", "done"),
        Binding("escape", "cancel", "cancel", key_display="esc"),
    ]  # fmt: skip

    def __init__(
        self, question: str, permissions: Any, known: Sequence[str], check: Callable[[Any], object]
    ) -> None:
        """`permissions` is the document as it is, None where there is none; `known` are the scopes in use elsewhere.

        `check` raises `BadInput` for a document that cannot be kept.
        """
        super().__init__()
        self._check = check
        self._words = ""
        """What was typed of a scope."""
        self._question = question
        self._permissions = {"scopes": []} if permissions is None else permissions
        self._chosen = list(dict.fromkeys(scopes_of(self._permissions)))
        self._known = list(dict.fromkeys([*self._chosen, *sorted(known)]))

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="scopes"):
            yield Static(Content(visible(self._question)), id="title")
            yield _ScopeInput(placeholder="a scope, or how it begins", id="scope", select_on_focus=False)
            yield LiveTable[_Choice](
                (
                    Column("scope", "scope", _scope_cell, 40, 12, flexible=True),
                    Column("state", "", _state_cell, 16),
                ),
                lambda choice: choice.scope,
                sortable=False,
                empty=Content("No scope is in use yet: type one."),
                id="choices",
            )
            yield TextArea("", id="json", compact=True, tab_behavior="focus", highlight_cursor_line=False)
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(TextArea).cursor_blink = False
        # Its place is beside the box where one types, which keeps the focus.
        self.query_one(LiveTable).can_focus = False
        self._show_choices()
        try:
            self._check(self._permissions)
        except BadInput as problem:
            self._show_json()
            self._say(problem.sentence)

    @property
    def _is_raw(self) -> bool:
        return self.query_one("#dialog").has_class("-raw")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # In the JSON these keys write.
        return not (action == "move" and self.is_mounted and self._is_raw)

    # The list -----------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        self._words = event.value.strip()
        self._show_choices()
        if self._words:
            self._say("")

    def _show_choices(self) -> None:
        typed = self._words.casefold()
        found = [scope for scope in self._known if typed in scope.casefold()]
        found.sort(key=lambda scope: not scope.casefold().startswith(typed))
        choices = [_Choice(scope, scope in self._chosen) for scope in found]
        if self._words and self._words not in self._known:
            choices.append(_Choice(self._words, False, is_new=True))
        table = self.query_one("#choices", LiveTable)
        table.update_rows(choices)
        if typed:
            table.action_first_row()

    def action_move(self, by: int) -> None:
        """Go to another scope."""
        self.query_one("#choices", LiveTable).action_move_cursor(by)

    @on(_ScopeInput.Taken)
    def _take(self, event: _ScopeInput.Taken) -> None:
        if event.may_end and not event.word:
            self.action_done()
        else:
            self._choose()

    def _choose(self) -> None:
        """Chooses the scope under the cursor, or no longer."""
        choice: _Choice | None = self.query_one("#choices", LiveTable).cursor_row
        if choice is None:
            return
        others = [scope for scope in self._chosen if scope != choice.scope]
        chosen = others if choice.is_chosen else [*others, choice.scope]
        document = with_scopes(self._permissions, chosen)
        try:
            self._check(document)
        except BadInput as problem:
            self._say(problem.sentence)
            return
        self._permissions, self._chosen = document, chosen
        if choice.is_new:
            self._known.append(choice.scope)
        self._words = ""
        self._show_choices()
        self.query_one("#choices", LiveTable).move_to(choice.scope)

    # The JSON -----------------------------------------------------------------------------------------------------

    def action_turn(self) -> None:
        """Show the JSON, or the list again."""
        if not self._is_raw:
            self._show_json()
        elif self._take_json():
            self.query_one("#dialog").remove_class("-raw")
            self._known = list(dict.fromkeys([*self._chosen, *self._known]))
            self.query_one(Input).focus()
            self._show_choices()
            self._say("")
            self.query_one("#choices", LiveTable).action_first_row()
            self.refresh_bindings()

    def _show_json(self) -> None:
        self.query_one("#dialog").add_class("-raw")
        area = self.query_one(TextArea)
        # As ASCII: what hides in a text shows as \u202e.
        area.load_text(json.dumps(self._permissions, indent=2))
        area.focus()
        self.refresh_bindings()

    def _take_json(self) -> bool:
        try:
            document = read_document(self.query_one(TextArea).text)
            self._check(document)
        except BadInput as problem:
            self._say(problem.sentence)
            return False
        self._permissions = document
        self._chosen = list(dict.fromkeys(scopes_of(self._permissions)))
        return True

    def action_done(self) -> None:
        """Take it as it is."""
        if not self._is_raw or self._take_json():
            self.dismiss(Permissions(self._permissions))

    def action_cancel(self) -> None:
        """Leave the scopes as they were."""
        self.dismiss(None)

    def _say(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content(visible(sentence)))


def _scope_cell(choice: _Choice) -> Cell:
    text = f"{'●' if choice.is_chosen else '○'} {choice.scope}"
    return (text, "accent") if choice.is_chosen else text


def _state_cell(choice: _Choice) -> Cell:
    if choice.is_new:
        return ("new", "warning")
    if choice.scope in ("admin", "*"):
        return ("▲ everything", "warning")
    return ("chosen", "accent") if choice.is_chosen else ""


# The document -------------------------------------------------------------------------------------------------------


def with_scopes(permissions: Any, scopes: Sequence[str]) -> Any:
    """The document with these scopes instead of its own, in its own form; what else is in it stays."""
    if not isinstance(permissions, Mapping):
        return list(scopes)
    kept = {name: value for name, value in permissions.items() if value is not True or name in scopes}
    if "admin" in scopes:
        kept["admin"] = True  # what the platform's services ask for
    listed = [scope for scope in scopes if kept.get(scope) is not True]
    return {**kept, "scopes": listed} if listed or "scopes" in kept else kept


def read_document(text: str) -> Any:
    """The JSON that a person has typed. Raises `BadInput` with one sentence about what is wrong with it."""
    try:
        return json.loads(text, parse_constant=_no_such_number)
    except json.JSONDecodeError as error:
        raise BadInput(f"Line {error.lineno}, column {error.colno} is no JSON: {error.msg}.") from None
    except RecursionError:
        raise BadInput("It is nested too deeply.") from None


def _no_such_number(name: str) -> Any:
    raise BadInput(f"{name} is no number in JSON.")
