"""A pane that shows one thing in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from console.terminal.safe_text import visible
from console.widgets.line_scroll import ReadingScroll
from console.widgets.thumb import THUMB, thumb

EDGE = 2
"""Cells kept free at the right for the scroll thumb."""
WIDEST_LABEL = 24


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of (label, value) under a title. An empty label gives the value the whole width.

    A `str` came from somewhere and is data: its line breaks are kept, its control characters made visible. A
    `Content` is ours.
    """

    title: str
    lines: tuple[tuple[str, str | Content], ...]


class DetailPane(ReadingScroll, can_focus=True):
    """A title and sections, wrapped to the width and scrolled up and down."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "detail--title",
        "detail--section",
        "detail--label",
        "detail--thumb",
    }

    DEFAULT_CSS = """
    DetailPane {
        .detail--title { text-style: bold; }
        .detail--section { color: $accent; text-style: bold; }
        .detail--label, .detail--thumb { color: $text-muted; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = ""
        self._sections: tuple[Section, ...] = ()
        self._strips: list[Strip] = []

    def show(self, title: str, sections: Sequence[Section]) -> None:
        """Shows something; under the same title the place that was scrolled to is kept."""
        if (title, tuple(sections)) == (self._title, self._sections):
            return
        same = title == self._title
        self._title, self._sections = title, tuple(sections)
        self._lay_out()
        if not same:
            self.scroll_to(y=0, animate=False, force=True)

    @property
    def text(self) -> str:
        """All that is shown, unwrapped, for copying."""
        lines = [self._title] if self._title else []
        for section in self._sections:
            lines += ["", section.title] if section.title else [""]
            for label, value in section.lines:
                plain = value if isinstance(value, str) else value.plain
                lines.append(f"{label}: {plain}" if label else plain)
        return "\n".join(lines).strip("\n")

    def on_resize(self) -> None:
        self._lay_out()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached:
            self._lay_out()

    def _lay_out(self) -> None:
        width = self.size.width - EDGE
        if width <= 0:
            return
        before = self._strips
        self._strips = self._wrap(width)
        self.set_extent(self.size.width, len(self._strips))
        if len(before) != len(self._strips):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, self._strips, strict=True)) if old != new]
        for y in changed:
            self.refresh_line(y)

    def _wrap(self, width: int) -> list[Strip]:
        strips = self._paragraph(visible(self._title), width, self._style("title")) if self._title else []
        labels = [visible(label) for section in self._sections for label, _ in section.lines]
        indent = min(WIDEST_LABEL, max((Content(label).cell_length for label in labels), default=0)) + 2
        for section in self._sections:
            if strips:
                strips.append(Strip.blank(width, self.rich_style))
            if section.title:
                strips += self._paragraph(visible(section.title), width, self._style("section"))
            for label, value in section.lines:
                content = Content(visible(value, multiline=True)) if isinstance(value, str) else value
                if label:
                    strips += self._labelled(visible(label), content, indent, width)
                else:
                    strips += self._paragraph(content, width, self.visual_style)
        return strips

    def _style(self, part: str) -> Style:
        return self.get_visual_style(f"detail--{part}")

    def _paragraph(self, content: str | Content, width: int, style: Style) -> list[Strip]:
        content = Content(content) if isinstance(content, str) else content
        return Visual.to_strips(self, content, width, None, style, pad=True)

    def _labelled(self, label: str, content: Content, indent: int, width: int) -> list[Strip]:
        room = max(1, width - indent)
        values = self._paragraph(content, room, self.visual_style) or [Strip.blank(room, self.rich_style)]
        labels = self._paragraph(
            Content(label).truncate(indent - 2, ellipsis=True), indent, self._style("label")
        )
        margin = Strip.blank(indent, self.rich_style)
        return [Strip.join([labels[0] if y == 0 else margin, value]) for y, value in enumerate(values)]

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        index = y + self.scroll_offset.y
        if index >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        line = self._strips[index].adjust_cell_length(width - 1, self.rich_style)
        mark = THUMB if y in thumb(len(self._strips), height, self.scroll_offset.y) else " "
        end = self._paragraph(mark, 1, self._style("thumb"))
        return Strip.join([line, *end])
