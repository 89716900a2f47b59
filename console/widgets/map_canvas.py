"""The map itself: layers in a view, and what lies over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.events import (
    Click,
    MouseDown,
    MouseEvent,
    MouseMove,
    MouseScrollDown,
    MouseScrollUp,
    MouseUp,
)
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.models.map_view import Envelope, Frame, MapView
from console.widgets.map_cells import Cells, DrawnLayer, Look, runs
from console.widgets.map_colours import MapColours, look_of
from console.widgets.map_layers import compose
from console.widgets.map_marks import CHOSEN, CURSOR, DRAWN, NO_MARKS, Marks, with_marks
from console.widgets.map_raster import Ramp
from console.widgets.map_scale import DOTS_ACROSS, DOTS_DOWN

Cell: TypeAlias = tuple[int, int]
"""Column and row."""

WHEEL_FACTOR = 1.5
"""How much closer a step of the wheel leads."""


class MapCanvas(Widget, can_focus=True):
    """Draws the layers it is given; says what the mouse wants of it. Keys are its screen's.

    Dragging pans; dragging with ctrl or the right button, or while `draws_rectangle`, spans a rectangle.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"map--chosen", "map--cursor", "map--drawn"}

    DEFAULT_CSS = """
    MapCanvas {
        width: 1fr;
        height: 1fr;
        .map--chosen { color: $foreground; text-style: bold reverse; }
        .map--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        .map--drawn { color: $foreground; text-style: bold; }
    }
    """

    @dataclass
    class Pointed(Message):
        """The mouse is at another place."""

        x: float
        y: float

    @dataclass
    class Clicked(Message):
        """A place was clicked."""

        x: float
        y: float
        times: int
        """2 for a double click."""
        adds: bool
        """Whether with ctrl: to what is chosen already."""

    @dataclass
    class Panned(Message):
        """The map was dragged by so many dots; the view is to go the other way."""

        right: int
        down: int

    @dataclass
    class Zoomed(Message):
        """The wheel was turned: so many times closer, and (x, y) stays where it is."""

        factor: float
        x: float
        y: float

    @dataclass
    class Spanned(Message):
        """A rectangle is being drawn, or was drawn."""

        rectangle: Envelope
        is_done: bool

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.draws_rectangle = False
        self.drawn: Cells | None = None
        """The layers as they were last drawn, without marks."""
        self._look: Look | None = None
        self._view: MapView | None = None
        self._layers: Sequence[DrawnLayer] = ()
        self._marks: Marks = NO_MARKS
        self._lines: list[Strip] = []
        self._colours: MapColours | None = None
        self._styles: dict[tuple[int, ...], Style] = {}
        self._grasp: Cell | None = None
        self._spans_from: Cell | None = None
        self._spans_to: Cell | None = None
        self._has_moved = False

    # What is shown ------------------------------------------------------------------------------------------------

    def show(self, view: MapView, layers: Sequence[DrawnLayer], marks: Marks = NO_MARKS) -> None:
        """Shows the layers, the last one on top. Pictures of other frames are moved to where they belong."""
        is_other = view != self._view or list(layers) != list(self._layers)
        if not is_other and marks == self._marks:
            return
        self._view, self._layers, self._marks = view, tuple(layers), marks
        if is_other:
            self.drawn = None
        self._draw()

    @property
    def frame(self) -> Frame | None:
        """The dots that there are, in the view; None before there is one, or room."""
        width, height = self.content_size
        if self._view is None or not width or not height:
            return None
        return self._view.frame(width * DOTS_ACROSS, height * DOTS_DOWN)

    @property
    def ramp(self) -> Ramp | None:
        """How many objects in a cell the steps of density say, where there is one."""
        return self.drawn.ramp if self.drawn is not None else None

    def _draw(self) -> None:
        """Repaints the lines that are not what they were."""
        before, self._lines = self._lines, self._drawn_lines()
        if len(before) != len(self._lines):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, self._lines, strict=True)) if old != new]
        if changed:
            (x, y), width = self.gutter.top_left, self.content_size.width
            self.refresh(*(Region(x, y + line, width, 1) for line in changed))

    def _drawn_lines(self) -> list[Strip]:
        frame = self.frame
        if frame is None:
            return []
        look = look_of(self.app)
        if self._colours is None:
            self._colours = MapColours(self.app, self.background_colors[1])
            self._styles.clear()
        if self.drawn is None or look is not self._look:
            self.drawn, self._look = compose(frame, self._layers, look), look
        cells = with_marks(self.drawn, frame, self._marks)
        return [self._strip(cells, row) for row in range(len(cells.glyphs))]

    def _strip(self, cells: Cells, row: int) -> Strip:
        pieces = runs(cells.glyphs[row], cells.ink[row], cells.ground[row])
        return Strip([Segment(text, self._style(*pens)) for text, pens in pieces], cells.glyphs.shape[1])

    def _style(self, ink: int, ground: int) -> Style:
        style = self._styles.get((ink, ground))
        if style is None:
            assert self._colours is not None
            name = {CHOSEN: "map--chosen", CURSOR: "map--cursor", DRAWN: "map--drawn"}.get(ink)
            style = self._colours.style(0 if name else ink, ground)
            if name:
                over = self.get_component_rich_style(name, partial=name != "map--cursor")
                style = style + over
            self._styles[ink, ground] = style
        return style

    def render_line(self, y: int) -> Strip:
        if not self._lines:
            self._lines = self._drawn_lines()
        if y < len(self._lines):
            return self._lines[y]
        return Strip.blank(self.content_size.width, self.rich_style)

    def on_resize(self) -> None:
        self.drawn = None
        self._lines = []
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._colours = None
        self._lines = []

    # What the mouse wants -----------------------------------------------------------------------------------------

    def _cell(self, event: MouseEvent) -> Cell:
        """The cell under the mouse, which may be outside while a button is held."""
        return event.get_content_offset_capture(self)

    def _place(self, cell: Cell) -> tuple[float, float] | None:
        """The middle of a cell."""
        frame = self.frame
        if frame is None:
            return None
        return frame.place((cell[0] + 0.5) * DOTS_ACROSS, (cell[1] + 0.5) * DOTS_DOWN)

    def on_mouse_down(self, event: MouseDown) -> None:
        if self.frame is None or event.button not in (1, 3):
            return
        self.capture_mouse()
        at = self._cell(event)
        self._has_moved = False
        if self.draws_rectangle or event.ctrl or event.button == 3:
            self._spans_from = self._spans_to = at
        else:
            self._grasp = at

    def on_mouse_move(self, event: MouseMove) -> None:
        at = self._cell(event)
        if self._grasp is not None:
            right, down = at[0] - self._grasp[0], at[1] - self._grasp[1]
            if right or down:
                self._has_moved = True
                self._grasp = at
                self.post_message(self.Panned(right * DOTS_ACROSS, down * DOTS_DOWN))
        elif self._spans_from is not None:
            if at != self._spans_to:
                self._has_moved = True
                self._spans_to = at
                self._span(is_done=False)
        elif (place := self._place(at)) is not None:
            self.post_message(self.Pointed(*place))

    def on_mouse_up(self, event: MouseUp) -> None:
        self.release_mouse()
        if self._spans_from is not None and self._has_moved:
            self._span(is_done=True)
        self.on_mouse_release()

    def on_mouse_release(self) -> None:
        """Also where a dialog has taken the mouse away before the button was let go."""
        self._grasp = self._spans_from = None

    def on_click(self, event: Click) -> None:
        place = self._place(self._cell(event))
        if place is not None and not self._has_moved and event.button == 1:
            self.post_message(self.Clicked(*place, event.chain, event.ctrl))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._zoom(event, WHEEL_FACTOR)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._zoom(event, 1 / WHEEL_FACTOR)

    def _zoom(self, event: MouseEvent, factor: float) -> None:
        event.stop()
        if (place := self._place(self._cell(event))) is not None:
            self.post_message(self.Zoomed(factor, *place))

    def _span(self, *, is_done: bool) -> None:
        """Both cells are within the rectangle."""
        frame = self.frame
        if frame is None or self._spans_from is None or self._spans_to is None:
            return
        left, right = sorted((self._spans_from[0], self._spans_to[0]))
        top, bottom = sorted((self._spans_from[1], self._spans_to[1]))
        west, north = frame.place(left * DOTS_ACROSS, top * DOTS_DOWN)
        east, south = frame.place((right + 1) * DOTS_ACROSS, (bottom + 1) * DOTS_DOWN)
        self.post_message(self.Spanned(Envelope(west, south, east, north), is_done))
