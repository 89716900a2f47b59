"""What every chart of values over time has around its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from console.units import compact
from console.widgets.time_axis import Picture, time_axis
from console.widgets.tones import tone_classes, tone_styles

P = TypeVar("P", bound=Picture)

NO_VALUES = "No values yet."

Line = tuple[tuple[str, str], ...]
"""The texts of a line, each with the name of its style: a tone, `title`, `axis` or "" for the chart's own."""


class TimeChart(Widget, Generic[P]):
    """A picture under a line that names what is in it, over an axis of local times.

    It is drawn when it is painted, so never while it is hidden, and only when it would differ.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--title", "chart--axis"} | tone_classes("chart")

    DEFAULT_CSS = """
    TimeChart {
        .chart--title { text-style: bold; }
        .chart--axis { color: $text-muted; }
    }
    """ + tone_styles("TimeChart", "chart")

    stale: reactive[bool] = reactive(False, toggle_class="-stale")
    """Whether the data is old."""

    def __init__(
        self,
        title: str = "",
        *,
        span: float = 15 * 60,
        format_value: Callable[[float | None], str] = compact,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`span` is in seconds."""
        super().__init__(id=id, classes=classes)
        self.title = title
        self.span = span
        self.format = format_value
        self._limit = 0.0
        self.drawn: P | None = None
        """The picture as it is now, None without values or without room."""
        self.painted: dict[int, Line] = {}
        """What was last painted on each line."""
        self._legend: Line = ()

    # What a chart is ----------------------------------------------------------------------------------------------

    def picture(self, width: int, height: int, limit: float) -> P | None:
        """All that the picture depends on, None without any values: two equal ones look the same.

        `limit` is the value at the upper edge as it was, to be kept where it still suits the values.
        """
        raise NotImplementedError

    def legend(self) -> Line:
        """What names the things in the picture."""
        raise NotImplementedError

    def cells(self, row: int) -> Line:
        """A line of the picture as it was last laid out, row 0 at the top."""
        raise NotImplementedError

    def repaint(self, redraw: bool) -> None:
        """The legend has changed, and where it is to be drawn anew, the picture too."""
        self.refresh()

    # The frame around it ------------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        """Works out what is shown; a subclass says so whenever it is given something."""
        picture = self._suited()
        if picture is not None and picture.limit != self._limit:
            self._limit = picture.limit
            picture = self._suited()  # other labels may leave it another width
        legend, redraw = self.legend(), picture != self.drawn
        if redraw or legend != self._legend:
            self.drawn, self._legend = picture, legend
            self.repaint(redraw)

    def _suited(self) -> P | None:
        width, height = self.content_size.width - self._margin - 1, self.content_size.height - 2
        return self.picture(width, height, self._limit) if width > 0 and height > 0 else None

    def on_resize(self) -> None:
        self.lay_out()

    def watch_stale(self) -> None:
        self.refresh()

    @property
    def _labels(self) -> tuple[str, str, str]:
        """What stands at the lower edge, in the middle and at the upper edge of the axis."""
        zero, half, full = (self.format(self._limit * share) for share in (0.0, 0.5, 1.0))
        return zero, half if half not in (zero, full) else "", full

    @property
    def _margin(self) -> int:
        return max(map(cell_len, self._labels))

    def line(self, y: int) -> Line:
        """All that line `y` depends on: two equal ones look the same."""
        if y == 0:
            room = self.content_size.width - sum(cell_len(text) for text, _ in self._legend)
            # What is in the picture matters more than what the chart is called.
            return ((self.title, "title"), *self._legend) if cell_len(self.title) <= room else self._legend
        if self.drawn is None:
            return ((NO_VALUES, "axis"),) if y == 1 else ()
        height = self.drawn.height
        if y <= height:
            zero, half, full = self._labels
            label = {0: full, height // 2: half, height - 1: zero}.get(y - 1, "")
            return ((label.rjust(self._margin) + ("┤" if label else "│"), "axis"), *self.cells(y - 1))
        if y == height + 1:
            return ((" " * self._margin + "└" + time_axis(self.drawn), "axis"),)
        return ()

    def render_line(self, y: int) -> Strip:
        line = self.painted[y] = self.line(y)
        segments = [Segment(text, self.style(name)) for text, name in line]
        return Strip(segments).adjust_cell_length(self.content_size.width, self.rich_style).simplify()

    def style(self, name: str) -> Style:
        """The style that a `Line` names."""
        return self.get_component_rich_style(f"chart--{name}") if name else self.rich_style


def named(mark: str, name: str, style: str) -> Sequence[tuple[str, str]]:
    """One thing in a legend: its mark in its style, its name."""
    return ((f"  {mark} ", style), (name, ""))
