"""A chart of a few values over time."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from itertools import chain
from types import ModuleType

from rich.style import Style
from textual import work

from console.terminal.safe_text import visible
from console.units import compact
from console.widgets.curves import Frame, Piece, Series, draw, frame
from console.widgets.time_axis import steady_limit
from console.widgets.time_chart import Line, TimeChart, named
from console.widgets.tones import Tone

CURVE_TONES: tuple[Tone, ...] = ("accent", "success", "strong", "muted")

_plotext: ModuleType | None = None


class Chart(TimeChart[Frame]):
    """Curves, named with their newest values."""

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
        super().__init__(title, span=span, format_value=format_value, id=id, classes=classes)
        self._base = base
        self._series: Sequence[Series] = ()
        self._maximum: float | None = None
        self._pieces: list[list[Piece]] | None = None
        self._failure = ""

    def show(
        self, series: Sequence[Series], maximum: float | None = None, *, span: float | None = None
    ) -> None:
        """Shows the series; the axis goes from 0 to `maximum`, or to a round number that the values stay below.

        `span` is another one than before, in seconds.
        """
        self._series = series
        self.span = span or self.span
        self._maximum = maximum
        self.lay_out()

    def picture(self, width: int, height: int, limit: float) -> Frame | None:
        values = [value for one in self._series for _, value in one.points if value is not None]
        if not values:
            return None
        if self._maximum is not None:
            limit = self._maximum or 1.0
        else:
            limit = steady_limit(limit, max(values), self._base)
        return frame(self._series, width, height, self.span, limit)

    def legend(self) -> Line:
        newest = [one.points[-1][1] if one.points else None for one in self._series]
        return tuple(
            chain.from_iterable(
                named("━", f"{one.name} {self.format(value)}", self._tone(number))
                for number, (one, value) in enumerate(zip(self._series, newest, strict=True))
            )
        )

    def repaint(self, redraw: bool) -> None:
        if redraw:
            self._pieces = None
        super().repaint(redraw)

    def cells(self, row: int) -> Line:
        pieces = self._curves()
        if pieces is None:
            middle = self.drawn is not None and row == self.drawn.height // 2
            return ((self._failure, "axis"),) if middle else ()
        if row >= len(pieces):
            return ()
        return tuple([(text, "" if curve is None else self._tone(curve)) for text, curve in pieces[row]])

    def style(self, name: str) -> Style:
        return super().style("muted" if name and self.stale else name)

    def _curves(self) -> list[list[Piece]] | None:
        if self._pieces is None and self.drawn is not None and not self._failure:
            if _plotext is None:
                self._load_plotext()
            else:
                self._pieces = draw(_plotext, self.drawn)
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

    def _tone(self, number: int) -> Tone:
        return self._series[number].tone or CURVE_TONES[number % len(CURVE_TONES)]
