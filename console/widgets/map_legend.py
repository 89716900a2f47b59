"""What the glyphs and the colours of a map mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from console.terminal.safe_text import visible
from console.widgets.map_cells import GLYPHS, OTHER, DrawnLayer
from console.widgets.map_colours import MapColours


class Sign(NamedTuple):
    """A glyph in a colour, and what it stands for."""

    glyph: str
    colour: int
    words: str


def signs(layers: Sequence[DrawnLayer]) -> tuple[Sign, ...]:
    """What tells apart the visible layers, the topmost first; of a layer with categories these, the commonest first."""
    found: list[Sign] = []
    for layer in reversed(layers):
        if not layer.is_visible:
            continue
        categories = layer.picture.categories
        if not categories:
            found.append(Sign(layer.glyph, layer.colour, visible(layer.picture.layer.table)))
            continue
        found += [
            Sign(GLYPHS[number], number, visible(category))
            for number, category in enumerate(categories[:OTHER])
        ]
        found.append(Sign(GLYPHS[OTHER], OTHER, "other"))
    return tuple(found)


class MapLegend(Widget):
    """A line that names what is on the map."""

    ALLOW_SELECT = False

    DEFAULT_CSS = "MapLegend { height: 1; width: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._signs: tuple[Sign, ...] = ()

    def show(self, layers: Sequence[DrawnLayer]) -> None:
        """Names these layers."""
        if (found := signs(layers)) != self._signs:
            self._signs = found
            self.refresh(layout=True)

    def render(self) -> Content:
        """The glyphs in their colours, each with its name."""
        colours = MapColours(self.app, self.background_colors[1])
        return Content("   ").join(
            Content.assemble((sign.glyph, Style(foreground=colours.ink(sign.colour))), " ", sign.words)
            for sign in self._signs
        )
