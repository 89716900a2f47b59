"""Where a map looks: its view, its cursor, what is drawn over it, and how a person moves about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from console.clock import Clock
from console.models.map_objects import MapObject
from console.models.map_view import Envelope, Frame, MapView
from console.screens.spatial_drawing import Drawing, Place, Rectangle
from console.screens.spatial_views import Views

if TYPE_CHECKING:
    from console.widgets.map_canvas import MapCanvas

CELL = (2, 4)
"""Dots of a cell, across and down."""

PAUSE_FOR_PICTURE = 0.012
"""Seconds after a move until what is there is moved along: a picture that is there by then is painted alone, and sooner."""

_FINEST, _COARSEST = 1e-13, 1e12
"""Limits of the scale: as a share of the coordinates, and in units a dot."""
_FARTHEST = _COARSEST / _FINEST
"""Limit of the coordinates: beyond, no dot is another place than its neighbour."""


class MapViewing(Container):
    """A canvas with a view. A subclass draws (`redraw`), asks for what is to be seen (`refine`) and names the object.

    It posts `Changed` when there is something else to be said of it.
    """

    @dataclass
    class Changed(Message):
        """What is seen, or what is known of it, has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MapViewing.Changed)

    @dataclass
    class Moved(Message):
        """The view or the cursor is another."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.clock = clock
        self.views = Views()
        self.drawing: Drawing | None = None
        """What is being drawn over the map."""
        self.pointer: Place | None = None
        """Where the mouse is."""
        self.named: MapObject | None = None
        """What the cursor is at."""
        self.covered: Callable[[], int] = lambda: 0
        """Cells at the right that something lies over."""
        self._cursor: Place | None = None
        self._awaited_fit: tuple[MapView, Envelope] | None = None
        self._redrawing: Timer | None = None

    def redraw(self) -> None:
        """Draws from what is there."""
        if self._redrawing is not None:
            self._redrawing.stop()
            self._redrawing = None

    def refine(self) -> None:
        """Asks for what is to be seen."""

    def name_object(self) -> object:
        """Asks for what the cursor is at, which is `named` then."""

    def compose(self) -> ComposeResult:
        from console.widgets.map_canvas import MapCanvas
        from console.widgets.map_legend import MapLegend

        yield MapCanvas(id="map")
        yield MapLegend()
        yield Static(id="map-notes", markup=False)

    @property
    def canvas(self) -> MapCanvas:
        """What it is drawn on."""
        canvas: MapCanvas = self.query_one("#map")  # type: ignore[assignment]
        return canvas

    def say(self, notes: Content) -> None:
        """Says over the map what should be known of it."""
        line = self.query_one("#map-notes", Static)
        if line.content != notes:
            line.display = bool(notes)
            line.update(notes)

    # Where it looks -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> MapView | None:
        """None before it is known where the first layer is."""
        return self.views.now

    @property
    def frame(self) -> Frame | None:
        """The view on the dots that there are; None without a view or room."""
        width, height = self.canvas.content_size
        if self.view is None or not width or not height:
            return None
        return self.view.frame(width * CELL[0], height * CELL[1])

    @property
    def cursor(self) -> Place | None:
        """The centre, unless the person has put it elsewhere."""
        return self._cursor or ((self.view.x, self.view.y) if self.view is not None else None)

    @property
    def has_own_cursor(self) -> bool:
        """Whether the person has put the cursor somewhere."""
        return self._cursor is not None

    def look(self, view: MapView, *, moves: bool = False) -> None:
        """Looks at a view; one that only `moves` is no step of its own on the way back."""
        self.views.look(_sensible(view), self.clock.monotonic(), moves=moves)
        self.look_again()

    def pan(self, right: float, down: float) -> None:
        """By so many dots."""
        if self.view is not None:
            self.look(self.view.panned(right, down), moves=True)

    def pan_screen(self, right: float, down: float) -> None:
        """By such a part of what is seen, by whole cells."""
        if (frame := self.frame) is not None:
            across = round(right * frame.columns / CELL[0]) * CELL[0]
            self.pan(across, round(down * frame.rows / CELL[1]) * CELL[1])

    def zoom(self, factor: float, at: Place | None = None) -> None:
        """So many times closer; `at`, or the cursor, stays where it is."""
        if self.view is not None:
            self.look(self.view.zoomed(factor, at or self.cursor), moves=True)

    def fit(self, envelope: Envelope) -> None:
        """Shows all of an envelope."""
        if self.view is not None:
            self._fit(self.view, envelope)

    def _fit(self, view: MapView, envelope: Envelope) -> None:
        width, height = self.canvas.content_size
        if not width or not height:
            self._awaited_fit = (view, envelope)
        else:
            seen = (width - self.covered()) * CELL[0]
            self._look_in_sight(view.fitted(envelope, seen, height * CELL[1]))

    def go_to(self, place: Place) -> None:
        """Has a place in the centre."""
        if self.view is not None:
            self._look_in_sight(replace(self.view, x=place[0], y=place[1]))

    def _look_in_sight(self, view: MapView) -> None:
        """Has the centre of a view in the middle of what nothing lies over, and the cursor there."""
        covered = self.covered() * CELL[0]
        self._cursor = (view.x, view.y) if covered else None
        self.look(view.panned(covered / 2, 0))

    def step(self, by: int) -> bool:
        """Back (-1) or forward (1) through the views; False where there is none."""
        if not self.views.step(by):
            return False
        self._cursor = None
        self.look_again()
        return True

    def put_cursor(self, place: Place | None) -> None:
        """Puts the cursor somewhere; None is the centre."""
        self._cursor = place
        self._pointed()

    def move_cursor(self, columns: int, rows: int) -> None:
        """By so many cells; at the border the view goes along."""
        frame, cursor = self.frame, self.cursor
        if frame is None or cursor is None:
            return
        across, down = frame.dot(*cursor)
        across, down = across + columns * CELL[0], down + rows * CELL[1]
        right = min(0.0, across) + max(0.0, across - frame.columns + 1)
        lower = min(0.0, down) + max(0.0, down - frame.rows + 1)
        self._cursor = frame.place(across, down)
        if right or lower:
            self.pan(right, lower)
        else:
            self._pointed()

    def draw(self, drawing: Drawing | None) -> None:
        """Draws something over the map from now on; the mouse draws rectangles while one is wanted."""
        self.drawing = drawing
        self.canvas.draws_rectangle = isinstance(drawing, Rectangle)
        self.redraw()

    def look_again(self) -> None:
        """Asks for what is to be seen and what the cursor is at; where that is not there at once, draws what is."""
        if self._cursor is not None and self.view is not None and (frame := self.frame) is not None:
            dots = replace(frame, view=self.view).dot(*self._cursor)
            if not (0 <= dots[0] < frame.columns and 0 <= dots[1] < frame.rows):
                self._cursor = None
        self.refine()
        self.ask_for_name()
        if self._redrawing is not None:
            self._redrawing.stop()
        self._redrawing = self.set_timer(PAUSE_FOR_PICTURE, self.redraw)

    def _pointed(self) -> None:
        self.redraw()
        self.ask_for_name()

    def ask_for_name(self) -> None:
        """Asks what the cursor is at; until that is known it is at nothing."""
        self.named = self.pointer = None
        self.post_message(self.Moved())
        self.name_object()

    def on_resize(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._awaited_fit is not None:
            awaited, self._awaited_fit = self._awaited_fit, None
            self._fit(*awaited)
        elif self.view is not None:
            self.look_again()

    # The mouse ----------------------------------------------------------------------------------------------------

    def on_map_canvas_panned(self, event: MapCanvas.Panned) -> None:
        self.pan(-event.right, -event.down)

    def on_map_canvas_zoomed(self, event: MapCanvas.Zoomed) -> None:
        self.zoom(event.factor, (event.x, event.y))

    def on_map_canvas_pointed(self, event: MapCanvas.Pointed) -> None:
        self.pointer = (event.x, event.y)
        self.post_message(self.Changed())


def _sensible(view: MapView) -> MapView:
    """As far away and as close as numbers allow, and on the globe where there is one."""
    farthest_x, farthest_y = (180.0, 90.0) if view.is_geographic else (_FARTHEST, _FARTHEST)
    x, y = min(farthest_x, max(-farthest_x, view.x)), min(farthest_y, max(-farthest_y, view.y))
    coarsest = 4.0 if view.is_geographic else _COARSEST
    scale = min(coarsest, max(max(abs(x), abs(y), 1.0) * _FINEST, view.scale))
    return replace(view, x=x, y=y, scale=scale)
