"""What is beside the map: the layers, an object in full, or a list of things that lead to places on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from console.models.layers import LayerName
from console.models.map_objects import Constraint, Finding, MapObject
from console.screens.spatial_columns import (
    CONSTRAINT_COLUMNS,
    FINDING_COLUMNS,
    constraint_tone,
    layer_columns,
    object_columns,
    short_names,
)
from console.screens.spatial_layers import LayerStack, ShownLayer
from console.terminal.safe_text import visible
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable

SideView: TypeAlias = Literal["layers", "detail", "objects", "constraints", "findings"]


class LayersTable(LiveTable[ShownLayer]):
    """The layers, the topmost first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_row", "make active", key_display="enter", tooltip="Look at this layer: keys are about it then"),
        Binding("space", "screen.toggle_layer", "show, hide", tooltip="Show this layer, or hide it"),
        Binding("shift+up", "screen.raise_layer(1)", "up", show=False, tooltip="Draw this layer over the one above it"),
        Binding("shift+down", "screen.raise_layer(-1)", "down", show=False, tooltip="Draw this layer below the one under it"),
    ]  # fmt: skip


class SidePanel(Container):
    """One of its views is shown under a title. A row that is chosen is said by the table's own message."""

    def __init__(self, stack: LayerStack, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.stack = stack
        self.view: SideView = "layers"
        self.title_text = ""
        self._named: tuple[LayerName | None, dict[LayerName, str]] = (None, {})

    def compose(self) -> ComposeResult:
        yield Static(id="side-title", markup=False)
        with Container(id="side-layers", classes="side-view"):
            yield LayersTable(layer_columns(None, {}), lambda one: one.name, sortable=False, id="layers")
            yield Static(id="notes", markup=False)
        with Container(id="side-detail", classes="side-view"):
            yield DetailPane(id="object")
            yield LiveTable[MapObject](object_columns("m"), _object_key, id="neighbours")
        with Container(id="side-objects", classes="side-view"):
            yield LiveTable[MapObject](object_columns("m"), _object_key, id="objects")
        with Container(id="side-constraints", classes="side-view"):
            yield LiveTable[Constraint](
                CONSTRAINT_COLUMNS, lambda one: one.constraint_id, row_style=constraint_tone, id="constraints"
            )
            yield DetailPane(id="constraint")
        with Container(id="side-findings", classes="side-view"):
            yield LiveTable[Finding](FINDING_COLUMNS, lambda one: one.flaw, sortable=False, id="findings")
            yield DetailPane(id="finding")

    def on_mount(self) -> None:
        self.show_view("layers")

    @property
    def table(self) -> LiveTable[Any]:
        """The table of the view that is shown."""
        return self.query_one(f"#side-{self.view}").query_one(LiveTable)

    @property
    def detail(self) -> DetailPane:
        """An object in full."""
        return self.query_one("#object", DetailPane)

    def show_view(self, view: SideView, title: str = "layers") -> None:
        """Shows another of the views, under a title."""
        self.view = view
        for one in self.query(".side-view"):
            one.display = one.id == f"side-{view}"
        self.say(view, title)

    def say(self, view: SideView, title: str) -> None:
        """Puts a title, which is data, over a view while that is the one that is shown."""
        if view == self.view:
            self.title_text = title
            self.query_one("#side-title", Static).update(Content.styled(visible(title), "bold"), layout=False)

    def show_layers(self, notes: Sequence[str]) -> None:
        """The layers as they are now, and what would help."""
        table = self.query_one("#layers", LayersTable)
        active = self.stack.active
        name = active.name if active is not None else None
        names = short_names(self.stack.layers)
        if (name, names) != self._named:
            self._named = name, names
            table.replace_columns(layer_columns(name, names))
        table.update_rows(self.stack.layers)
        said = Content("\n".join(f"▲ {visible(note, multiline=True)}" for note in notes))
        if (line := self.query_one("#notes", Static)).content != said:
            line.update(said)


def _object_key(one: MapObject) -> tuple[LayerName, object]:
    return one.layer, one.key or (one.label, one.x, one.y)
