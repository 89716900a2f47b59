"""What asks a person something."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Event, ScreenResume
from textual.message import Message
from textual.screen import ModalScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A screen that is answered once: an answer behind the first one is none, and neither is a key pressed twice."""

    # The app's own keys do not reach a dialog; who leaves for the shell in one would type the next command into it.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "app.suspend_process", "suspend", show=False, id="suspend", tooltip="Go to the shell; fg comes back"),
        Binding("ctrl+l", "app.repaint", "repaint", show=False, id="repaint", tooltip="Paint the whole screen again"),
    ]  # fmt: skip

    _is_answered = False
    _late: tuple[T | None] | None = None
    """The answer that came while another screen was on top of this one."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Answers; as soon as it is on top where another screen covers it."""
        if self._is_answered:
            return AwaitComplete()
        self._is_answered = True
        if self.app.screen is not self:
            self._late = (result,)
            return AwaitComplete()
        return super().dismiss(result)

    @on(ScreenResume)
    def _answer_late(self) -> None:
        if self._late is not None:
            (result,), self._late = self._late, None
            super().dismiss(result)

    async def _dispatch_message(self, message: Message) -> None:
        # What its widgets still have to say, of a second enter for one, finds nothing to change any more.
        if not self._is_answered or isinstance(message, Event) or not message.bubble:
            await super()._dispatch_message(message)
