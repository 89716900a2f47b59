"""The keys of the screen that asked, with what each does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical

from console.dialogs.answer import Dialog
from console.resources import folder
from console.widgets.detail import DetailPane, Section
from console.widgets.key_line import KeyLine


class HelpDialog(Dialog[None]):
    """Lists the bindings that are active on a screen, so that it cannot disagree with the footer."""

    CSS_PATH = folder("themes") / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close", key_display="esc")
    ]

    def __init__(self, title: str, bindings: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self._title = title
        self._listed = bindings

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="help"):
            yield DetailPane()
        yield KeyLine(right=())

    def on_mount(self) -> None:
        pane = self.query_one(DetailPane)
        pane.show(self._title, (Section("", self._lines()),))
        pane.focus()

    def _lines(self) -> tuple[tuple[str, str], ...]:
        keys: dict[str, list[str]] = {}
        words: dict[str, str] = {}
        for active in self._listed:
            binding = active.binding
            text = active.tooltip or binding.tooltip or (binding.description if binding.show else "")
            if text and not binding.system:
                keys.setdefault(binding.action, []).append(self.app.get_key_display(binding))
                words[binding.action] = text
        return tuple((" ".join(dict.fromkeys(keys[action])), text) for action, text in words.items())
