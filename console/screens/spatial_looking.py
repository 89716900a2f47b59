"""The screen of the map as far as it is looked at: what is shown where, moving about, layers, what is let through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.containers import Container
from textual.content import Content
from textual.events import ScreenResume, ScreenSuspend
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from console.data.identifiers import quoted
from console.errors import ConnectionLost, DbconsoleError
from console.models.layers import Layer, LayerName, SpatialSnapshot
from console.models.reading import Reading
from console.screens.spatial_editing import SpatialEditing
from console.screens.spatial_layers import LayerStack, ShownLayer
from console.screens.spatial_map import MapPane
from console.screens.spatial_side import LayersTable, SidePanel, SideView
from console.terminal.safe_text import visible
from console.widgets.filter_bar import FilterBar
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services

PAN = 0.125
"""Which part of what is seen a step moves the map by."""
ZOOM = 2.0
PAUSE_IN_TYPING = 0.3
"""Seconds without a key after which a filter is asked for."""


class SpatialLooking(SpatialEditing):
    """The map, the panel beside it and the lines around both. Everything is drawn from what is there, then asked for."""

    AUTO_FOCUS = ""

    building: str = ""
    """How far the pyramid is that is being built, in words."""
    side_open: reactive[bool] = reactive(False)
    """Whether the panel lies over the map where there is no room for both."""

    def compose_body(self) -> Iterable[Widget]:
        self.stack = LayerStack()
        self.notes: Sequence[str] = ()
        self._bringing = asyncio.Lock()
        with Container(id="map-above"):
            yield Static(id="map-layer", markup=False)
            yield Static(id="map-state", markup=False)
        with Container(id="map-and-side"):
            yield Static(id="map-message", markup=False)
            yield SidePanel(self.stack, id="side")
        yield Static(id="map-below", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(FilterBar).say_what_to_type("words of a name, column=value, $.path ? (@ > 3)")

    def feed_of(self, services: Services) -> Feed[SpatialSnapshot]:
        return services.spatial_feed

    @property
    def side(self) -> SidePanel:
        """What is beside the map."""
        return self.query_one(SidePanel)

    @property
    def map(self) -> MapPane | None:
        """None before there was a layer to look at."""
        return next(iter(self.query(MapPane)), None)

    @property
    def table(self) -> LiveTable[Any]:
        return self.side.table

    @property
    def active(self) -> ShownLayer | None:
        """The layer that keys are about."""
        return self.stack.active

    @property
    def unit(self) -> str:
        """Of distances: metres where they are known."""
        map_ = self.map
        return "m" if map_ is not None and map_.view is not None and map_.view.is_geographic else ""

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: SpatialSnapshot, reading: Reading[SpatialSnapshot]) -> None:
        self.notes = snapshot.notes
        is_other = self.stack.take(snapshot.layers, snapshot.default)
        self.side.table.show_when_empty(Content("There are none."))
        map_ = self.map
        if self.active is None:
            self._say_instead(_nothing_to_show(snapshot))
        elif map_ is None:
            self._bring_map(self.active.layer)
        elif is_other:
            map_.look_again()
        else:
            map_.catch_up()
        if map_ is not None:
            map_.select([one for one in map_.selected if self.stack.find(one.layer) is not None])
            map_.display = self.active is not None
            self.query_one("#map-message").display = not map_.display
        self._show_layers()

    @on(ScreenSuspend)
    def _let_map_rest(self) -> None:
        if self.map is not None and self.app.current_mode != self.MODE:
            self.map.rest()

    @on(ScreenResume)
    def _let_map_catch_up(self) -> None:
        if self.map is not None:
            self.map.catch_up()

    def _explain_emptiness(self) -> None:
        super()._explain_emptiness()
        self._say_instead(self.emptiness)

    def _say_instead(self, sentence: str) -> None:
        """Says in place of the map why there is none."""
        self.query_one("#map-message", Static).update(Content(visible(sentence, multiline=True)))

    @work(group="view", exclusive=False, exit_on_error=False)
    async def _bring_map(self, layer: Layer) -> None:
        """Makes the map, once, and looks at a layer. It has nothing that can fail."""
        async with self._bringing:
            if self.map is not None or self.services is None:
                return
            map_ = MapPane(self.services, self.stack, self.clock, id="map-pane")
            map_.covered = self._count_covered
            self.query_one("#map-message").display = False
            await self.query_one("#map-and-side").mount(map_, before="#side")
            await self._bring_legend()
        if not isinstance(self.focused, Input):
            map_.canvas.focus()
        map_.open(layer)

    def _count_covered(self) -> int:
        """Cells of the map that the panel lies over; none where it lies over all of it."""
        if self.map is None or not self.side_open:
            return 0
        canvas, side = self.map.canvas.region, self.side.region
        return max(0, canvas.right - side.x) if side.x > canvas.x else 0

    async def _bring_legend(self) -> None:
        from console.widgets.map_legend import MapLegend

        await self.query_one("#map-above").mount(MapLegend(), after="#map-layer")

    def _show_layers(self) -> None:
        self.side.show_layers(self.notes)
        self._show_lines()

    @on(MapPane.Changed)
    def _show_lines(self) -> None:
        map_, active = self.map, self.active
        if map_ is None or active is None or map_.view is None:
            for name in ("map-layer", "map-state", "map-below"):
                self._say_in(name, Content(""))
            return
        from console.screens.spatial_lines import layer_line, line_below, notes_over, state_line

        self._say_in("map-layer", layer_line(active, is_wide=self.has_class("-wide")))
        self._say_in("map-state", state_line(active, map_.view, self.building, self.clock.now()))
        self._say_in("map-below", line_below(map_, self.unit))
        map_.say(notes_over(self.stack))
        for legend in self.query("MapLegend"):
            legend.show(map_.drawn, map_.canvas.ramp)  # type: ignore[attr-defined]
        if self.side.view == "layers":
            self.side.show_layers(self.notes)

    def _say_in(self, name: str, line: Content) -> None:
        """Says something where it is not said yet; things are laid out anew only where its length is another."""
        widget = self.query_one(f"#{name}", Static)
        before = widget.content
        if before != line:
            is_longer = not isinstance(before, Content) or before.cell_length != line.cell_length
            widget.update(line, layout=is_longer)

    def watch_side_open(self) -> None:
        self.set_class(self.side_open, "-side")

    def show_side(self, view: SideView, title: str, *, focus: bool = True) -> None:
        """Shows something beside the map, or over it where there is no room beside."""
        self.side.show_view(view, title)
        self.side_open = True
        if view == "layers":
            self._show_layers()
        if focus and not isinstance(self.focused, Input):  # where a person types
            self.side.table.focus()

    def close_side(self) -> None:
        """Shows the layers again, or all of the map where there is no room beside it."""
        self.side.show_view("layers")
        self.side_open = False
        self._show_layers()
        self.focus_map()

    def focus_map(self) -> None:
        """Gives the keys back to the map."""
        if self.map is not None:
            self.map.canvas.focus()

    # Moving about -------------------------------------------------------------------------------------------------

    def action_pan(self, right: int, down: int, far: bool = False) -> None:
        """Move the map; while something is drawn, the cursor."""
        if self.map is None:
            return
        if self.map.drawing is not None:
            step = 8 if far else 1
            self.map.move_cursor(right * step, down * step)
        else:
            self.map.pan_screen(right * (1.0 if far else PAN), down * (1.0 if far else PAN))

    def action_move_cursor(self, right: int, down: int) -> None:
        """Move the cursor by a cell."""
        if self.map is not None:
            self.map.move_cursor(right, down)

    def action_zoom(self, closer: int) -> None:
        """Look closer, or from further away."""
        if self.map is not None:
            self.map.zoom(ZOOM**closer)

    def action_fit(self) -> None:
        """Show all of the active layer."""
        if self.map is not None and self.active is not None:
            self.map.open(self.active.layer)

    def action_step(self, by: int) -> None:
        """Go back to the view before, or forward again."""
        if self.map is not None and not self.map.step(by):
            self._say("There is no view before this one." if by < 0 else "There is no view behind this one.")

    def action_refresh_now(self) -> None:
        """Ask for everything again."""
        super().action_refresh_now()
        if self.map is not None:
            self.map.forget(*(one.name for one in self.stack.visible))

    # Layers -------------------------------------------------------------------------------------------------------

    def action_layers(self) -> None:
        """Go to the list of layers, and back to the map."""
        if self.side.view == "layers" and self.side.table.has_focus:
            self.close_side()
        else:
            self.show_side("layers", "layers")

    def action_toggle_layer(self) -> None:
        """Show the layer under the cursor, or hide it."""
        one, map_ = self._row, self.map
        if one is None or map_ is None or not self._may_read(one):
            return
        if one.is_visible:
            self.stack.hide(one.name)
        else:
            self.stack.show(one.name)
        map_.redraw()
        map_.refine()
        self._show_layers()

    def action_raise_layer(self, by: int) -> None:
        """Draw the layer over its neighbour, or below it."""
        if (one := self._row) is not None and self.map is not None:
            self.stack.raise_by(one.name, by)
            self.map.redraw()
            self._show_layers()

    @on(LiveTable.RowSelected, "#layers")
    def _activate(self) -> None:
        one, map_ = self._row, self.map
        if one is None or map_ is None or not self._may_read(one):
            return
        view = map_.view
        had_own = one.is_visible
        self.stack.activate(one.name)
        self.query_one(FilterBar).show_words(one.words)
        map_.ask_for_name()
        if view is None or not had_own or bool(view.srid) != bool(one.layer.srid):
            map_.open(one.layer)
        self.close_side()

    @property
    def _row(self) -> ShownLayer | None:
        return self.query_one("#layers", LayersTable).cursor_row

    def _may_read(self, one: ShownLayer) -> bool:
        if not one.layer.may_read:
            name = f"{quoted(one.name.schema)}.{quoted(one.name.table)}"
            self._say(f"This role may not read {name}: GRANT SELECT ON {name} would show it.")
        return one.layer.may_read

    def change_layer(self, name: LayerName, **changes: Any) -> None:
        """Sets fields of a layer, and shows what comes of it."""
        self.stack.change(name, **changes)
        if self.map is not None:
            self.map.look_again()
        self._show_layers()

    # What is let through ------------------------------------------------------------------------------------------

    def find(self, words: str) -> None:
        self._find(words)

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _find(self, words: str) -> None:
        """Shows only what the filter lets through, as soon as nobody types. A filter that cannot be read is said."""
        active, services = self.active, self.services
        if active is None or services is None:
            return
        await asyncio.sleep(PAUSE_IN_TYPING if words else 0)
        try:
            only = await services.spatial.objects.filter(active.layer, words)
        except ConnectionLost:
            return  # which the frame says
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self.change_layer(active.name, words=words, only=only)

    @on(FilterBar.Closed)
    def _go_back_to_map(self, event: FilterBar.Closed) -> None:
        event.prevent_default()  # the frame goes to the table
        self.focus_map()


def _nothing_to_show(snapshot: SpatialSnapshot) -> str:
    if snapshot.layers:
        beginning = (
            f"There are {len(snapshot.layers)} columns with geometry, none of which this role may read."
        )
    else:
        beginning = (
            "No column of this database says where anything is: neither PostGIS's geometry nor points."
        )
    return "\n\n".join([beginning, *snapshot.notes])
