"""The screen of the map as far as it is about objects: selecting, looking at one, drawing, and lists of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import on, work

from console.errors import ConnectionLost, DbconsoleError
from console.models.layers import Layer
from console.models.map_objects import MapObject
from console.models.map_view import Envelope
from console.screens.spatial_columns import object_columns
from console.screens.spatial_drawing import Path, Rectangle
from console.screens.spatial_editing import Aim
from console.screens.spatial_looking import SpatialLooking
from console.screens.spatial_map import MapPane
from console.screens.spatial_text import detail_sections
from console.screens.spatial_viewing import CELL
from console.units import count
from console.widgets.filter_bar import FilterBar
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.widgets.map_canvas import MapCanvas

MOST_OBJECTS = 500
"""Of a rectangle that are listed."""
MOST_NEAREST = 50
PAUSE_IN_MEASURING = 0.08
"""Seconds without a move after which a line is measured."""


class SpatialObjects(SpatialLooking):
    """What is under the cursor can be looked at; what is in a rectangle, or near, is listed and leads to its place."""

    _list_title: str | None = None
    """Of the list that an object was chosen from, which escape goes back to."""

    def close_side(self) -> None:
        self._list_title = None
        super().close_side()

    @property
    def map_and_srid(self) -> tuple[MapPane, int | None] | None:
        """The map with the SRID of its view; None before there is one."""
        map_ = self.map
        return (map_, map_.view.srid) if map_ is not None and map_.view is not None else None

    # Selecting ----------------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        """Select what the cursor is at; while something is drawn, set its next point."""
        map_ = self.map
        if map_ is None or map_.cursor is None:
            return
        if isinstance(map_.drawing, Rectangle):
            rectangle = map_.drawing.envelope(map_.cursor)
            map_.draw(None)
            self._take_rectangle(rectangle)
        elif isinstance(map_.drawing, Path):
            map_.draw(Path(map_.drawing.to(map_.cursor), map_.drawing.measure))
            self._measure()
        elif self._shows_detail and map_.named is not None and map_.is_selected(map_.named):
            self.close_side()
        else:
            self._choose_nearest()

    @property
    def _shows_detail(self) -> bool:
        return self.side.view == "detail" and (self.side_open or self.has_class("-wide"))

    @work(group="choose", exclusive=True, exit_on_error=False)
    async def _choose_nearest(self, *, adds: bool = False) -> None:
        """Selects the object at the cursor, else the nearest in view. That there is none, or why, is said."""
        map_ = self.map
        if map_ is None:
            return
        try:
            found = [map_.named] if map_.named is not None else await map_.nearest(1, anywhere=True)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        if not found or not map_.is_in_view(found[0]):
            self._say("There is no object in view; N lists the nearest ones, f shows all.")
        elif adds:
            map_.select([*(one for one in map_.selected if one.key != found[0].key), found[0]])
        else:
            map_.select(found)
            self.look_at(found[0])

    def look_at(self, one: MapObject, *, closely: bool = False) -> None:
        """Shows an object in full, and its place on the map where that is out of sight; `closely` with what is near."""
        map_ = self.map
        if map_ is None:
            return
        if not map_.is_selected(one):
            map_.select([one])
        if one.x is not None and one.y is not None:
            if not map_.is_in_view(one):
                map_.go_to((one.x, one.y))
            map_.put_cursor((one.x, one.y))
        self.side.detail.show(one.label, ())
        self.show_side("detail", one.category or "object", focus=False)
        if not self.has_class("-wide"):
            self.side.detail.focus()
            self.call_after_refresh(self._uncover)
        self._load_detail(one, closely=closely)

    def _uncover(self) -> None:
        """Moves the map where the panel lies over the cursor."""
        map_ = self.map
        if map_ is None or map_.cursor is None or (frame := map_.frame) is None:
            return
        seen = frame.columns - map_.covered() * CELL[0]
        across, _ = frame.dot(*map_.cursor)
        if seen <= across:
            map_.pan(round((across - seen / 2) / CELL[0]) * CELL[0], 0)

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _load_detail(self, one: MapObject, *, closely: bool) -> None:
        """Asks for an object in full. What cannot be asked is said in its place."""
        shown, at = self.stack.find(one.layer), self.map_and_srid
        if shown is None or at is None or self.services is None:
            return
        neighbours = self.query_one("#neighbours", LiveTable)
        try:
            detail = await self.services.spatial.objects.detail(shown.layer, one.key, at[1])
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as problem:
            self.side.detail.show(problem.sentence, ())
            neighbours.update_rows(())
            return
        self.side.detail.show(detail.label, detail_sections(detail, self.unit))
        neighbours.replace_columns(object_columns(self.unit))
        neighbours.update_rows(detail.neighbours)
        if closely:
            await self._go_closer(one, detail.extent)

    async def _go_closer(self, one: MapObject, extent: Envelope | None) -> None:
        """Shows an object with what is around it, where that can be asked and the person is still there."""
        map_ = self.map
        if map_ is None:
            return
        with suppress(DbconsoleError):
            near = await map_.nearest(MOST_NEAREST, anywhere=True) if map_.is_in_view(one) else ()
            if map_.is_in_view(one) and one.x is not None and one.y is not None:
                map_.fit_objects([one, *near], extent)
                map_.put_cursor((one.x, one.y))

    @on(LiveTable.RowSelected, "#neighbours")
    @on(LiveTable.RowSelected, "#objects")
    def _follow(self, event: LiveTable.RowSelected) -> None:
        if event.table.id == "objects":
            self._list_title = self.side.title_text
        self.look_at(event.row)

    def on_map_canvas_clicked(self, event: MapCanvas.Clicked) -> None:
        """A click puts the cursor there, with ctrl it selects too, and a double click shows the object in full."""
        map_ = self.map
        if map_ is None:
            return
        map_.put_cursor((event.x, event.y))
        if map_.drawing is not None:
            self.action_choose()
        elif event.adds or event.times > 1:
            self._choose_nearest(adds=event.adds)

    # A rectangle --------------------------------------------------------------------------------------------------

    def action_rectangle(self) -> None:
        """Draw a rectangle from the cursor on, and select what is in it."""
        if (map_ := self.map) is not None and map_.cursor is not None:
            map_.draw(Rectangle(map_.cursor))
            self.focus_map()

    def on_map_canvas_spanned(self, event: MapCanvas.Spanned) -> None:
        """The mouse draws a rectangle."""
        map_, rectangle = self.map, event.rectangle
        if map_ is None:
            return
        map_.draw(None if event.is_done else Rectangle((rectangle.west, rectangle.north)))
        map_.put_cursor((rectangle.east, rectangle.south))
        if event.is_done:
            self._take_rectangle(rectangle)

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _take_rectangle(self, rectangle: Envelope) -> None:
        """Selects and lists what is in a rectangle, and counts it. What cannot be asked is said."""
        at, active, services = self.map_and_srid, self.active, self.services
        if at is None or active is None or services is None:
            return
        map_, srid = at
        objects = services.spatial.objects
        try:
            found = await objects.inside(active.layer, srid, rectangle, limit=MOST_OBJECTS, only=active.only)
            total = f"{count(len(found))} in the rectangle"
            if len(found) == MOST_OBJECTS:
                counted = await objects.count(active.layer, srid, rectangle, only=active.only)
                total = f"the first {count(len(found))} of {counted} in the rectangle"
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        map_.select(found)
        self.list_objects(found, total)

    def action_count(self) -> None:
        """Count what is in view."""
        if self.map is not None and (frame := self.map.frame) is not None:
            self._count(frame.envelope)

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _count(self, envelope: Envelope) -> None:
        """Says how many objects are in view. What cannot be counted is said."""
        at, active, services = self.map_and_srid, self.active, self.services
        if at is None or active is None or services is None:
            return
        try:
            counted = await services.spatial.objects.count(active.layer, at[1], envelope, only=active.only)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self._say(f"{counted} of {active.name.schema}.{active.name.table} in view.", done=True)

    def list_objects(self, found: Sequence[MapObject], title: str) -> None:
        """Lists objects beside the map, under a title."""
        table = self.query_one("#objects", LiveTable)
        table.replace_columns(object_columns(self.unit))
        table.update_rows(found)
        self._list_title = None
        self.show_side("objects", title)

    # The nearest --------------------------------------------------------------------------------------------------

    @work(group="list", exclusive=True, exit_on_error=False)
    async def action_nearest(self) -> None:
        """List what is nearest to the cursor. What cannot be asked is said."""
        if self.map is None:
            return
        try:
            found = await self.map.nearest(MOST_NEAREST, anywhere=True)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self.list_objects(found, f"the {count(len(found))} nearest to the cursor")

    # Measuring ----------------------------------------------------------------------------------------------------

    def action_measure(self) -> None:
        """Measure a distance and an area from the cursor on; again ends that."""
        map_ = self.map
        if map_ is None or map_.cursor is None:
            return
        map_.draw(None if isinstance(map_.drawing, Path) else Path((map_.cursor,)))
        self.focus_map()

    @on(MapPane.Moved)
    def _measure_on(self) -> None:
        if self.map is not None and isinstance(self.map.drawing, Path):
            self._measure()

    @work(group="measure", exclusive=True, exit_on_error=False)
    async def _measure(self) -> None:
        """Measures what is drawn, and on to the cursor. What cannot be measured is said."""
        map_, services = self.map, self.services
        if map_ is None or services is None:
            return
        drawing, cursor, view = map_.drawing, map_.cursor, map_.view
        if not isinstance(drawing, Path) or cursor is None or view is None:
            return
        await asyncio.sleep(PAUSE_IN_MEASURING)
        try:
            measure = await services.spatial.measuring.measure(drawing.to(cursor), view)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        if isinstance(map_.drawing, Path):
            map_.drawing = Path(map_.drawing.places, measure)
            self._show_lines()

    # Changes ------------------------------------------------------------------------------------------------------

    def aim(self) -> Aim | None:
        map_, active = self.map, self.active
        if map_ is None or map_.view is None or map_.cursor is None or active is None:
            return None
        objects = [one for one in map_.selected if one.layer == active.name] or [
            one for one in [map_.named] if one is not None and one.layer == active.name
        ]
        return Aim(active.layer, tuple(one.key for one in objects), *map_.cursor, map_.view.srid)

    def show_changed(self, layer: Layer) -> None:
        map_ = self.map
        if map_ is None:
            return
        map_.select([one for one in map_.selected if one.layer != layer.name])
        map_.forget(layer.name)
        if self.side.view == "detail":
            self.close_side()

    def action_copy(self) -> None:
        """Copy the row under the cursor, else the object that is shown in full, else where the cursor is."""
        map_ = self.map
        if self.table.has_focus or map_ is None or map_.cursor is None:
            super().action_copy()
        elif self._shows_detail:
            self.send_to_clipboard(self.side.detail.text)
        else:
            self.send_to_clipboard(f"{map_.cursor[0]!r} {map_.cursor[1]!r}")

    # Back ---------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Leave what is drawn, else close what is open, else select nothing, else remove the filter."""
        map_ = self.map
        if map_ is not None and map_.drawing is not None:
            map_.draw(None)
        elif self.side.view == "detail" and self._list_title is not None:
            title, self._list_title = self._list_title, None
            self.show_side("objects", title)
        elif self.side_open or self.side.view != "layers":
            self.close_side()
        elif map_ is not None and (map_.selected or map_.has_own_cursor):
            map_.select(())
            map_.put_cursor(None)
        elif self.query_one(FilterBar).display:
            self.filter_by("")
