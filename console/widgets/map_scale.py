"""What a map says of itself: how long things are, where the cursor is, how close it looks."""

from __future__ import annotations

from math import ceil, cos, floor, log2, log10, pi, radians, sin, sqrt
from typing import NamedTuple

from console.models.map_view import MapView
from console.units import in_figures

DOTS_ACROSS, DOTS_DOWN = 2, 4
"""Dots of a cell, which are square."""
_EQUATOR, _FLATTENING = 6_378_137.0, 1 / 298.257223563
"""Metres, of WGS 84."""
_MERCATOR = (3857, 900913)
"""SRIDs of the maps of the web, whose zoom levels everybody knows."""
_TILE = 256
"""Dots of the world at zoom level 0."""
_MOST_DECIMALS = 12


class ScaleBar(NamedTuple):
    """A length that is round."""

    cells: int
    """How long it is on the screen."""
    words: str

    @property
    def text(self) -> str:
        """As it is drawn."""
        return f"├{'─' * (self.cells - 2)}┤ {self.words}"


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """How long a degree is there to the east and to the north, on the spheroid WGS 84."""
    angle = radians(min(89.9, max(-89.9, latitude)))
    squared = _FLATTENING * (2 - _FLATTENING)
    flat = 1 - squared * sin(angle) ** 2
    degree = _EQUATOR * pi / 180
    return degree * cos(angle) / sqrt(flat), degree * (1 - squared) / flat**1.5


def scale_bar(view: MapView, most_cells: int = 16) -> ScaleBar:
    """The longest round length of at most so many cells: along the parallel in the middle of a map in degrees."""
    unit = metres_per_degree(view.y)[0] if view.is_geographic else 1.0
    cell = DOTS_ACROSS * view.scale * unit
    most = most_cells * cell
    magnitude = 10.0 ** floor(log10(most))
    # A small amount for 4.999… that is 5.
    length = next(
        step * magnitude for step in (5, 2, 1) if step == 1 or step * magnitude <= most * (1 + 1e-9)
    )
    words = _metres(length) if view.is_geographic else f"{length:,.10g} {'unit' if length == 1 else 'units'}"
    return ScaleBar(max(2, round(length / cell)), words)


def _metres(length: float) -> str:
    for unit, name in ((1000.0, "km"), (1.0, "m"), (0.01, "cm"), (0.001, "mm")):
        if length >= unit * 0.999:
            return f"{length / unit:,.10g} {name}"
    return f"{length * 1000:.3g} mm"


def place_in_words(view: MapView, x: float, y: float) -> str:
    """x and y, to the dot."""
    decimals = min(_MOST_DECIMALS, max(0, ceil(-log10(view.scale))))
    # Nothing is -0.
    return ", ".join(f"{round(value, decimals) + 0.0:.{decimals}f}" for value in (x, y))


def zoom_in_words(view: MapView) -> str:
    """How close the map is: the level that maps of the web call it, else the units of a dot."""
    if view.is_geographic:
        return f"z {round(log2(360 / _TILE / view.scale))}"
    if view.srid in _MERCATOR:
        return f"z {round(log2(2 * pi * _EQUATOR / _TILE / view.scale))}"
    return f"{in_figures(view.scale, 3)} a dot"
