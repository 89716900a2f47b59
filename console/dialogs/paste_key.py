"""A key that somebody has at hand: whether it is one, whether it is known, whose it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from pydantic import SecretStr
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.password import SecretInput
from console.errors import DbconsoleError
from console.models.api_keys import ApiKey, KeyState, KeyVerdict
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine

MOST_CHARACTERS = 4096
"""More than this is no key that was pasted, but something else."""


class _KeyInput(SecretInput):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "ask, then go to it", key_display="enter")
    ]


class PasteKeyDialog(Dialog[ApiKey | None]):
    """Takes keys and says of each what is known of it; the answer is the last one that was, to go to, or None.

    What was pasted is gone from the box as soon as it is asked about.
    """

    CSS_PATH: ClassVar = [folder("themes") / "dialogs.tcss", folder("themes") / "keys.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", key_display="esc"),
    ]

    def __init__(self, verify: Callable[[SecretStr], Awaitable[KeyVerdict]]) -> None:
        """`verify` raises `DbconsoleError` where it cannot ask."""
        super().__init__()
        self._verify = verify
        self._found: ApiKey | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="paste"):
            yield Static(Content("Paste a key to learn what it is"), id="title")
            yield _KeyInput(id="key")
            yield Static(
                Content.styled(
                    "It is neither shown nor kept, and only its hash is sent to the server.", "$text-muted"
                ),
                classes="label",
            )
            yield Static(id="said", markup=False)
        yield KeyLine(right=())

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        """Ask about what was pasted; when nothing was, go to the key that was found."""
        pasted = SecretStr(event.value.strip())
        event.input.value = ""
        if len(pasted) > MOST_CHARACTERS:
            self._say("That is too long to be a key.", "$warning")
        elif pasted:
            self._found = None
            self._ask(pasted)
        elif self._found is not None:
            self.dismiss(self._found)

    @work(group="verify", exclusive=True, exit_on_error=False)
    async def _ask(self, pasted: SecretStr) -> None:
        """Says what is known of a key, or why that cannot be asked."""
        self._say("…", "$text-muted")
        try:
            verdict = await self._verify(pasted)
        except DbconsoleError as problem:
            self._say(problem.sentence, "$warning")
            return
        self._found = verdict.key
        style = "$success" if verdict.state is KeyState.ACTIVE else "$warning"
        self._say(verdict.sentence, style)

    def _say(self, sentence: str, style: str) -> None:
        lines = [Content.styled(visible(sentence), style)]
        if self._found is not None:
            lines.append(Content.styled("enter goes to it", "$text-muted"))
        self.query_one("#said", Static).update(Content("\n").join(lines))

    def action_leave(self) -> None:
        """Ask no more, and forget what is in the box."""
        self.query_one(SecretInput).value = ""
        self.dismiss(None)
