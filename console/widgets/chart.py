"""A chart of a few values over time."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from console.terminal.safe_text import visible
from console.units import compact
from console.widgets.curves import Frame, Piece, Series, draw, frame, steady_limit, time_axis
from console.widgets.tones import Tone, tone_classes, tone_styles

CURVE_TONES: tuple[Tone, ...] = ("accent", "success", "strong", "muted")

NO_VALUES = "No values yet."

_plotext: ModuleType | None = None


class Chart(Widget):
    """Curves under a line that names them with their newest values, over an axis of local times.

    It is drawn when it is painted, so never while it is hidden, and only when the picture would differ.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--title", "chart--axis"} | tone_classes("chart")

    DEFAULT_CSS = """
    Chart {
        .chart--title { text-style: bold; }
        .chart--axis { color: $text-muted; }
    }
    """ + tone_styles("Chart", "chart")

    stale: reactive[bool] = reactive(False, toggle_class="-stale")
    """Whether the data is old: drawn greyed."""

    def __init__(
        self,
        title: str = "",
        *,
        span: float = 15 * 60,
        format_value: Callable[[float | None], str] = compact,
        base: int = 1000,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`span` is in seconds; `base` is 1024 for bytes, so that the limits of the axis are round in KiB and MiB."""
        super().__init__(id=id, classes=classes)
        self._title = title
        self._span = span
        self._format = format_value
        self._base = base
        self._series: Sequence[Series] = ()
        self._maximum: float | None = None
        self._limit = 0.0
        self._shown_names: list[str] = []
        self._frame: Frame | None = None
        self._pieces: list[list[Piece]] | None = None
        self._failure = ""

    def show(
        self, series: Sequence[Series], maximum: float | None = None, *, span: float | None = None
    ) -> None:
        """Shows the series; the axis goes from 0 to `maximum`, or to a round number that the values stay below.

        `span` is another one than before, in seconds.
        """
        self._series = series
        self._span = span or self._span
        self._maximum = maximum
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def watch_stale(self) -> None:
        self.refresh()

    def _lay_out(self) -> None:
        values = [value for one in self._series for _, value in one.points if value is not None]
        if self._maximum is not None:
            self._limit = self._maximum or 1.0
        else:
            self._limit = steady_limit(self._limit, max(values, default=0.0), self._base)
        picture, names = self._picture(bool(values)), self._names()
        if picture != self._frame or names != self._shown_names:
            if picture != self._frame:
                self._frame, self._pieces = picture, None
            self._shown_names = names
            self.refresh()

    def _picture(self, has_values: bool) -> Frame | None:
        width, height = self.content_size.width - self._margin - 1, self.content_size.height - 2
        if not has_values or width < 1 or height < 1:
            return None
        return frame(self._series, width, height, self._span, self._limit)

    def _names(self) -> list[str]:
        newest = [one.points[-1][1] if one.points else None for one in self._series]
        return [f"{one.name} {self._format(value)}" for one, value in zip(self._series, newest, strict=True)]

    @property
    def _labels(self) -> tuple[str, str, str]:
        """What stands at the lower edge, in the middle and at the upper edge of the axis."""
        zero, half, full = (self._format(self._limit * share) for share in (0.0, 0.5, 1.0))
        return zero, half if half not in (zero, full) else "", full

    @property
    def _margin(self) -> int:
        return max(map(cell_len, self._labels))

    def render_line(self, y: int) -> Strip:
        segments: list[Segment] = []
        if y == 0:
            segments = self._title_line()
        elif self._frame is None:
            segments = [Segment(NO_VALUES if y == 1 else "", self._style("axis"))]
        elif y <= self._frame.height:
            segments = self._curve_line(y - 1, self._frame.height)
        elif y == self._frame.height + 1:
            segments = [Segment(" " * self._margin + "└" + time_axis(self._frame), self._style("axis"))]
        return Strip(segments).adjust_cell_length(self.content_size.width, self.rich_style).simplify()

    def _title_line(self) -> list[Segment]:
        segments = [Segment(self._title, self._style("title"))]
        for number, name in enumerate(self._shown_names):
            segments += [Segment("  ━ ", self._curve_style(number)), Segment(name, self.rich_style)]
        return segments

    def _curve_line(self, row: int, height: int) -> list[Segment]:
        zero, half, full = self._labels
        label = {0: full, height // 2: half, height - 1: zero}.get(row, "")
        mark = "┤" if label else "│"
        segments = [Segment(label.rjust(self._margin) + mark, self._style("axis"))]
        pieces = self._curves()
        if pieces is None:
            segments.append(Segment(self._failure if row == height // 2 else "", self._style("axis")))
        elif row < len(pieces):
            segments += [
                Segment(text, self.rich_style if curve is None else self._curve_style(curve))
                for text, curve in pieces[row]
            ]
        return segments

    def _curves(self) -> list[list[Piece]] | None:
        if self._pieces is None and self._frame is not None and not self._failure:
            if _plotext is None:
                self._load_plotext()
            else:
                self._pieces = draw(_plotext, self._frame)
        return self._pieces

    @work(group="plotext", exclusive=True, exit_on_error=False)
    async def _load_plotext(self) -> None:
        """Imports plotext, which takes a tenth of a second, where no key has to wait for it."""
        global _plotext
        try:
            _plotext = await asyncio.to_thread(importlib.import_module, "plotext")
        except (ImportError, OSError) as error:
            self._failure = visible(f"Charts cannot be drawn here: {error}")
        self.refresh()

    def _curve_style(self, number: int) -> Style:
        return self._style(self._series[number].tone or CURVE_TONES[number % len(CURVE_TONES)])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style("chart--muted" if self.stale else f"chart--{name}")
