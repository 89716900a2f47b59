"""A secret in the clear, for as long as somebody has to read or select it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr
from rich.segment import Segment
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget


class SecretLine(Widget, can_focus=True):
    """Draws the secret letter by letter: a whole line of text would stay in the caches that measure texts.

    It can be selected with the mouse, and is on one line wherever there is room for it. After `forget` it is nowhere.
    """

    DEFAULT_CSS = "SecretLine { height: auto; text-style: bold; color: $foreground; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = set()

    def __init__(self, secret: SecretStr, *, id: str | None = None) -> None:
        """`secret` is of printable ASCII."""
        super().__init__(id=id)
        self._secret: SecretStr | None = secret

    @property
    def secret(self) -> SecretStr | None:
        """None when it was forgotten."""
        return self._secret

    def forget(self) -> None:
        """Lets go of the secret and of all that was drawn of it."""
        self._secret = None
        self._styles_cache.clear()
        self.screen.clear_selection()
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        length = len(self._secret.get_secret_value()) if self._secret else 0
        return max(1, -(-length // max(1, width)))

    def _characters(self, y: int) -> str:
        width = self.content_size.width
        return self._secret.get_secret_value()[y * width : (y + 1) * width] if self._secret else ""

    def render_line(self, y: int) -> Strip:
        chosen = self.text_selection.get_span(y) if self.text_selection is not None else None
        style = self.rich_style
        if chosen is None:
            segments = [Segment(character, style) for character in self._characters(y)]
        else:
            start, end = chosen
            marked = style + self.screen.get_component_rich_style("screen--selection")
            segments = [
                Segment(character, marked if start <= x and (end < 0 or x < end) else style)
                for x, character in enumerate(self._characters(y))
            ]
        strip = Strip(segments, len(segments)).apply_offsets(0, y)
        return strip.adjust_cell_length(self.content_size.width, style)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        lines = [self._characters(y) for y in range(self.content_size.height)]
        return selection.extract("\n".join(lines)).replace("\n", ""), "\n"
