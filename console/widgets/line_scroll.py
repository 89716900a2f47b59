"""What the widgets have in common that draw their own lines and scroll over them."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class LineScroll(ScrollView):
    """A `ScrollView` without Textual's scroll bars: they are widgets, and each time that the number of lines
    changes they have the whole screen laid out again. A thumb in the last column says the same.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = "LineScroll { overflow: hidden hidden; }"

    @property
    def allow_vertical_scroll(self) -> bool:
        return self.max_scroll_y > 0

    @property
    def allow_horizontal_scroll(self) -> bool:
        return self.max_scroll_x > 0

    def set_extent(self, width: int, height: int) -> None:
        """Says how many cells and lines there are to scroll over, and scrolls back to where there are some."""
        self.set_reactive(Widget.virtual_size, Size(width, height))
        x, y = min(self.scroll_x, self.max_scroll_x), min(self.scroll_y, self.max_scroll_y)
        if (x, y) != (self.scroll_x, self.scroll_y):
            self.scroll_to(x, y, animate=False, force=True)
