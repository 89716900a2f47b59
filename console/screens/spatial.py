"""Screen 6, Spatial: what is where, in ten million objects or in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from console.dialogs.choose import Choice, ChooseDialog
from console.dialogs.form import Field, FormDialog
from console.errors import DbconsoleError
from console.models.map_objects import MapObject
from console.resources import folder
from console.screens.frame import ConsoleScreen
from console.screens.spatial_drawing import Place
from console.screens.spatial_editing import SpatialEditing
from console.screens.spatial_files import SpatialFiles
from console.screens.spatial_places import place_of
from console.screens.spatial_views import Bookmark, Bookmarks
from console.widgets.map_scale import place_in_words

MOST_FOUND = 50
_OTHER_KEYS = ("slower", "faster", "export")
"""Commands of the frame whose keys do something else here: zoom, and write objects."""


class SpatialScreen(SpatialFiles):
    """The map with everything that can be done on it."""

    MODE = "spatial"
    CSS_PATH = folder("themes") / "spatial.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "pan(-1, 0)", "pan", key_display="←↑↓→", id="spatial.west", tooltip="Move the map; hjkl do too"),
        Binding("right,l", "pan(1, 0)", "pan", show=False, key_display="→", id="spatial.east", tooltip="Move the map to the east"),
        Binding("up,k", "pan(0, -1)", "pan", show=False, key_display="↑", id="spatial.north", tooltip="Move the map to the north"),
        Binding("down,j", "pan(0, 1)", "pan", show=False, key_display="↓", id="spatial.south", tooltip="Move the map to the south"),
        Binding("shift+left", "pan(-1, 0, True)", "pan far", show=False, id="spatial.far-west", tooltip="A whole screen to the west"),
        Binding("shift+right", "pan(1, 0, True)", "pan far", show=False, id="spatial.far-east", tooltip="A whole screen to the east"),
        Binding("shift+up,pageup", "pan(0, -1, True)", "pan far", show=False, id="spatial.far-north", tooltip="A whole screen to the north"),
        Binding("shift+down,pagedown", "pan(0, 1, True)", "pan far", show=False, id="spatial.far-south", tooltip="A whole screen to the south"),
        Binding("ctrl+left", "move_cursor(-1, 0)", "cursor", show=False, id="spatial.cursor-west", tooltip="The cursor by a cell to the west"),
        Binding("ctrl+right", "move_cursor(1, 0)", "cursor", show=False, id="spatial.cursor-east", tooltip="The cursor by a cell to the east"),
        Binding("ctrl+up", "move_cursor(0, -1)", "cursor", show=False, id="spatial.cursor-north", tooltip="The cursor by a cell to the north"),
        Binding("ctrl+down", "move_cursor(0, 1)", "cursor", show=False, id="spatial.cursor-south", tooltip="The cursor by a cell to the south"),
        Binding("plus,equals_sign", "zoom(1)", "zoom", key_display="+", id="spatial.closer", tooltip="Look closer at the cursor"),
        Binding("minus", "zoom(-1)", "zoom out", key_display="-", show=False, id="spatial.further", tooltip="Look from further away"),
        Binding("f", "fit", "fit", id="spatial.fit", tooltip="Show all of the active layer"),
        Binding("F", "fit_selection", "fit selection", show=False, id="spatial.fit-selection", tooltip="Show all that is selected"),
        Binding("enter", "choose", "select", key_display="enter", id="spatial.choose", tooltip="Select what the cursor is at, and show it in full; again closes that"),
        Binding("g", "go_to", "go to", id="spatial.go-to", tooltip="Go to coordinates, or to an object by its id or name"),
        Binding("L", "layers", "layers", id="spatial.layers", tooltip="The layers: show, hide, order them, make one active"),
        Binding("m", "measure", "measure", id="spatial.measure", tooltip="Measure a distance and an area; enter sets points, esc ends"),
        Binding("v", "rectangle", "rectangle", id="spatial.rectangle", tooltip="Draw a rectangle, and select, list and count what is in it"),
        *SpatialEditing.EDITING_BINDINGS,
        *SpatialFiles.FILE_BINDINGS,
        Binding("C", "colour_by", "colour by", show=False, id="spatial.colour-by", tooltip="Colour the active layer's objects by an attribute"),
        Binding("N", "nearest", "nearest", show=False, id="spatial.nearest", tooltip="List what is nearest to the cursor"),
        Binding("number_sign", "count", "count", show=False, key_display="#", id="spatial.count", tooltip="Count exactly what is in view"),
        Binding("o", "constraints", "constraints", show=False, id="spatial.constraints", tooltip="The constraints between objects, and what does not hold of them"),
        Binding("w", "checks", "what is wrong", show=False, id="spatial.checks", tooltip="Look for what is wrong with the active layer"),
        Binding("p", "pyramid", "pyramid", show=False, id="spatial.pyramid", tooltip="Counts made ahead, with which every view is quick: build, refresh, drop them"),
        Binding("b,left_square_bracket", "step(-1)", "back", show=False, key_display="b", id="spatial.back", tooltip="Go back to the view before"),
        Binding("n,right_square_bracket", "step(1)", "forward", show=False, key_display="n", id="spatial.forward", tooltip="Go forward again"),
        Binding("B", "bookmarks", "bookmarks", show=False, id="spatial.bookmarks", tooltip="Views with a name: go to one, keep this one, forget one"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to what is beside the map, and back"),
        Binding("escape", "back", "back", show=False, tooltip="Leave what is drawn; close what is open; select nothing; remove the filter"),
        *(one for one in ConsoleScreen.COMMON_BINDINGS if not (isinstance(one, Binding) and one.id in _OTHER_KEYS)),
    ]  # fmt: skip

    def action_fit_selection(self) -> None:
        """Show all that is selected."""
        map_ = self.map
        if map_ is None or not any(one.x is not None for one in map_.selected):
            self._say("Nothing is selected: enter selects what the cursor is at, v what is in a rectangle.")
        else:
            map_.fit_objects(map_.selected)

    # Going somewhere ----------------------------------------------------------------------------------------------

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_go_to(self) -> None:
        """Ask where to go, and go there. It has nothing that can fail: what cannot be found is said in the dialog."""
        chosen = await self.app.push_screen_wait(
            ChooseDialog[Place | MapObject](
                "Go to", find=self._places, hint="10.75 59.91, 59.91N 10.75E, or an object's id or name"
            )
        )
        if chosen is None or self.map is None:
            return
        if isinstance(chosen.value, MapObject):
            self.look_at(chosen.value, closely=True)
        else:
            self.map.go_to(chosen.value)

    async def _places(self, words: str) -> Sequence[Choice[Place | MapObject]]:
        if not words:
            return ()
        found: list[Choice[Place | MapObject]] = []
        if (place := place_of(words)) is not None:
            found.append(Choice(place, f"{place[0]:.10g}, {place[1]:.10g}", "coordinates"))
        at, active, services = self.map_and_srid, self.active, self.services
        if at is not None and active is not None and services is not None:
            objects = await services.spatial.objects.find(active.layer, words, at[1], limit=MOST_FOUND)
            found += [Choice(one, one.label, one.category or ", ".join(one.key)) for one in objects]
        return found

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_colour_by(self) -> None:
        """Ask which attribute tells objects apart by colour. It has nothing that can fail."""
        active = self.active
        if active is None:
            return
        nothing = Choice[str | None](None, "nothing", "one colour for the layer")
        attributes = [Choice[str | None](one.name, one.name, one.type) for one in active.layer.attributes]
        chosen = await self.app.push_screen_wait(
            ChooseDialog[str | None](f"Colour {active.name.table} by", [nothing, *attributes])
        )
        if chosen is not None:
            self.change_layer(active.name, colour_by=chosen.value)

    # Bookmarks ----------------------------------------------------------------------------------------------------

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_bookmarks(self) -> None:
        """Go to a view with a name, give this one a name, or forget one. A file that cannot be used is said."""
        try:
            await self._bookmarks()
        except DbconsoleError as problem:
            self._say(problem.sentence)

    async def _bookmarks(self) -> None:
        at, services = self.map_and_srid, self.services
        if at is None or services is None:
            return
        map_ = at[0]
        bookmarks = Bookmarks(str(services.server.target))
        kept = bookmarks.all()
        choices = [
            Choice[object](one, one.name, place_in_words(one.view, one.view.x, one.view.y)) for one in kept
        ]
        choices.append(Choice("keep", "keep this view …", "under a name"))
        if kept:
            choices.append(Choice("forget", "forget one …"))
        chosen = await self.app.push_screen_wait(ChooseDialog[object]("Bookmarks", choices))
        if chosen is None:
            return
        if isinstance(chosen.value, Bookmark):
            map_.look(chosen.value.view)
        elif chosen.value == "keep" and map_.view is not None:
            view = map_.view
            typed = await self.app.push_screen_wait(
                FormDialog("Keep this view", [Field("name", "name", check=_is_named)])
            )
            if typed is not None:
                bookmarks.keep(Bookmark(typed["name"], view))
                self._say(f"{typed['name']} is kept: B leads back to it.", done=True)
        elif chosen.value == "forget":
            gone = await self.app.push_screen_wait(
                ChooseDialog[object]("Forget which bookmark?", choices[: len(kept)])
            )
            if gone is not None and isinstance(gone.value, Bookmark):
                bookmarks.forget(gone.value.name)


def _is_named(name: str) -> str | None:
    return None if name else "Give it a name."
