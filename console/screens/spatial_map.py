"""The map: where it looks, what is drawn of each layer there, and what its cursor is at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import WorkerState

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import ConnectionLost, DbconsoleError
from console.models.layers import Layer, LayerName
from console.models.map_objects import MapObject
from console.models.map_view import Envelope, Frame, MapView
from console.screens.spatial_drawing import Drawing, Rectangle
from console.screens.spatial_layers import LayerStack, ShownLayer
from console.screens.spatial_views import Views

if TYPE_CHECKING:
    from console.data.services import Services
    from console.models.pictures import Picture
    from console.widgets.map_canvas import MapCanvas
    from console.widgets.map_cells import DrawnLayer

Place = tuple[float, float]
"""x and y in the units of the view."""

PAUSE_IN_MOVING = 0.04
"""Seconds without a move after which pictures are asked for again while others were still on their way."""
PAUSE_IN_POINTING = 0.12
"""Seconds without a move after which the cursor's object is asked for."""
REACH = 24
"""Dots from the cursor to an object that it names."""
CELL = (2, 4)
"""Dots of a cell, across and down."""

WORLD = Envelope(-180.0, -90.0, 180.0, 90.0)
NOWHERE = Envelope(-1.0, -1.0, 1.0, 1.0)
"""What is looked at where nothing is."""
_FINEST, _COARSEST = 1e-13, 1e12
"""Limits of the scale: as a share of the coordinates, and in units a dot."""


