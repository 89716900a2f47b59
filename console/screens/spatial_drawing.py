"""What a person draws over a map: a rectangle, or a line to be measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.models.map_objects import Measure
from console.models.map_view import Envelope

if TYPE_CHECKING:
    from console.widgets.map_marks import Marks

Place = tuple[float, float]
"""x and y in the units of the view."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """From a corner to the cursor."""

    start: Place

    def envelope(self, cursor: Place) -> Envelope:
        """What it has in it."""
        (x, y), (other_x, other_y) = self.start, cursor
        return Envelope(min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))

    def over(self, marks: Marks, cursor: Place) -> Marks:
        """Drawn over the map."""
        return replace(marks, rectangle=self.envelope(cursor))


@dataclass(frozen=True, slots=True)
class Path:
    """Along the places that were set, and on to the cursor."""

    places: tuple[Place, ...]
    measure: Measure | None = None
    """As it was last measured."""

    def to(self, cursor: Place) -> tuple[Place, ...]:
        """All its corners, the cursor the last one."""
        return self.places if self.places and self.places[-1] == cursor else (*self.places, cursor)

    def over(self, marks: Marks, cursor: Place) -> Marks:
        """Drawn over the map."""
        return replace(marks, path=self.to(cursor))


Drawing = Rectangle | Path
