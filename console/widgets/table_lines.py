"""The lines of a table on the screen: which of them changed, and what they look like."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual

from console.widgets.line_scroll import LineScroll
from console.widgets.table_painter import EDGE, GUTTER, HeaderLine, RowLine, TablePainter
from console.widgets.tones import tone_classes, tone_styles


class TableLines(LineScroll):
    """Draws what `line` says is on each line, and repaints only lines that have become others."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "live-table--header",
        "live-table--header-sorted",
        "live-table--cursor",
        "live-table--cursor-blurred",
        "live-table--marked",
        "live-table--thumb",
    } | tone_classes("live-table")

    DEFAULT_CSS = """
    TableLines {
        .live-table--header { color: $text-muted; }
        .live-table--header-sorted { color: $accent; text-style: bold; }
        .live-table--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        .live-table--cursor-blurred {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        .live-table--marked { color: $accent; text-style: bold; }
        .live-table--thumb { color: $text-muted; }
    }
    """ + tone_styles("TableLines", "live-table")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.painter = TablePainter(self._component_style)
        # What was last drawn at each line.
        self._painted: dict[int, RowLine | HeaderLine | None] = {}

    def line(self, y: int) -> RowLine | HeaderLine | None:
        """What is on line `y` of the widget, None where it is blank. A subclass has rows."""
        return None

    def empty_content(self) -> Content | None:
        """What is said instead of rows, None where there are rows."""
        return None

    def refresh_changed(self) -> None:
        """Repaints the lines that are not what was last drawn there."""
        lines = range(self.size.height)
        changed = [y for y in lines if y not in self._painted or self._painted[y] != self.line(y)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.painter.forget()

    def _component_style(self, name: str) -> Style:
        return self.get_component_rich_style(f"live-table--{name}") if name else self.rich_style

    def render_line(self, y: int) -> Strip:
        line = self._painted[y] = self.line(y)
        if isinstance(line, HeaderLine):
            return self.painter.header(line, self.scroll_offset.x)
        if isinstance(line, RowLine):
            return self.painter.row(line, self.scroll_offset.x)
        content = self.empty_content()
        if content is None:
            return Strip.blank(self.size.width, self.rich_style)
        return self._render_empty(content, y - 1)

    def _render_empty(self, content: Content, y: int) -> Strip:
        width = self.size.width
        strips = Visual.to_strips(self, content, width - GUTTER - EDGE, None, self.visual_style)
        if y >= len(strips):
            return Strip.blank(width, self.rich_style)
        margin = Strip.blank(GUTTER, self.rich_style)
        return Strip.join([margin, strips[y]]).adjust_cell_length(width, self.rich_style)
