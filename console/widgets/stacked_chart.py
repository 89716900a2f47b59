"""A chart of values that lie on each other over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from rich.style import Style
from textual.geometry import Region

from console.terminal.safe_text import visible
from console.units import count, rate
from console.widgets.stacks import Layer, Piece, StackFrame, columns, rows
from console.widgets.time_axis import CLOSER_STEPS, Moment, seconds, steady_limit
from console.widgets.time_chart import Line, TimeChart, named
from console.widgets.tones import Tone


class StackedChart(TimeChart[StackFrame]):
    """Layers over time, named with their newest values: the first is the lowest, and the last named."""

    DEFAULT_CSS = "StackedChart.-stale { opacity: 50%; }"

    def __init__(
        self, title: str = "", *, span: float = 15 * 60, id: str | None = None, classes: str | None = None
    ) -> None:
        """`span` is in seconds."""
        super().__init__(title, span=span, format_value=rate, id=id, classes=classes)
        self._times: Sequence[float] = ()
        self._layers: Sequence[Layer] = ()
        self._rows: list[list[Piece]] | None = None

    def show(self, times: Sequence[Moment], layers: Sequence[Layer], *, span: float | None = None) -> None:
        """Shows the layers, which have a value at each of the times; `span` is another one than before, in seconds."""
        self._times = [seconds(moment) for moment in times]
        self._layers = layers
        self.span = span or self.span
        self.lay_out()

    def picture(self, width: int, height: int, limit: float) -> StackFrame | None:
        if not self._times:
            return None
        start, found = columns(self._times, self._layers, width, self.span)
        # Half a session on average is little: it is not to look like a full server.
        highest = max([1.0, *(sum(column) for column in found if column)])
        limit = steady_limit(limit, highest, steps=CLOSER_STEPS)
        fills = tuple([layer.fill for layer in self._layers])
        tones = tuple([layer.tone for layer in self._layers])
        return StackFrame(width, height, limit, start, self.span / width, found, fills, tones)

    def legend(self) -> Line:
        return tuple(
            chain.from_iterable(
                named(
                    layer.fill,
                    f"{visible(layer.name)} {count(layer.values[-1] if layer.values else None)}",
                    layer.tone,
                )
                for layer in reversed(self._layers)
            )
        )

    def cells(self, row: int) -> Line:
        if self.drawn is None:
            return ()
        if self._rows is None:
            self._rows = rows(self.drawn)
        return tuple([(piece.text, _style_of(piece, self.drawn.tones)) for piece in self._rows[row]])

    def style(self, name: str) -> Style:
        tone, _, above = name.partition(" on ")
        style = super().style(tone)
        return style + Style(bgcolor=super().style(above).color) if above else style

    def repaint(self, redraw: bool) -> None:
        if redraw:
            self._rows = None
        if not self.is_on_screen:
            return
        changed = [y for y in range(self.size.height) if self.painted.get(y) != self.line(y)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))


def _style_of(piece: Piece, tones: Sequence[Tone]) -> str:
    if piece.layer is None:
        return ""
    return tones[piece.layer] if piece.above is None else f"{tones[piece.layer]} on {tones[piece.above]}"
