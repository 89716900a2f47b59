"""Where a database shall go, in the words of Alembic's command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.models.migrations import Direction
from console.resources import folder
from console.widgets.key_line import KeyLine

GOALS = "heads · +1 · -1 · base · a revision or how it begins · branch@head · branch@base"

_WAYS: tuple[tuple[Direction | None, str], ...] = (
    (None, "the way in which the goal lies"),
    (Direction.UPGRADE, "upgrade"),
    (Direction.DOWNGRADE, "downgrade"),
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What was typed."""

    words: str
    direction: Direction | None
    """None is the way in which the goal lies."""


class GoalDialog(Dialog[Goal | None]):
    """Asks for a goal; the answer is None when the person went back."""

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer", "go on", key_display="enter", priority=True),
        Binding("tab", "turn", "other direction"),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, question: str, value: str = "", *, asks_direction: bool = True) -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._asks_direction = asks_direction
        self._way = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(self._question), id="title")
            yield Input(self._value, select_on_focus=False)
            yield Static(Content.styled(GOALS, "$text-muted"), classes="label")
            if self._asks_direction:
                yield Static(id="direction", classes="label")
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self._say_direction()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "turn" or self._asks_direction

    def action_turn(self) -> None:
        """Choose the next direction."""
        self._way = (self._way + 1) % len(_WAYS)
        self._say_direction()

    def _say_direction(self) -> None:
        if self._asks_direction:
            words = Content("direction: ") + Content.styled(_WAYS[self._way][1], "bold $accent")
            self.query_one("#direction", Static).update(words)

    def action_answer(self) -> None:
        """Go on with what was typed."""
        if words := self.query_one(Input).value.strip():
            self.dismiss(Goal(words, _WAYS[self._way][0]))

    def action_cancel(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
