"""The map: what is drawn of each layer where it looks, and what its cursor is at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from textual import work
from textual.worker import get_current_worker

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import ConnectionLost, DbconsoleError
from console.models.layers import Layer, LayerName
from console.models.map_objects import MapObject
from console.models.map_view import Envelope, Frame, MapView
from console.screens.busy import is_busy
from console.screens.spatial_layers import LayerStack, ShownLayer
from console.screens.spatial_viewing import MapViewing
from console.screens.spatial_views import Views

if TYPE_CHECKING:
    from console.data.services import Services
    from console.models.pictures import Picture
    from console.widgets.map_cells import DrawnLayer

PAUSE_IN_MOVING = 0.04
"""Seconds without a move after which pictures are asked for again while others were still on their way."""
PAUSE_IN_POINTING = 0.12
"""Seconds without a move after which the cursor's object is asked for."""
REACH = 24
"""Dots from the cursor to an object that it names."""

WORLD = Envelope(-180.0, -90.0, 180.0, 90.0)
NOWHERE = Envelope(-1.0, -1.0, 1.0, 1.0)
"""What is looked at where nothing is."""


class MapPane(MapViewing):
    """Made when there is a layer to look at. Every move is drawn at once from what is there, and then asked for."""

    def __init__(
        self, services: Services, stack: LayerStack, clock: Clock = SYSTEM_CLOCK, *, id: str | None = None
    ) -> None:
        super().__init__(clock, id=id)
        self.services = services
        self.stack = stack
        self.selected: Sequence[MapObject] = ()
        self._srid: int | None = None
        """Of the view that the selected objects and what is drawn have their places in."""

    # What is drawn ------------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        super().redraw()
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

    def look_again(self) -> None:
        if self.view is not None and self.view.srid != self._srid:
            self._srid, self.selected = self.view.srid, ()
            self.draw(None)
        super().look_again()

    # Opening a layer ----------------------------------------------------------------------------------------------

    @work(group="extent", exclusive=True, exit_on_error=False)
    async def open(self, layer: Layer) -> None:
        """Looks at all of a layer. Where it is cannot always be found out: why not is said of the layer.

        A person who has gone elsewhere meanwhile stays there, unless the layer cannot be shown there.
        """
        view = before = self.view
        if view is None or bool(view.srid) != bool(layer.srid):
            view = MapView(0.0, 0.0, 1.0, layer.srid, layer.is_geographic)
        envelope: Envelope | None = None
        try:
            envelope = await self.services.spatial.layers.extent(layer, view.srid)
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as problem:
            self.stack.change(layer.name, problem=problem.sentence)
        if self.view is not None and self.view != before and not _apart(layer, self.view):
            return
        if self.view is None or self.view.srid != view.srid:
            self.views = Views()
        self._fit(view, envelope or (WORLD if view.is_geographic else NOWHERE))

    # Pictures -----------------------------------------------------------------------------------------------------

    def refine(self) -> None:
        """Asks for pictures of what is looked at; those that are on their way for another view are let go."""
        wait = PAUSE_IN_MOVING if is_busy(self, "pictures") else 0.0
        for one in self.stack.visible:
            self.stack.change(one.name, is_complete=False)
        self._refine(wait=wait)

    def catch_up(self) -> None:
        """Asks once more for what a lost connection, or another screen, has kept from coming."""
        if self.view is None:
            if (active := self.stack.active) is not None and not is_busy(self, "extent"):
                self.open(active.layer)
        elif not is_busy(self, "pictures") and not all(one.is_complete for one in self.stack.visible):
            self.refine()

    def rest(self) -> None:
        """Asks for no more pictures as long as nobody sees them."""
        self.workers.cancel_group(self, "pictures")

    def forget(self, *names: LayerName) -> None:
        """The pictures of these layers do not show them as they are any more."""
        for name in names:
            self.services.spatial.pictures.forget(name)
        self.refine()
        self.ask_for_name()

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
        pictures, worker = self.services.spatial.pictures, get_current_worker()
        steps = pictures.of(shown.layer, frame, only=shown.only, colour_by=shown.colour_by)
        problem = None
        try:
            async with aclosing(steps):
                async for picture in steps:
                    if worker.is_cancelled:  # which this task is not told before its next step
                        return
                    self.stack.change(shown.name, picture=picture, is_complete=picture.is_final, problem=None)
                    self.redraw()
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as error:
            problem = error.sentence
        if worker.is_cancelled:
            return
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
    async def name_object(self) -> None:
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


def _drawn(shown: ShownLayer, picture: Picture) -> DrawnLayer:
    from console.widgets.map_cells import DrawnLayer

    return DrawnLayer(picture, shown.colour or 0, shown.glyph)


def _apart(layer: Layer, view: MapView) -> str | None:
    """Why nobody knows where a layer is on a map, as a sentence; None where it is known."""
    if bool(layer.srid) == bool(view.srid):
        return None
    if view.srid:
        return f"{layer.name} has no SRID, and the map is in SRID {view.srid}: L, then enter on it, shows it alone."
    return f"{layer.name} is in SRID {layer.srid}, and the map has none: L, then enter on it, shows it alone."
