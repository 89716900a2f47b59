"""What the widgets have in common that draw their own lines and scroll over them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class LineScroll(ScrollView):
    """A `ScrollView` without Textual's scroll bars: they are widgets, and each time that the number of lines
    changes they have the whole screen laid out again. A thumb in the last column says the same.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = "LineScroll { overflow: hidden hidden; }"

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        # Textual posts no Resize to a widget whose place was worked out between its mounting and its first layout, as
        # it is when something was scrolled just before. Where it does post one, that takes the place of this one.
        is_other = size != self._size
        is_resized = super()._size_updated(size, virtual_size, container_size, layout)
        if is_other:
            self.post_message(Resize(size, virtual_size, container_size))
        return is_resized

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


class ReadingScroll(LineScroll):
    """Lines without a cursor: the keys that move one scroll them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_lines(-1)", show=False),
        Binding("down", "scroll_lines(1)", show=False),
        Binding("pageup", "scroll_pages(-1)", show=False),
        Binding("pagedown", "scroll_pages(1)", show=False),
        Binding("home", "scroll_pages(-1000000)", show=False),
        Binding("end", "scroll_pages(1000000)", show=False),
    ]

    @property
    def page(self) -> int:
        """How many lines scroll."""
        return self.size.height

    def action_scroll_lines(self, by: int) -> None:
        """Scroll by so many lines."""
        self.scroll_to(y=self.scroll_offset.y + by, animate=False)

    def action_scroll_pages(self, by: int) -> None:
        """Scroll by so many pages, of which one line stays in sight."""
        self.scroll_to(y=self.scroll_offset.y + by * max(1, self.page - 1), animate=False)
