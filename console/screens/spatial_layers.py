"""The layers of a map: which are shown, on top of which, in what colour, and what is seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from console.models.layers import EVERYTHING, GeometryKind, Layer, LayerFilter, LayerName

if TYPE_CHECKING:
    from console.models.pictures import Picture

SIGNS = "●■▲○□△"
"""What an object of a layer is drawn as, for each colour."""


@dataclass(frozen=True, slots=True)
class ShownLayer:
    """A layer with what a person wants to see of it."""

    layer: Layer
    is_visible: bool = False
    colour: int | None = None
    """Which of the map's colours; None before it was first shown."""
    colour_by: str | None = None
    """The attribute whose values have colours of their own."""
    words: str = ""
    """The filter as it was typed."""
    only: LayerFilter = EVERYTHING
    picture: Picture | None = None
    """The best that there is, perhaps of another frame."""
    is_complete: bool = False
    """Whether no better picture of the present frame is on its way."""
    problem: str | None = None
    """Why there is no picture, or no better one, as a sentence."""

    @property
    def name(self) -> LayerName:
        """Of the layer."""
        return self.layer.name

    @property
    def glyph(self) -> str:
        """What one of its objects is drawn as."""
        return SIGNS[self.colour or 0]


class LayerStack:
    """The layers of one database, the topmost first, one of them active."""

    def __init__(self) -> None:
        self.layers: tuple[ShownLayer, ...] = ()
        self._active: LayerName | None = None

    def take(self, layers: Sequence[Layer], default: Layer | None) -> bool:
        """These are the layers now; whether any that is drawn is another than before, or there for the first time.

        What a person has set of a layer is kept. The first time the default one is shown.
        """
        known = {one.name: one for one in self.layers}
        found = {layer.name: layer for layer in layers}
        before = self._drawn_like
        kept = [replace(one, layer=found[one.name]) for one in self.layers if one.name in found]
        new = [_new(layer) for layer in layers if layer.name not in known]
        self.layers = (*kept, *new)
        if self.active is None:
            self._active = default.name if default is not None else None
            if default is not None:
                self.show(default.name)
        return before != self._drawn_like

    @property
    def _drawn_like(self) -> Sequence[Layer]:
        """What is drawn, without what differs from one sample to the next of a table that is written to."""
        return [replace(one.layer, rows=None, size=0) for one in self.visible]

    @property
    def active(self) -> ShownLayer | None:
        """The one that keys are about; None without a layer that can be looked at."""
        return next((one for one in self.layers if one.name == self._active), None)

    @property
    def visible(self) -> Sequence[ShownLayer]:
        """What is drawn, the topmost first."""
        return [one for one in self.layers if one.is_visible]

    def find(self, name: LayerName) -> ShownLayer | None:
        """The layer as it is now, None where it is gone."""
        return next((one for one in self.layers if one.name == name), None)

    def change(self, name: LayerName, **changes: Any) -> None:
        """Sets fields of a layer that is still there."""
        self.layers = tuple(replace(one, **changes) if one.name == name else one for one in self.layers)

    def show(self, name: LayerName) -> None:
        """Has a layer drawn, in a colour that no other one has where there is one left."""
        one = self.find(name)
        if one is None:
            return
        others = [other for other in self.visible if other.name != name]
        used = {other.colour for other in others}
        free = [colour for colour in range(len(SIGNS)) if colour not in used]
        if any(other.colour_by for other in others):
            free.reverse()  # the first colours are those of the commonest values
        has_own = one.colour is not None and one.colour not in used
        self.change(name, is_visible=True, colour=one.colour if has_own else (free or [0])[0])

    def hide(self, name: LayerName) -> None:
        """Has it drawn no more; what was seen of it is let go."""
        self.change(name, is_visible=False, picture=None, is_complete=False, problem=None)

    def activate(self, name: LayerName) -> None:
        """Keys are about this layer from now on; it is shown."""
        self.show(name)
        self._active = name

    def raise_by(self, name: LayerName, by: int) -> None:
        """Puts a layer so many places up."""
        layers = list(self.layers)
        at = next((index for index, one in enumerate(layers) if one.name == name), None)
        if at is not None:
            one = layers.pop(at)
            layers.insert(max(0, at - by), one)
            self.layers = tuple(layers)


def _new(layer: Layer) -> ShownLayer:
    return ShownLayer(layer, colour_by="object_type" if layer.is_cad else None)


def shape_in_words(layer: Layer) -> str:
    """What is in it: `points`, `polygons`, `geography: lines` …"""
    words = {
        "POINT": "points",
        "MULTIPOINT": "points",
        "LINESTRING": "lines",
        "MULTILINESTRING": "lines",
        "POLYGON": "polygons",
        "MULTIPOLYGON": "polygons",
        "GEOMETRYCOLLECTION": "collections",
        "GEOMETRY": "any",
    }.get(layer.shape, layer.shape.lower())
    return f"{words}, on the globe" if layer.kind is GeometryKind.GEOGRAPHY else words


def srid_in_words(srid: int | None) -> str:
    """`EPSG:4326`, or that it is not known."""
    return f"EPSG:{srid}" if srid else "no SRID"
