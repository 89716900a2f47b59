"""What stands in a place whose data has not come yet."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class StillLoading(Widget):
    """A sentence that stands still: the stock indicator repaints 16 times a second, also over SSH."""

    DEFAULT_CSS = """
    StillLoading {
        width: 100%;
        height: 100%;
        min-height: 1;
        content-align: center middle;
        color: $text-muted;
    }
    StillLoading.-textual-loading-indicator { layer: _loading; dock: top; background: $background; }
    """

    def __init__(self, sentence: str = "Loading …") -> None:
        super().__init__()
        self._sentence = sentence

    def render(self) -> Content:
        return Content(self._sentence)
