"""A pane of SQL in colours with words between the statements, ten thousand lines as fast as ten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from console.terminal.safe_text import visible
from console.widgets.columns import fit
from console.widgets.line_scroll import ReadingScroll
from console.widgets.sql_colours import KINDS, Lexer, Piece, coloured_lines, load_lexer
from console.widgets.thumb import THUMB, thumb
from console.widgets.tones import Tone, tone_classes, tone_styles

EDGE = 2
"""Cells kept free at the right: one for the sign that a line goes on, one for the scroll thumb."""

MORE = "›"

_lexer: Lexer | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph about the SQL. It is data: its line breaks are kept, its control characters made visible."""

    text: str
    tone: Tone | None = None
    indent: int = 0
    """Cells before every line but the first."""
    wraps: bool = True
    """False for a line that is rather cut at the right edge, to be seen by scrolling sideways."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement. Its lines are not wrapped: one scrolls sideways over them."""

    text: str
    margin: str = ""
    """What stands left of its first line: a glyph, a time."""
    tone: Tone | None = None
    """Of the margin."""
    margin_width: int = 2
    """Cells."""


Part: TypeAlias = Words | Sql


@dataclass(frozen=True, slots=True)
class _Line:
    part: Part
    text: str
    number: int
    """Its place among the lines of the part."""


