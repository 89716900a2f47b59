"""What the glyphs and the colours of a map mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.color import Color
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from console.terminal.safe_text import visible
from console.units import compact
from console.widgets.map_cells import GLYPHS, OTHER, DrawnLayer
from console.widgets.map_colours import MapColours
from console.widgets.map_raster import Ramp

_BETWEEN = Content("   ")


class Sign(NamedTuple):
    """A glyph in a colour, and what it stands for."""

    glyph: str
    colour: int
    words: str


def signs(layers: Sequence[DrawnLayer]) -> tuple[Sign, ...]:
    """What tells apart the layers, the topmost first; of a layer with categories these, the commonest first."""
    found: list[Sign] = []
    for layer in reversed(layers):
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


def ramp_in_words(ramp: Ramp) -> str:
    """From how many objects in a cell each of its shades is."""
    limits = [ramp.first * ramp.factor**step for step in range(1, ramp.steps)]
    return f"shades from {' · '.join(f'{one:.2g}' if one < 10 else compact(one) for one in limits)} a cell"


class MapLegend(Widget):
    """A line that names what is on the map."""

    ALLOW_SELECT = False

    DEFAULT_CSS = "MapLegend { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: tuple[tuple[Sign, ...], str] = ((), "")

    def show(self, layers: Sequence[DrawnLayer], ramp: Ramp | None = None) -> None:
        """Names these layers, and the steps of density where there are any; `-plain` says that it is but one."""
        found = signs(layers), ramp_in_words(ramp) if ramp is not None else ""
        if found != self._shown:
            self._shown = found
            self.set_class(len(found[0]) < 2, "-plain")
            self.refresh()

    def render(self) -> Content:
        """The glyphs in their colours, each with its name; the steps of density where there is room for all of them."""
        colours = MapColours(self.app, self.background_colors[1])
        named, shades = self._shown
        parts = [
            Content.assemble(
                (sign.glyph, Style(foreground=Color.from_rich_color(colours.ink(sign.colour)))),
                f" {sign.words}",
            )
            for sign in named
        ]
        line = _BETWEEN.join(parts)
        if shades and line.cell_length + _BETWEEN.cell_length + len(shades) <= self.content_size.width:
            line = _BETWEEN.join([line, Content.styled(shades, "$text-muted")])
        return line