class MapPane(Container):
    """Made when there is a layer to look at. Every move is drawn at once from what is there, and then asked for.

    It posts `Changed` when there is something else to be said of it.
    """

    @dataclass
    class Changed(Message):
        """What is seen, or what is known of it, has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MapPane.Changed)

    @dataclass
    class Moved(Message):
        """The view or the cursor is another."""

    def __init__(
        self, services: Services, stack: LayerStack, clock: Clock = SYSTEM_CLOCK, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.services = services
        self.stack = stack
        self.clock = clock
        self.views = Views()
        self.drawing: Drawing | None = None
        """What is being drawn over the map."""
        self.selected: Sequence[MapObject] = ()
        self.named: MapObject | None = None
        """What the cursor is at."""
        self.pointer: Place | None = None
        """Where the mouse is."""
        self._cursor: Place | None = None
        self._awaited_fit: tuple[MapView, Envelope] | None = None

    def compose(self) -> ComposeResult:
        from console.widgets.map_canvas import MapCanvas

        yield MapCanvas(id="map")
        yield Static(id="map-notes", markup=False)

    @property
    def canvas(self) -> MapCanvas:
        """What it is drawn on."""
        canvas: MapCanvas = self.query_one("#map")  # type: ignore[assignment]
        return canvas

    # Where it looks -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> MapView | None:
        """None before it is known where the first layer is."""
        return self.views.now

    @property
    def frame(self) -> Frame | None:
        """The view on the dots that there are; None without a view or room."""
        return self.canvas.frame if self.view is not None else None

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
            self._cursor = None
            self.look(view.fitted(envelope, width * CELL[0], height * CELL[1]))

    def fit_objects(self, objects: Sequence[MapObject], also: Envelope | None = None) -> None:
        """Shows all of some objects; where they are at one place it is in the centre, as closely as before."""
        places = [
            Envelope(one.x, one.y, one.x, one.y) for one in objects if one.x is not None and one.y is not None
        ]
        around = reduce(Envelope.united, [*places, *([also] if also is not None else [])])
        if around.width or around.height:
            self.fit(around.grown(0.1))
        else:
            self.go_to(around.centre)

    def go_to(self, place: Place, *, scale: float | None = None) -> None:
        """Has a place in the centre."""
        if self.view is not None:
            self._cursor = None
            self.look(replace(self.view, x=place[0], y=place[1], scale=scale or self.view.scale))

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

    def look_again(self) -> None:
        """Draws what is there, and asks for what is to be seen and what the cursor is at."""
        if self._cursor is not None and self.view is not None and (frame := self.frame) is not None:
            dots = replace(frame, view=self.view).dot(*self._cursor)
            if not (0 <= dots[0] < frame.columns and 0 <= dots[1] < frame.rows):
                self._cursor = None
        self._pointed()
        self.refine()

    def draw(self, drawing: Drawing | None) -> None:
        """Draws something over the map from now on; the mouse draws rectangles while one is wanted."""
        self.drawing = drawing
        self.canvas.draws_rectangle = isinstance(drawing, Rectangle)
        self.redraw()

    def _pointed(self) -> None:
        self.named = self.pointer = None
        self.redraw()
        self.post_message(self.Moved())
        self._name_object()

    # What is drawn ------------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draws from what is there."""
        if self.view is None:
            return
        from console.widgets.map_marks import Marks

        cursor = self.cursor
        chosen = [(one.x, one.y) for one in self.selected if one.x is not None and one.y is not None]
        marks = Marks(cursor, chosen)
        if self.drawing is not None and cursor is not None:
            marks = self.drawing.over(marks, cursor)
        self.canvas.show(self.view, self.drawn, marks)
        self.post_message(self.Changed())

    @property
    def drawn(self) -> Sequence[DrawnLayer]:
        """What is seen, the topmost last."""
        return [
            _drawn(one, one.picture)
            for one in reversed(self.stack.visible)
            # Of another SRID it would be drawn where it is not.
            if one.picture is not None and self.view and one.picture.frame.view.srid == self.view.srid
        ]

    def say(self, notes: Content) -> None:
        """Says over the map what should be known of it."""
        line = self.query_one("#map-notes", Static)
        if line.content != notes:
            line.display = bool(notes)
            line.update(notes)

    def on_resize(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._awaited_fit is not None:
            awaited, self._awaited_fit = self._awaited_fit, None
            self._fit(*awaited)
        elif self.view is not None:
            self.look_again()

    # Opening a layer ----------------------------------------------------------------------------------------------

    @work(group="extent", exclusive=True, exit_on_error=False)
    async def open(self, layer: Layer) -> None:
        """Looks at all of a layer. Where it is cannot always be found out: why not is said of the layer."""
        view = self.view
        if view is None or bool(view.srid) != bool(layer.srid):
            view = MapView(0.0, 0.0, 1.0, layer.srid, layer.is_geographic)
        envelope: Envelope | None = None
        try:
            envelope = await self.services.spatial.layers.extent(layer, view.srid)
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as problem:
            self.stack.change(layer.name, problem=problem.sentence)
        if self.view is None or self.view.srid != view.srid:
            self.views = Views()
        self._fit(view, envelope or (WORLD if view.is_geographic else NOWHERE))

    # Pictures -----------------------------------------------------------------------------------------------------

    def refine(self) -> None:
        """Asks for pictures of what is looked at; those that are on their way for another view are let go."""
        wait = PAUSE_IN_MOVING if self._is_busy("pictures") else 0.0
        for one in self.stack.visible:
            self.stack.change(one.name, is_complete=False)
        self._refine(wait=wait)

    def catch_up(self) -> None:
        """Asks once more for what a lost connection has kept from coming."""
        if self.view is None:
            if (active := self.stack.active) is not None and not self._is_busy("extent"):
                self.open(active.layer)
        elif not self._is_busy("pictures") and not all(one.is_complete for one in self.stack.visible):
            self.refine()

    def _is_busy(self, group: str) -> bool:
        running = (WorkerState.PENDING, WorkerState.RUNNING)
        return any(one.group == group and one.node is self and one.state in running for one in self.workers)

    def forget(self, *names: LayerName) -> None:
        """The pictures of these layers do not show them as they are any more."""
        for name in names:
            self.services.spatial.pictures.forget(name)
        self.refine()

    @work(group="pictures", exclusive=True, exit_on_error=False)
    async def _refine(self, *, wait: float) -> None:
        """Takes the pictures of every layer as they come. What keeps one from coming is said of its layer."""
        await asyncio.sleep(wait)
        frame = self.frame
        if frame is None:
            return
        shown = self.stack.visible
        async with asyncio.TaskGroup() as group:
            for one in shown:
                group.create_task(self._refine_layer(one, frame))
        for one in shown:
            if not _apart(one.layer, frame.view):
                await self._look_around(one, frame)

    async def _refine_layer(self, shown: ShownLayer, frame: Frame) -> None:
        if sentence := _apart(shown.layer, frame.view):
            self.stack.change(shown.name, is_complete=True, picture=None, problem=sentence)
            self.post_message(self.Changed())
            return
        pictures = self.services.spatial.pictures
        steps = pictures.of(shown.layer, frame, only=shown.only, colour_by=shown.colour_by)
        problem = None
        try:
            async with aclosing(steps):
                async for picture in steps:
                    self.stack.change(shown.name, picture=picture, is_complete=picture.is_final, problem=None)
                    self.redraw()
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as error:
            problem = error.sentence
        self.stack.change(shown.name, is_complete=True, problem=problem)
        self.post_message(self.Changed())

    async def _look_around(self, shown: ShownLayer, frame: Frame) -> None:
        """Fetches what is next to the frame, before anybody goes there. Nobody waits for it or misses it."""
        try:
            await self.services.spatial.pictures.fetch_around(
                shown.layer, frame, only=shown.only, colour_by=shown.colour_by
            )
        except DbconsoleError:
            return

    # What is at the cursor ----------------------------------------------------------------------------------------

    @work(group="name", exclusive=True, exit_on_error=False)
    async def _name_object(self) -> None:
        """Finds out what the cursor is at. Where that cannot be asked, nothing is named."""
        here = [replace(one, distance=None) for one in self.selected if (one.x, one.y) == self.cursor]
        if not here:
            await asyncio.sleep(PAUSE_IN_POINTING)
            try:
                here = list(await self.nearest(1))
            except DbconsoleError:
                return
        self.named = here[0] if here else None
        self.post_message(self.Changed())

    async def nearest(self, limit: int, *, anywhere: bool = False) -> Sequence[MapObject]:
        """The active layer's objects next to the cursor, the nearest first; within reach of it unless `anywhere`.

        Raises `DbconsoleError`.
        """
        active, view, cursor = self.stack.active, self.view, self.cursor
        if active is None or view is None or cursor is None:
            return ()
        return await self.services.spatial.objects.nearest(
            active.layer,
            view.srid,
            *cursor,
            limit=limit,
            within=None if anywhere else REACH * view.scale,
            only=active.only,
            colour_by=active.colour_by,
        )

    def select(self, objects: Sequence[MapObject]) -> None:
        """These are selected now, and no others."""
        self.selected = tuple(objects)
        self.redraw()

    def is_selected(self, one: MapObject) -> bool:
        """Whether an object is among the selected, wherever it was named."""
        return any((other.layer, other.key) == (one.layer, one.key) for other in self.selected)

    def is_in_view(self, one: MapObject) -> bool:
        """Whether the object's place is seen."""
        frame = self.frame
        if frame is None or one.x is None or one.y is None:
            return False
        return frame.envelope.contains(Envelope(one.x, one.y, one.x, one.y))

    # The mouse ----------------------------------------------------------------------------------------------------

    def on_map_canvas_panned(self, event: MapCanvas.Panned) -> None:
        self.pan(-event.right, -event.down)

    def on_map_canvas_zoomed(self, event: MapCanvas.Zoomed) -> None:
        self.zoom(event.factor, (event.x, event.y))

    def on_map_canvas_pointed(self, event: MapCanvas.Pointed) -> None:
        self.pointer = (event.x, event.y)
        self.post_message(self.Changed())


def _drawn(shown: ShownLayer, picture: Picture) -> DrawnLayer:
    from console.widgets.map_cells import DrawnLayer

    return DrawnLayer(picture, shown.colour or 0, shown.glyph)


def _apart(layer: Layer, view: MapView) -> str | None:
    """Why nobody knows where a layer is on a map, as a sentence; None where it is known."""
    if bool(layer.srid) == bool(view.srid):
        return None
    if view.srid:
        return f"{layer.name} has no SRID, and the map is in SRID {view.srid}: enter looks at it by itself."
    return f"{layer.name} is in SRID {layer.srid}, and the map has none: enter looks at it by itself."


def _sensible(view: MapView) -> MapView:
    """As far away and as close as numbers allow, and on the globe where there is one."""
    x, y = view.x, view.y
    if view.is_geographic:
        x, y = min(180.0, max(-180.0, x)), min(90.0, max(-90.0, y))
    coarsest = 4.0 if view.is_geographic else _COARSEST
    scale = min(coarsest, max(max(abs(x), abs(y), 1.0) * _FINEST, view.scale))
    return replace(view, x=x, y=y, scale=scale)