class SqlView(ReadingScroll, can_focus=True):
    """A title that stays, and under it statements and words, scrolled in both directions."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sql-view--title",
        "sql-view--thumb",
        *(f"sql-view--{kind}" for kind in KINDS),
    } | tone_classes("sql-view")

    DEFAULT_CSS = """
    SqlView {
        .sql-view--title { text-style: bold; }
        .sql-view--thumb, .sql-view--comment { color: $text-muted; }
        .sql-view--keyword { color: $accent; text-style: bold; }
        .sql-view--string { color: $success; }
    }
    """ + tone_styles("SqlView", "sql-view")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,shift+left", "scroll_sideways(-1)", show=False),
        Binding("right,shift+right", "scroll_sideways(1)", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = ""
        self._parts: tuple[Part, ...] = ()
        self._lines: list[_Line] = []
        self._coloured: dict[Part, list[list[Piece]]] = {}
        # What was last drawn at each line.
        self._painted: dict[int, object] = {}

    def show(self, title: str, parts: Sequence[Part], *, keep_place: bool = False) -> None:
        """Shows something else, from its beginning unless the place that was scrolled to is to be kept."""
        if (title, tuple(parts)) == (self._title, self._parts):
            return
        self._title, self._parts = title, tuple(parts)
        self._coloured = {part: self._coloured[part] for part in parts if part in self._coloured}
        self._lay_out()
        if not keep_place:
            self.scroll_to(x=0, y=0, animate=False, force=True)
        if _lexer is None and any(isinstance(part, Sql) for part in parts):
            self._load_lexer()

    @property
    def text(self) -> str:
        """All that is shown, unwrapped."""
        return "\n".join([self._title, *(part.text for part in self._parts)])

    @work(group="lexer", exclusive=True, exit_on_error=False)
    async def _load_lexer(self) -> None:
        """Imports what colours SQL where no key has to wait for it; until then, and without it, SQL is plain."""
        global _lexer
        try:
            _lexer = await asyncio.to_thread(load_lexer)
        except ImportError:
            return
        self.refresh()

    # Scrolling ----------------------------------------------------------------------------------------------------

    def action_scroll_sideways(self, by: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + by * (self.size.width // 2), animate=False)

    @property
    def page(self) -> int:
        """How many lines scroll: all but the title."""
        return max(0, self.size.height - 1)

    # Drawing ------------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._lay_out()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted.clear()

    def _lay_out(self) -> None:
        room = self.size.width - EDGE
        if room <= 0:
            return
        self._lines = [line for part in self._parts for line in _lines_of(part, room)]
        width = max((_width(line) for line in self._lines), default=0)
        self.set_extent(max(self.size.width, width + EDGE), len(self._lines) + 1)
        changed = [y for y in range(self.size.height) if self._painted.get(y) != self._picture(y)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _picture(self, y: int) -> object:
        """All that the picture of a line depends on."""
        index = y - 1 + self.scroll_offset.y
        line = self._lines[index] if y and index < len(self._lines) else None
        end = y - 1 in thumb(len(self._lines), self.page, self.scroll_offset.y)
        return (
            line if y else (self._title, self._place()),
            self.scroll_offset.x,
            end,
            self.size.width,
            _lexer is None,
        )

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        self._painted[y] = self._picture(y)
        if y == 0:
            return self._title_line(width)
        index = y - 1 + self.scroll_offset.y
        room = width - EDGE
        strip, more = Strip([]), " "
        if index < len(self._lines):
            strip = self._strip(self._lines[index], room)
            more = MORE if _width(self._lines[index]) > self.scroll_offset.x + room else " "
        mark = THUMB if y - 1 in thumb(len(self._lines), self.page, self.scroll_offset.y) else " "
        ends = Strip([Segment(more + mark, self._style("thumb"))], EDGE)
        return Strip.join([strip.adjust_cell_length(room, self.rich_style), ends])

    def _place(self) -> str:
        if len(self._lines) <= self.page:
            return ""
        top = self.scroll_offset.y
        return f"{top + 1:,}–{min(top + self.page, len(self._lines)):,} of {len(self._lines):,}"

    def _title_line(self, width: int) -> Strip:
        place = self._place()
        room = max(0, width - EDGE - len(place))
        segments = [
            Segment(fit(self._title, room), self._style("title")),
            Segment(f" {place} ", self._style("muted")),
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _strip(self, line: _Line, room: int) -> Strip:
        left = self.scroll_offset.x
        segments: list[Segment] = []
        cells = 0
        for text, style in self._pieces(line):
            # A line can be a megabyte: nothing beyond what is seen is looked at.
            text = text[: 4 * (left + room - cells) + 8]
            segments.append(Segment(text, style))
            cells += cell_len(text)
            if cells > left + room:
                break
        strip = Strip(segments, cells)
        return strip.crop(left, left + room) if cells > room or left else strip

    def _pieces(self, line: _Line) -> Iterator[tuple[str, Style]]:
        if isinstance(line.part, Words):
            yield line.text, self._style(line.part.tone)
            return
        margin = line.part.margin if line.number == 0 else ""
        yield fit(margin, line.part.margin_width), self._style(line.part.tone)
        for text, kind in self._colours(line):
            yield text, self._style(kind)

    def _colours(self, line: _Line) -> list[Piece]:
        assert isinstance(line.part, Sql), "words have no colours of their own"
        if _lexer is None:
            return [(line.text, "")]
        if line.part not in self._coloured:
            self._coloured[line.part] = coloured_lines("\n".join(_safe_lines(line.part.text)), _lexer)
        return self._coloured[line.part][line.number]

    def _style(self, name: str | None) -> Style:
        return self.get_component_rich_style(f"sql-view--{name}") if name else self.rich_style


def _safe_lines(text: str) -> list[str]:
    return [visible(line.rstrip("\r").expandtabs()) for line in text.split("\n")]


def _lines_of(part: Part, room: int) -> Iterator[_Line]:
    lines = _safe_lines(part.text)
    if isinstance(part, Words) and part.wraps:
        lines = [wrapped for line in lines for wrapped in _wrap(line, room, part.indent)]
    for number, text in enumerate(lines):
        yield _Line(part, text, number)


def _wrap(line: str, room: int, indent: int) -> list[str]:
    first, *others = Content(line).wrap(max(8, room)) or [Content("")]
    if not others:
        return [line]
    rest = line[len(first.plain) :].lstrip()
    return [first.plain, *(" " * indent + more.plain for more in Content(rest).wrap(max(8, room - indent)))]


def _width(line: _Line) -> int:
    text = line.text
    width = len(text) if text.isascii() else cell_len(text)
    return width + (line.part.margin_width if isinstance(line.part, Sql) else 0)
