"""Draws the lines of a `LiveTable`: what a line holds, and the strip that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from console.widgets.columns import Cell, Column, Placed, arrange, fit
from console.widgets.thumb import THUMB
from console.widgets.tones import GLYPHS, Tone

GUTTER = 2
"""Cells before the first column: one for the mark, one for the glyph of the row's state."""
EDGE = 1
"""Cells after the last column: the scroll thumb."""

MARK = "●"
QUIET_TONES: tuple[Tone, ...] = ("muted", "strong")


class RowLine(NamedTuple):
    """All that the picture of a row depends on: two equal ones look the same."""

    cells: tuple[Cell, ...]
    tone: Tone | None = None
    marked: bool = False
    cursor: str = ""
    """Name of the cursor's component style, empty where the cursor is not."""
    stale: bool = False
    thumb: bool = False


class HeaderLine(NamedTuple):
    """All that the picture of the header line depends on."""

    sort_key: str | None
    descending: bool
    more_left: bool
    more_right: bool


class TablePainter:
    """Turns lines into strips, remembering the strips of lines that it has drawn before."""

    def __init__(self, style: Callable[[str], Style]) -> None:
        """`style` answers the style of a component class, `""` being the table's own."""
        self._style = cache(style)
        self.columns: list[Column[Any]] = []
        """The columns from left to right, as they were placed."""
        self._placed: list[Placed[Any]] = []
        self._strips: LRUCache[tuple[RowLine, int], Strip] = LRUCache(512)
        self._width = 0

    def lay_out(self, columns: Sequence[Column[Any]], width: int) -> None:
        """Places the columns for a table `width` cells wide."""
        self._placed = arrange(columns, width - GUTTER - EDGE)
        self.columns = [placed.column for placed in self._placed]
        self._width = width
        self.forget()

    def forget(self) -> None:
        """Drops what was drawn before: the styles have changed."""
        self._strips.clear()
        self._style.cache_clear()

    @property
    def line_width(self) -> int:
        """Cells of a whole line, the part beyond the right edge included."""
        return GUTTER + (self._placed[-1].end if self._placed else 0) + EDGE

    def column_at(self, x: int, scroll_x: int) -> Column[Any] | None:
        """The column shown at cell `x` of the table."""
        x += scroll_x - GUTTER
        return next((placed.column for placed in self._placed if placed.x <= x <= placed.end), None)

    def columns_in_sight(self, scroll_x: int) -> list[Column[Any]]:
        """The columns whose beginning is seen, from left to right."""
        end = scroll_x + self._width - GUTTER - EDGE
        return [placed.column for placed in self._placed if scroll_x <= placed.x < end]

    def row(self, line: RowLine, scroll_x: int) -> Strip:
        """The strip of a row. `line.cells` is in the order of `columns`."""
        strip = self._strips.get((line, scroll_x))
        if strip is None:
            strip = self._strips[(line, scroll_x)] = self._draw_row(line, scroll_x)
        return strip

    def _draw_row(self, line: RowLine, scroll_x: int) -> Strip:
        plain = bool(line.cursor) or line.stale
        # A state colours its glyph, not the row: a screen of coloured rows shouts about none of them.
        quiet = line.tone if line.tone in QUIET_TONES else ""
        base = self._style(line.cursor or ("muted" if line.stale else quiet))
        pieces: list[tuple[str, Style]] = []
        for placed, cell in zip(self._placed, line.cells, strict=True):
            text, tone = (cell, None) if isinstance(cell, str) else cell
            style = base if plain or tone is None else self._style(tone)
            pieces.append((fit(text, placed.width, placed.column.align), style))
        mark = (MARK if line.marked else " ", base if plain else self._style("marked"))
        glyph = (
            GLYPHS.get(line.tone, " ") if line.tone else " ",
            base if plain else self._style(line.tone or ""),
        )
        thumb = (THUMB if line.thumb else " ", self._style("thumb"))
        return self._compose(mark, glyph, pieces, thumb, base, scroll_x)

    def header(self, line: HeaderLine, scroll_x: int) -> Strip:
        """The strip of the header line: titles, the sorted one with its direction."""
        base = self._style("header")
        pieces: list[tuple[str, Style]] = []
        for placed in self._placed:
            column = placed.column
            if column.key == line.sort_key:
                arrow = "▼" if line.descending else "▲"
                title = fit(column.title, min(len(column.title), placed.width - 1)) + arrow
                pieces.append((fit(title, placed.width, column.align), self._style("header-sorted")))
            else:
                pieces.append((fit(column.title, placed.width, column.align), base))
        left = ("‹" if line.more_left else " ", base)
        right = ("›" if line.more_right else " ", base)
        return self._compose((" ", base), left, pieces, right, base, scroll_x)

    def _compose(
        self,
        first: tuple[str, Style],
        second: tuple[str, Style],
        pieces: Sequence[tuple[str, Style]],
        last: tuple[str, Style],
        base: Style,
        scroll_x: int,
    ) -> Strip:
        segments: list[Segment] = []
        x = 0
        for placed, (text, style) in zip(self._placed, pieces, strict=True):
            segments += [Segment(" " * (placed.x - x), base), Segment(text, style)]
            x = placed.end
        room = max(0, self._width - GUTTER - EDGE)
        content = Strip(segments, x).crop_extend(scroll_x, scroll_x + room, base)
        ends = [Segment(*first), Segment(*second)]
        return Strip([*ends, *content, Segment(*last)], GUTTER + room + EDGE).simplify()
