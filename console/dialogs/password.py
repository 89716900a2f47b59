"""A new password, typed twice and seen by nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.dialogs.answer import Dialog
from console.dialogs.form import OrderedInput
from console.errors import BadInput
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine


class SecretInput(OrderedInput):
    """A box whose content is neither shown nor copied."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(password=True, select_on_focus=False, id=id)
        self.cursor_blink = False

    def action_copy(self) -> None:
        """Copies nothing."""

    def action_cut(self) -> None:
        """Copies nothing, and removes what is selected."""
        self.delete_selection()


class PasswordDialog(Dialog[SecretStr | None]):
    """Asks for a password; the answer is None when the person went back. Once closed it holds nothing of it."""

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "app.focus_next", "next", key_display="tab", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False, priority=True),
        Binding("escape", "cancel", "cancel"),
    ]

    def __init__(self, title: str, check: Callable[[SecretStr], None]) -> None:
        """`check` raises `BadInput` for a password that will not do."""
        super().__init__()
        self._title = title
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(visible(self._title)), id="title")
            yield Static(Content.styled("nobody sees it, and it is kept nowhere", "$text-muted"))
            yield SecretInput(id="first")
            yield Static(Content.styled("once more", "$text-muted"))
            yield SecretInput(id="second")
            yield Static(id="problem", markup=False)
        yield KeyLine(right=())

    def action_go_on(self) -> None:
        """To the second box, then with the password."""
        first, second = self.query_one("#first", Input), self.query_one("#second", Input)
        try:
            self._check(SecretStr(first.value))
        except BadInput as problem:
            self._refuse(problem.sentence, first)
            return
        if self.focused is first:
            self._refuse("", second)
        elif first.value != second.value:
            second.value = ""
            self._refuse("The two are not the same.", second)
        else:
            self._close(SecretStr(first.value))

    def _refuse(self, sentence: str, box: Input) -> None:
        self.query_one("#problem", Static).update(Content.styled(sentence, "$warning"))
        self.set_focus(box)

    def action_cancel(self) -> None:
        """Change nothing."""
        self._close(None)

    def _close(self, password: SecretStr | None) -> None:
        for box in self.query(Input):
            box.value = ""
        self.dismiss(password)
